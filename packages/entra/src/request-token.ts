import { type Chance, type Clock, createScrubber, type ErrorFacts, limits } from "@mailfleet/core";
import { classifyTokenError, type TokenFailureCode } from "./classify-token-error.ts";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { requestManagedIdentity } from "./managed-identity.ts";
import type { TokenAnswer } from "./token-answer.ts";
import { readTokenClaims, type TokenClaims, verifyToken } from "./verify-token.ts";
import type { WireOptions } from "./wire-answer.ts";

export type TokenRequestResult =
  | { readonly ok: true; readonly answer: TokenAnswer; readonly missingRoles: readonly string[]; readonly skewMs?: number }
  /** `claims`: a token came, and was not the one that was asked for. */
  | { readonly ok: false; readonly code: TokenFailureCode; readonly facts: ErrorFacts; readonly claims?: TokenClaims };

export interface TokenRequestDeps {
  readonly clock: Pick<Clock, "now">;
  readonly chance: Pick<Chance, "uuid">;
  readonly scrub: (text: string) => string;
  /** Default `limits.tokenRequestMs`. */
  readonly requestMs?: number;
}

/** MSAL and its client of HTTP take some 25 MB: a process that asks for no token, such as the console, does without. */
export async function loadWire() {
  const [{ createBoundedHttp }, { requestByMsal }] = await Promise.all([import("./bounded-http.ts"), import("./msal-request.ts")]);
  return { createBoundedHttp, requestByMsal };
}

/**
 * One request to the login service, never answered from a cache. Never rejects. Nothing of it stays: no connection, no MSAL object,
 * so that a process can serve thousands of tenants.
 */
export async function requestToken(
  tenant: EntraTenant,
  credential: EntraCredential,
  deps: TokenRequestDeps,
  signal?: AbortSignal,
): Promise<TokenRequestResult> {
  const { createBoundedHttp, requestByMsal } = await loadWire();
  const http = createBoundedHttp({
    requestMs: deps.requestMs ?? limits.tokenRequestMs,
    responseBytes: limits.tokenResponseBytes,
    ...(tenant.caPem !== undefined && { caPem: tenant.caPem }),
  });
  const onAbort = (): void => void http.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const own = createScrubber(secretsIn(credential));
  const scrub = (text: string): string => deps.scrub(own(text));
  const wire: WireOptions = { isLifetimeRequired: !tenant.isCustomAuthority, now: () => deps.clock.now(), scrub };
  try {
    const seen =
      credential.kind === "managedIdentity"
        ? await requestManagedIdentity(http, tenant, credential, wire)
        : await requestByMsal(http, tenant, credential, { ...wire, chance: deps.chance });
    if ("facts" in seen) return { ok: false, code: classifyTokenError(seen.facts), facts: seen.facts };
    const skew = seen.skewMs === undefined ? {} : { skewMs: seen.skewMs };
    const verdict = verifyToken(seen.answer.accessToken, tenant);
    if (verdict.ok) return { ok: true, answer: seen.answer, missingRoles: verdict.missingRoles, ...skew };
    const claims = readTokenClaims(seen.answer.accessToken);
    const facts: ErrorFacts = { layer: "entra", httpStatus: 200, text: scrub(verdict.detail), ...skew };
    return { ok: false, code: verdict.code, facts, ...(claims && { claims }) };
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await http.close();
  }
}

/** Keys never travel; an assertion does, and is known by its form as well. */
function secretsIn(credential: EntraCredential): readonly string[] {
  switch (credential.kind) {
    case "secret":
      return [credential.secret.reveal()];
    case "federated":
      return [credential.assertion.reveal()];
    case "managedIdentity":
      return credential.endpoint.header === undefined ? [] : [credential.endpoint.header.reveal()];
    case "certificate":
      return [];
  }
}
