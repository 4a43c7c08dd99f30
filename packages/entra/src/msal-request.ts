import { ConfidentialClientApplication, type INetworkModule, type NetworkResponse } from "@azure/msal-node";
import type { Chance } from "@mailfleet/core";
import type { BoundedHttp } from "./bounded-http.ts";
import { type EntraCredential, type EntraTenant, tenantAuthority, tokenEndpoint } from "./entra-tenant.ts";
import { readWireAnswer, type WireOptions, wireProblem, type WireResult } from "./wire-answer.ts";

type MsalCredential = Exclude<EntraCredential, { kind: "managedIdentity" }>;

/** Stands for whatever went wrong on the wire while MSAL unwinds; what it was is kept beside, see below. */
class WireStop extends Error {}

export interface MsalRequestOptions extends WireOptions {
  readonly chance: Pick<Chance, "uuid">;
}

/**
 * The client credentials request, made by MSAL over a network client of ours.
 *
 * MSAL builds the request, signs the assertion and reads the good answer. It never sees a bad one: it remembers 429 and 5xx for a
 * minute in a throttle of its own and then throws although the service is back, loses the status of answers that are no JSON, and
 * resolves without token and without error on `200 {}`. So the network client judges the answer, keeps what it saw, and stops MSAL by
 * an exception. MSAL's own cache would be a second one in plain memory, searched whole on each call: its object lives for one request.
 */
export async function requestByMsal(
  http: BoundedHttp,
  tenant: EntraTenant,
  credential: MsalCredential,
  options: MsalRequestOptions,
): Promise<WireResult> {
  const wire: { seen: WireResult | undefined } = { seen: undefined };
  const network: INetworkModule = {
    // Endpoints are configured; asking anybody where they are would give that somebody the credential (T07).
    sendGetRequestAsync: () => Promise.reject(new WireStop()),
    async sendPostRequestAsync<T>(url: string, sent?: { headers?: Record<string, string>; body?: string }): Promise<NetworkResponse<T>> {
      const result = await exchange(url, sent?.headers ?? {}, sent?.body ?? "");
      wire.seen = result;
      if ("facts" in result) throw new WireStop();
      const { accessToken, lifetimeMs } = result.answer;
      // Only what was checked goes on; MSAL would also act on id_token, refresh_token, foci and others.
      const body = { token_type: "Bearer", access_token: accessToken, expires_in: Math.floor(lifetimeMs / 1000) };
      return { status: 200, headers: {}, body: body as T };
    },
  };

  async function exchange(url: string, headers: Record<string, string>, body: string): Promise<WireResult> {
    if (new URL(url).origin !== new URL(tokenEndpoint(tenant)).origin) return { facts: { layer: "entra", code: "FOREIGN_HOST" } };
    try {
      const reply = await http.send({ url, headers, body });
      return readWireAnswer(reply, options);
    } catch (error) {
      return wireProblem(error);
    }
  }

  let token: string | undefined;
  try {
    const app = createApp(tenant, credential, network);
    const correlationId = options.chance.uuid();
    const result = await app.acquireTokenByClientCredential({ scopes: [tenant.scope], skipCache: true, correlationId });
    token = result?.accessToken;
  } catch (error) {
    wire.seen ??= { facts: { layer: "entra", code: msalCode(error) } };
  }
  const { seen } = wire;
  if (seen && ("facts" in seen || seen.answer.accessToken === token)) return seen;
  return { facts: { layer: "entra", code: "msal_without_token" } };
}

function createApp(tenant: EntraTenant, credential: MsalCredential, networkClient: INetworkModule): ConfidentialClientApplication {
  const authority = tenantAuthority(tenant);
  return new ConfidentialClientApplication({
    auth: {
      clientId: tenant.clientId,
      authority,
      ...proof(credential),
      // Both together keep MSAL from asking login.microsoftonline.com about this host, and this host about itself.
      knownAuthorities: [new URL(authority).host],
      authorityMetadata: JSON.stringify({
        issuer: `${authority}/v2.0`,
        token_endpoint: tokenEndpoint(tenant),
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        end_session_endpoint: `${authority}/oauth2/v2.0/logout`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
      }),
    },
    system: { networkClient },
  });
}

function proof(credential: MsalCredential): object {
  switch (credential.kind) {
    case "secret":
      return { clientSecret: credential.secret.reveal() };
    case "certificate":
      return { clientCertificate: { thumbprintSha256: credential.thumbprint, privateKey: credential.privateKey.reveal() } };
    case "federated":
      return { clientAssertion: credential.assertion.reveal() };
  }
}

/** MSAL's own words are a closed list of snake_case; its messages may hold what was configured. */
function msalCode(error: unknown): string {
  const code = error instanceof Error && "errorCode" in error ? error.errorCode : undefined;
  return typeof code === "string" && /^[a-z_]{1,64}$/.test(code) ? code : "msal_error";
}
