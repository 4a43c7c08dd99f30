import { ConfidentialClientApplication, type INetworkModule, type NetworkResponse } from "@azure/msal-node";
import { type Chance, type Clock, createScrubber, type ErrorFacts, limits } from "@mailfleet/core";
import { classifyTokenError, type TokenFailureCode } from "./classify-token-error.ts";
import { type EntraTenant, tenantAuthority, tokenEndpoint } from "./entra-tenant.ts";
import { createHttpsPost, type HttpsAnswer, HttpsProblem } from "./https-post.ts";
import { parseErrorAnswer, parseTokenAnswer, type TokenAnswer } from "./token-answer.ts";
import { readTokenClaims, type TokenClaims, verifyToken } from "./verify-token.ts";

export type TokenRequestResult =
  | { readonly ok: true; readonly answer: TokenAnswer; readonly missingRoles: readonly string[] }
  /** `claims`: a token came, and was not the one that was asked for. */
  | { readonly ok: false; readonly code: TokenFailureCode; readonly facts: ErrorFacts; readonly claims?: TokenClaims };

export interface TokenRequester {
  /** One request to the login service, never answered from a cache. Never rejects. Not for concurrent calls. */
  request(): Promise<TokenRequestResult>;
  /** Ends what is under way. Never throws. */
  close(): Promise<void>;
}

export interface TokenRequesterDeps {
  readonly clock: Pick<Clock, "now">;
  readonly chance: Pick<Chance, "uuid">;
  readonly scrub: (text: string) => string;
  /** Default `limits.tokenRequestMs`. */
  readonly requestMs?: number;
}

type WireResult = { readonly facts: ErrorFacts } | { readonly answer: TokenAnswer };

/** Stands for whatever went wrong on the wire while MSAL unwinds; what it was is kept beside, see below. */
class WireStop extends Error {}

/**
 * The client credentials request, made by MSAL over a network client of ours.
 *
 * MSAL builds the request and reads the good answer. It never sees a bad one: it remembers 429 and 5xx for a minute in a throttle
 * of its own and then throws although the service is back, loses the status of answers that are no JSON, and resolves without
 * token and without error on `200 {}`. So the network client judges the answer, keeps what it saw, and stops MSAL by an exception.
 */
export function createTokenRequester(tenant: EntraTenant, deps: TokenRequesterDeps): TokenRequester {
  const https = createHttpsPost({
    requestMs: deps.requestMs ?? limits.tokenRequestMs,
    responseBytes: limits.tokenResponseBytes,
    ...(tenant.caPem !== undefined && { caPem: tenant.caPem }),
  });
  const own = createScrubber([tenant.credential.secret.reveal()]);
  // The whole text is scrubbed before anything cuts it: half a secret fits no pattern.
  const scrub = (text: string): string => deps.scrub(own(text));
  const wire: { seen: WireResult | undefined } = { seen: undefined };
  const seenOnWire = (): WireResult | undefined => wire.seen;

  const network: INetworkModule = {
    // Endpoints are configured; asking anybody where they are would give that somebody the credential (T07).
    sendGetRequestAsync: () => Promise.reject(new WireStop()),
    async sendPostRequestAsync<T>(url: string, options?: { headers?: Record<string, string>; body?: string }): Promise<NetworkResponse<T>> {
      const result = await exchange(url, options?.headers ?? {}, options?.body ?? "");
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
    let reply: HttpsAnswer;
    try {
      reply = await https.post(url, headers, body);
    } catch (error) {
      const problem = error instanceof HttpsProblem ? error : new HttpsProblem("NETWORK");
      return { facts: { layer: problem.layer, code: problem.code } };
    }
    if (reply.status !== 200) return { facts: refusalFacts(reply, undefined) };
    const parsed = parseTokenAnswer(reply.text, { isLifetimeRequired: !tenant.isCustomAuthority });
    return parsed.ok ? { answer: parsed.answer } : { facts: refusalFacts(reply, parsed.code) };
  }

  function refusalFacts(reply: HttpsAnswer, problem: string | undefined): ErrorFacts {
    const { error, number, description } = parseErrorAnswer(reply.text);
    const code = error ?? problem;
    const hintMs = reply.retryAfter === undefined ? undefined : retryAfterMs(reply.retryAfter, deps.clock.now());
    return {
      layer: "entra",
      httpStatus: reply.status,
      ...(code !== undefined && { code }),
      ...(number !== undefined && { number }),
      ...(description !== undefined && { text: scrub(description) }),
      ...(hintMs !== undefined && { hintMs }),
    };
  }

  let app: ConfidentialClientApplication | undefined;

  return {
    async request() {
      wire.seen = undefined;
      let token: string | undefined;
      try {
        app ??= createApp(tenant, network);
        const correlationId = deps.chance.uuid();
        const result = await app.acquireTokenByClientCredential({ scopes: [tenant.scope], skipCache: true, correlationId });
        token = result?.accessToken;
      } catch (error) {
        wire.seen ??= { facts: { layer: "entra", code: msalCode(error) } };
      } finally {
        // MSAL keeps tokens in plain memory and filters all of them on each call; ours is the only cache.
        app?.clearCache();
      }
      const seen = seenOnWire();
      if (seen && "facts" in seen) return failed(seen.facts);
      if (!seen || token === undefined || token !== seen.answer.accessToken) return failed({ layer: "entra", code: "msal_without_token" });
      const verdict = verifyToken(token, tenant);
      if (verdict.ok) return { ok: true, answer: seen.answer, missingRoles: verdict.missingRoles };
      const claims = readTokenClaims(token);
      const facts: ErrorFacts = { layer: "entra", httpStatus: 200, text: scrub(verdict.detail) };
      return { ok: false, code: verdict.code, facts, ...(claims && { claims }) };
    },
    close: () => https.close(),
  };
}

function failed(facts: ErrorFacts): TokenRequestResult {
  return { ok: false, code: classifyTokenError(facts), facts };
}

function createApp(tenant: EntraTenant, networkClient: INetworkModule): ConfidentialClientApplication {
  const authority = tenantAuthority(tenant);
  return new ConfidentialClientApplication({
    auth: {
      clientId: tenant.clientId,
      authority,
      clientSecret: tenant.credential.secret.reveal(),
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

/** Seconds or an HTTP date (RFC 9110 10.2.3), clamped (T42); undefined for anything else. */
function retryAfterMs(value: string, now: number): number | undefined {
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, limits.hintMinMs), limits.hintMaxMs) : undefined;
}

/** MSAL's own words are a closed list of snake_case; its messages may hold what was configured. */
function msalCode(error: unknown): string {
  const code = error instanceof Error && "errorCode" in error ? error.errorCode : undefined;
  return typeof code === "string" && /^[a-z_]{1,64}$/.test(code) ? code : "msal_error";
}
