import type { CredentialVerdict } from "./app-credentials.ts";
import { type DirectoryTenant, findTenant } from "./directory.ts";
import type { TokenRefusal } from "./token-refusal.ts";

/** `credential` names what proved the app, or failed to; absent where it did not come to that. */
export type TokenVerdict =
  | {
      readonly ok: { readonly tenant: DirectoryTenant; readonly audience: string; readonly kind: "secret" | "certificate" };
      readonly credential: string;
    }
  | { readonly refusal: TokenRefusal; readonly credential?: string };

/** Where and when a request is judged. */
export interface TokenPlace {
  /** Of the directory's tenants. */
  readonly tenants: readonly DirectoryTenant[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** `https://host:port`, as the client called this endpoint. */
  readonly origin: string;
}

export interface TokenForm {
  readonly get: (name: string) => string | undefined;
  /** From HTTP Basic, which Entra takes in place of the form's two fields. */
  readonly basic?: { readonly clientId: string; readonly secret: string } | undefined;
}

/** Resources that exist in every directory here; a token for Graph is a good token that opens no mailbox. */
export const resources: readonly string[] = [
  "https://outlook.office365.com",
  "https://outlook.office.com",
  "https://ps.outlook.com",
  "https://graph.microsoft.com",
];

/** Judges a token request. Pure. Unknown fields are ignored, as Entra does. */
export function judgeTokenRequest(tenantInPath: string, form: TokenForm, place: TokenPlace): TokenVerdict {
  const wanted = tenantInPath.toLowerCase();
  if (wanted === "common" || wanted === "organizations" || wanted === "consumers") {
    return refuse(
      400,
      "invalid_request",
      9001023,
      `The grant type is not supported over the /${wanted} endpoint. Please use the /consumers or tenant-specific endpoint.`,
    );
  }
  const tenant = findTenant(wanted, place.tenants);
  if (!tenant) return { refusal: unknownTenant(tenantInPath) };
  const grantType = form.get("grant_type");
  if (!grantType) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.");
  if (grantType !== "client_credentials")
    return refuse(400, "unsupported_grant_type", 70003, `The app requested an unsupported grant type '${grantType.slice(0, 60)}'.`);
  const clientId = form.get("client_id") ?? form.basic?.clientId;
  if (!clientId) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.");
  const scope = judgeScope(form.get("scope"), tenant);
  if ("refusal" in scope) return scope;
  if (clientId.toLowerCase() !== tenant.clientId) {
    return refuse(
      400,
      "unauthorized_client",
      700016,
      `Application with identifier '${clientId.slice(0, 80)}' was not found in the directory '${tenant.alias}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    );
  }
  const verdict = judgeCredential(form, tenant, tenantInPath, place);
  if (!verdict)
    return refuse(
      401,
      "invalid_client",
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    );
  if ("refusal" in verdict) return verdict;
  return { ok: { tenant, audience: scope.audience, kind: verdict.ok.kind }, credential: verdict.ok.credential };
}

/** Undefined where none was sent. */
function judgeCredential(
  form: TokenForm,
  { tenantId, clientId, credentials }: DirectoryTenant,
  tenantInPath: string,
  { now, origin }: TokenPlace,
): CredentialVerdict | undefined {
  const assertion = form.get("client_assertion");
  if (assertion !== undefined) {
    const names = [tenantId, tenantInPath].flatMap((name) => [`${origin}/${name}/oauth2/v2.0/token`, `${origin}/${name}/v2.0`]);
    return credentials.judgeAssertion(assertion, clientId, names, now);
  }
  const secret = form.get("client_secret") ?? form.basic?.secret;
  return secret ? credentials.judgeSecret(secret, clientId, now) : undefined;
}

export function unknownTenant(name: string): TokenRefusal {
  const text = `Tenant '${name.slice(0, 80)}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`;
  return { status: 400, error: "invalid_request", code: 90002, text };
}

function judgeScope(
  scope: string | undefined,
  tenant: DirectoryTenant,
): { readonly audience: string } | { readonly refusal: TokenRefusal } {
  if (!scope) return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.");
  const shown = scope.slice(0, 200);
  const parts = scope.split(" ").filter((part) => part !== "");
  if (parts.length !== 1 || !/^[a-z][a-z0-9+.-]*:\/\/[^\s/]+|^[0-9a-f-]{36}\//i.test(parts[0] ?? "")) {
    return refuse(
      400,
      "invalid_scope",
      70011,
      `The provided value for the input parameter 'scope' is not valid. The scope ${shown} is not valid.`,
    );
  }
  const only = parts[0] as string;
  if (!only.endsWith("/.default")) {
    return refuse(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${shown} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  const resource = only.slice(0, -"/.default".length).replace(/\/$/, "").toLowerCase();
  if (!resources.includes(resource)) {
    return refuse(
      400,
      "invalid_resource",
      500011,
      `The resource principal named ${resource.slice(0, 120)} was not found in the tenant named ${tenant.alias}.`,
    );
  }
  return { audience: resource };
}

function refuse(status: 400 | 401, error: string, code: number, text: string): { readonly refusal: TokenRefusal } {
  return { refusal: { status, error, code, text } };
}
