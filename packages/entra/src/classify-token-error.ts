import type { ErrorFacts, FailureCode } from "@mailfleet/core";

/** What a token request can end in. */
export const tokenFailureCodes = [
  "ENTRA_CREDENTIAL_INVALID",
  "ENTRA_CREDENTIAL_EXPIRED",
  "ENTRA_APP_UNKNOWN",
  "ENTRA_TENANT_UNKNOWN",
  "ENTRA_PRINCIPAL_MISSING",
  "ENTRA_CLOCK_WRONG",
  "ENTRA_SCOPE_INVALID",
  "ENTRA_CONSENT_MISSING",
  "ENTRA_ACCESS_BLOCKED",
  "ENTRA_TOKEN_MISMATCH",
  "ENTRA_THROTTLED",
  "ENTRA_UNAVAILABLE",
  "UNCLASSIFIED",
] as const satisfies readonly FailureCode[];

export type TokenFailureCode = (typeof tokenFailureCodes)[number];

/** AADSTS numbers, from Microsoft's list of error codes and from transcripts. */
const byNumber: ReadonlyMap<number, TokenFailureCode> = new Map([
  [7000215, "ENTRA_CREDENTIAL_INVALID"],
  [7000216, "ENTRA_CREDENTIAL_INVALID"],
  [7000218, "ENTRA_CREDENTIAL_INVALID"],
  [700027, "ENTRA_CREDENTIAL_INVALID"],
  // Federation: no trust for the assertion's issuer, subject or audience.
  [700211, "ENTRA_CREDENTIAL_INVALID"],
  [700212, "ENTRA_CREDENTIAL_INVALID"],
  [700213, "ENTRA_CREDENTIAL_INVALID"],
  [70021, "ENTRA_CREDENTIAL_INVALID"],
  [50027, "ENTRA_CREDENTIAL_INVALID"],
  [700024, "ENTRA_CLOCK_WRONG"],
  [7000222, "ENTRA_CREDENTIAL_EXPIRED"],
  [700016, "ENTRA_APP_UNKNOWN"],
  [7000112, "ENTRA_APP_UNKNOWN"],
  [7000229, "ENTRA_PRINCIPAL_MISSING"],
  [90002, "ENTRA_TENANT_UNKNOWN"],
  [90038, "ENTRA_TENANT_UNKNOWN"],
  [900382, "ENTRA_TENANT_UNKNOWN"],
  [900432, "ENTRA_TENANT_UNKNOWN"],
  [9001023, "ENTRA_TENANT_UNKNOWN"],
  [50059, "ENTRA_TENANT_UNKNOWN"],
  [1002012, "ENTRA_SCOPE_INVALID"],
  [70011, "ENTRA_SCOPE_INVALID"],
  [500011, "ENTRA_SCOPE_INVALID"],
  [650052, "ENTRA_SCOPE_INVALID"],
  [65001, "ENTRA_CONSENT_MISSING"],
  [53003, "ENTRA_ACCESS_BLOCKED"],
  [53000, "ENTRA_ACCESS_BLOCKED"],
  [50105, "ENTRA_ACCESS_BLOCKED"],
  [90055, "ENTRA_THROTTLED"],
  [50196, "ENTRA_THROTTLED"],
  [90033, "ENTRA_UNAVAILABLE"],
  [90006, "ENTRA_UNAVAILABLE"],
  [90024, "ENTRA_UNAVAILABLE"],
  [50000, "ENTRA_UNAVAILABLE"],
]);

/** `error` words of RFC 6749 5.2, RFC 8693 and Entra, where no known number came along. */
const byWord: ReadonlyMap<string, TokenFailureCode> = new Map([
  ["invalid_client", "ENTRA_CREDENTIAL_INVALID"],
  // Ours, for the words of a machine's identity endpoint that has no such identity.
  ["identity_not_found", "ENTRA_CREDENTIAL_INVALID"],
  ["unauthorized_client", "ENTRA_APP_UNKNOWN"],
  ["invalid_tenant", "ENTRA_TENANT_UNKNOWN"],
  ["invalid_scope", "ENTRA_SCOPE_INVALID"],
  ["invalid_resource", "ENTRA_SCOPE_INVALID"],
  ["invalid_target", "ENTRA_SCOPE_INVALID"],
  ["consent_required", "ENTRA_CONSENT_MISSING"],
  ["access_denied", "ENTRA_ACCESS_BLOCKED"],
  // Nobody can interact here: for an app this is Conditional Access (AADSTS53003 with suberror message_only).
  ["invalid_grant", "ENTRA_ACCESS_BLOCKED"],
  ["interaction_required", "ENTRA_ACCESS_BLOCKED"],
  ["temporarily_unavailable", "ENTRA_UNAVAILABLE"],
  ["server_error", "ENTRA_UNAVAILABLE"],
]);

/**
 * Pure and total. The service's own number beats the HTTP status, the status beats the word: a throttled or broken service may
 * say anything. Without any answer, or with one that is no token answer, the service is unavailable, whatever stands between.
 */
export function classifyTokenError(facts: ErrorFacts): TokenFailureCode {
  const known = facts.number === undefined ? undefined : byNumber.get(facts.number);
  if (known) return known;
  const { httpStatus } = facts;
  if (httpStatus === 429) return "ENTRA_THROTTLED";
  if (httpStatus === undefined) return facts.layer === "network" || facts.layer === "tls" ? "ENTRA_UNAVAILABLE" : "UNCLASSIFIED";
  if (httpStatus >= 500 || httpStatus === 408) return "ENTRA_UNAVAILABLE";
  const word = facts.code === undefined ? undefined : byWord.get(facts.code);
  if (word) return word;
  // A refusal with a number or word that is not on our lists needs a person; an answer with neither is not from a login service.
  return facts.number !== undefined || /^[a-z_]+$/.test(facts.code ?? "") ? "UNCLASSIFIED" : "ENTRA_UNAVAILABLE";
}
