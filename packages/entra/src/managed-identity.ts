import type { BoundedHttp } from "./bounded-http.ts";
import type { EntraTenant, IdentityEndpoint, ManagedIdentityCredential } from "./entra-tenant.ts";
import { readWireAnswer, type WireOptions, wireProblem, type WireResult } from "./wire-answer.ts";

/**
 * Asks the machine's identity endpoint for a token. MSAL has a client for this too; it keeps tokens in a store that all its objects
 * share, retries for minutes by itself and reads the environment, none of which can be had less of.
 *
 * Virtual machines and AKS: the Azure Instance Metadata Service, api-version 2018-02-01. App Service and Container Apps: the local
 * endpoint that IDENTITY_ENDPOINT names, api-version 2019-08-01. `expires_in` comes as text; there is no `refresh_in`.
 */
export async function requestManagedIdentity(
  http: BoundedHttp,
  tenant: EntraTenant,
  { clientId, endpoint }: ManagedIdentityCredential,
  options: WireOptions,
): Promise<WireResult> {
  const url = new URL(endpoint.url);
  url.searchParams.set("api-version", endpoint.kind === "imds" ? "2018-02-01" : "2019-08-01");
  url.searchParams.set("resource", tenant.scope.replace(/\/\.default$/, ""));
  if (clientId !== undefined) url.searchParams.set("client_id", clientId);
  let result: WireResult;
  try {
    result = readWireAnswer(await http.send({ url: url.href, headers: headersOf(endpoint) }), options);
  } catch (error) {
    return wireProblem(error);
  }
  if (!("facts" in result)) return result;
  const { facts } = result;
  // 400 invalid_request "Identity not found" (IMDS), 400 with other words (App Service): nothing but the identity was asked for.
  if (facts.httpStatus === 400 && facts.number === undefined) return { facts: { ...facts, code: "identity_not_found" } };
  // 404 and 410 while IMDS is updated (Microsoft: retry, up to 70 s).
  return { facts: facts.httpStatus === 404 || facts.httpStatus === 410 ? { ...facts, code: "IDENTITY_ENDPOINT_UPDATING" } : facts };
}

function headersOf({ kind, header }: IdentityEndpoint): Record<string, string> {
  return kind === "imds" ? { metadata: "true" } : { "x-identity-header": header?.reveal() ?? "" };
}
