import { type AccessToken, type Chance, type Clock, type ErrorFacts, Secret } from "@mailfleet/core";
import type { TokenFailureCode } from "./classify-token-error.ts";
import type { EntraTenant } from "./entra-tenant.ts";
import { requestToken } from "./request-token.ts";
import { readTokenClaims, type TokenClaims } from "./verify-token.ts";

export type TokenProbe =
  | { readonly ok: true; readonly token: AccessToken; readonly claims?: TokenClaims }
  | { readonly ok: false; readonly code: TokenFailureCode; readonly facts: ErrorFacts; readonly claims?: TokenClaims };

export interface TokenProbeDeps {
  readonly clock: Pick<Clock, "now">;
  readonly chance: Pick<Chance, "uuid">;
  readonly scrub: (text: string) => string;
}

/** One request to the login service for a diagnosis: past every cache, and nothing of it is kept. Never rejects. */
export async function probeToken(tenant: EntraTenant, deps: TokenProbeDeps): Promise<TokenProbe> {
  const askedAt = deps.clock.now();
  const result = await requestToken(tenant, tenant.credential, deps);
  if (!result.ok) return result;
  const { accessToken, lifetimeMs } = result.answer;
  const claims = readTokenClaims(accessToken);
  return { ok: true, token: { value: new Secret(accessToken), expiresAt: askedAt + lifetimeMs }, ...(claims && { claims }) };
}
