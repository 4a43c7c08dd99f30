import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { isCredentialsFault, type TokenFailure } from "./token-failure.ts";

export type CredentialRole = "current" | "next";

export interface RankedCredential {
  readonly role: CredentialRole;
  readonly credential: EntraCredential;
}

/** With less left than this the next credential goes first: a day and a half, because `expires` is a day and says no hour. */
const nearEndMs = 36 * 3_600_000;

/** In which order a tenant's credentials are tried. @param now epoch ms */
export function rankCredentials(tenant: EntraTenant, now: number): readonly RankedCredential[] {
  const { credential, nextCredential } = tenant;
  const current: RankedCredential = { role: "current", credential };
  if (!nextCredential) return [current];
  const next: RankedCredential = { role: "next", credential: nextCredential };
  const isEnding = credential.expiresAt !== undefined && credential.expiresAt - now < nearEndMs;
  const isNextOver = nextCredential.expiresAt !== undefined && nextCredential.expiresAt <= now;
  return isEnding && !isNextOver ? [next, current] : [current, next];
}

/**
 * Why nobody may ask the login service now, given how each credential fared, in rank order; undefined when one of them may be tried.
 * A failure that is not the credential's fault stops those behind it as well.
 */
export function blockedBy(failures: readonly (TokenFailure | undefined)[], now: number): TokenFailure | undefined {
  for (const failure of failures) {
    if (!failure || failure.until <= now) return undefined;
    if (!isCredentialsFault(failure.code)) return failure;
  }
  return failures[0];
}
