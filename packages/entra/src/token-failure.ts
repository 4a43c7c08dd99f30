import { type ErrorFacts, limits, type SyncError, syncError } from "@mailfleet/core";
import { type TokenFailureCode, tokenFailureCodes } from "./classify-token-error.ts";
import type { EntraTenant } from "./entra-tenant.ts";

/** A failed token request as the fleet remembers it. Holds no secret: texts are scrubbed before they come here. */
export interface TokenFailure {
  readonly code: TokenFailureCode;
  /** Failures of this code in a row. */
  readonly tries: number;
  /** Epoch ms; nobody asks the login service before. */
  readonly until: number;
  readonly facts: ErrorFacts;
}

const minute = 60_000;
/** Nobody waits longer than this for one request, whatever is stored or hinted (exchange-online.md 6, row 12). */
const maxHoldMs = 60 * minute;
/** Remembered this much longer than it holds, so that failures in a row can be counted. */
const memoryMs = 30 * minute;

/**
 * How long nobody asks again. A wrong secret may be a new one that is not replicated yet (7000215 right after a rotation): three
 * looks a minute apart, then seldom. An outage: from 2 s up to a minute, so that the fleet is back within a minute of its end (F22).
 * @param random 0 <= x < 1
 */
export function holdMs(code: TokenFailureCode, tries: number, hintMs: number | undefined, random: number): number {
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
      return tries <= 3 ? minute : 10 * minute;
    case "ENTRA_CREDENTIAL_EXPIRED":
    case "ENTRA_APP_UNKNOWN":
    case "ENTRA_TENANT_UNKNOWN":
    case "ENTRA_SCOPE_INVALID":
    case "ENTRA_CONSENT_MISSING":
    case "ENTRA_TOKEN_MISMATCH":
      return 10 * minute;
    case "ENTRA_ACCESS_BLOCKED":
      return 15 * minute;
    case "ENTRA_THROTTLED":
      // Never before the hint; a little after it, so that tenants of one service don't come back together.
      return Math.min(clampHint(hintMs ?? minute) * (1 + random / 10), maxHoldMs);
    case "ENTRA_UNAVAILABLE": {
      const step = Math.min(2_000 * 2 ** Math.min(tries - 1, 10), minute) * (0.75 + random / 4);
      return Math.min(Math.max(step, hintMs === undefined ? 0 : clampHint(hintMs)), maxHoldMs);
    }
    case "UNCLASSIFIED":
      return Math.min(minute * tries, 10 * minute);
  }
}

/** The next failure after `previous`. Another code starts counting anew. */
export function nextFailure(
  previous: TokenFailure | undefined,
  code: TokenFailureCode,
  facts: ErrorFacts,
  now: number,
  random: number,
): TokenFailure {
  const tries = previous?.code === code ? previous.tries + 1 : 1;
  return { code, tries, until: now + Math.ceil(holdMs(code, tries, facts.hintMs, random)), facts };
}

export function failureTtlMs(failure: TokenFailure, now: number): number {
  return Math.max(1, failure.until - now) + memoryMs;
}

export function packFailure(failure: TokenFailure): string {
  const { code, tries, until, facts } = failure;
  const { layer, code: word, number, httpStatus, text, hintMs } = facts;
  return JSON.stringify({ f: 1, code, tries, until, facts: { layer, code: word, number, httpStatus, text, hintMs } });
}

/**
 * Undefined for anything that {@link packFailure} does not write: Redis is not trusted to name a code of its own, to stop a tenant
 * for longer than a failure may, or to put text before people unscrubbed.
 */
export function unpackFailure(packed: string, now: number, scrub: (text: string) => string): TokenFailure | undefined {
  try {
    const raw = JSON.parse(packed) as Record<string, unknown>;
    const code = tokenFailureCodes.find((known) => known === raw["code"]);
    const { f, tries, until, facts } = raw;
    if (f !== 1 || !code || !isCount(tries) || tries < 1 || !isCount(until) || typeof facts !== "object" || facts === null)
      return undefined;
    const { layer, code: word, number, httpStatus, text, hintMs } = facts as Record<string, unknown>;
    return {
      code,
      tries: Math.min(tries, 1_000_000),
      until: Math.min(until, now + maxHoldMs),
      facts: {
        layer: layer === "network" || layer === "tls" ? layer : "entra",
        ...(typeof word === "string" && { code: scrub(word) }),
        ...(isCount(number) && { number }),
        ...(isCount(httpStatus) && { httpStatus }),
        ...(typeof text === "string" && { text: scrub(text) }),
        ...(isCount(hintMs) && { hintMs }),
      },
    };
  } catch {
    return undefined;
  }
}

/** The error that callers get: what happened, to whom, what mailfleet does next, what the operator can do. */
export function failureError(failure: TokenFailure, tenant: EntraTenant, now: number): SyncError {
  const waitMs = Math.max(0, failure.until - now);
  const next = `mailfleet asks again in ${spanOf(waitMs)}.`;
  const message = `Tenant ${tenant.alias}: ${happened(failure.facts, failure.code, tenant)}. ${next}${advice(failure.code, failure.facts)}`;
  const clamped = waitMs > 0 ? Math.min(Math.max(waitMs, limits.hintMinMs), limits.hintMaxMs) : undefined;
  return syncError(failure.code, message, { ...failure.facts, ...(clamped !== undefined && { hintMs: clamped }) });
}

function happened(facts: ErrorFacts, code: TokenFailureCode, tenant: EntraTenant): string {
  const host = URL.canParse(tenant.authority) ? new URL(tenant.authority).host : "the login service";
  const mark = facts.number !== undefined ? `AADSTS${facts.number}` : [facts.httpStatus, facts.code].filter(Boolean).join(" ");
  const why = mark === "" ? "" : ` (${mark})`;
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
      return `${host} refuses the credential of application ${tenant.clientId}${why}`;
    case "ENTRA_CREDENTIAL_EXPIRED":
      return `the credential of application ${tenant.clientId} has expired${why}`;
    case "ENTRA_APP_UNKNOWN":
      return `application ${tenant.clientId} is not known or not enabled in directory ${tenant.tenantId}${why}`;
    case "ENTRA_TENANT_UNKNOWN":
      return `${host} does not know directory ${tenant.tenantId}${why}`;
    case "ENTRA_SCOPE_INVALID":
      return `${host} does not accept the scope ${tenant.scope} in this directory${why}`;
    case "ENTRA_CONSENT_MISSING":
      return facts.text ?? `consent for application ${tenant.clientId} is missing${why}`;
    case "ENTRA_TOKEN_MISMATCH":
      return facts.text ?? `the token is not the one that was asked for${why}`;
    case "ENTRA_ACCESS_BLOCKED":
      return `a policy of the directory blocks application ${tenant.clientId}${why}`;
    case "ENTRA_THROTTLED":
      return `${host} asks for fewer token requests${why}`;
    case "ENTRA_UNAVAILABLE":
      return `${host} gives no usable answer to a token request${why}`;
    case "UNCLASSIFIED":
      return `${host} refuses the token request for a reason that mailfleet does not know${why}`;
  }
}

function advice(code: TokenFailureCode, facts: ErrorFacts): string {
  switch (code) {
    case "ENTRA_CREDENTIAL_INVALID":
      return facts.number === 700024
        ? " Set this machine's clock: the signed assertion is outside its time window."
        : " Check that the secret's Value, not its ID, is stored without anything behind it; a new secret can take minutes to work.";
    case "ENTRA_CREDENTIAL_EXPIRED":
      return " Make a new credential in the app registration and store it; it is used at once.";
    case "ENTRA_APP_UNKNOWN":
      return " Check clientId and tenantId, and give admin consent in that directory.";
    case "ENTRA_TENANT_UNKNOWN":
      return " Check tenantId and cloud.";
    case "ENTRA_SCOPE_INVALID":
      return " Use https://outlook.office365.com/.default, or the scope of your cloud; the directory needs Exchange Online.";
    case "ENTRA_CONSENT_MISSING":
      return " Add the application permission IMAP.AccessAsApp or POP.AccessAsApp of Office 365 Exchange Online and give admin consent.";
    case "ENTRA_TOKEN_MISMATCH":
      return " Check tenantId, clientId, scope and the login service; no mailbox is opened with this token.";
    case "ENTRA_ACCESS_BLOCKED":
      return " Allow this machine's address in the Conditional Access policy for workload identities, or exclude the app.";
    case "ENTRA_THROTTLED":
      return "";
    case "ENTRA_UNAVAILABLE":
      return unavailableAdvice(facts);
    case "UNCLASSIFIED":
      return facts.text === undefined ? "" : ` It says: ${facts.text}`;
  }
}

function unavailableAdvice(facts: ErrorFacts): string {
  if (facts.code === "REDIRECT")
    return " It answered with a redirect, which is not followed: something stands between, or the authority is wrong.";
  if (facts.layer === "tls") return " Its certificate is not trusted here: check caFile, TLS inspection and the clock.";
  if (facts.layer === "network") return " Check firewall, proxy and name service; a token that is still valid stays in use.";
  return " Check the service's health and any proxy between; a token that is still valid stays in use.";
}

function spanOf(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

function clampHint(ms: number): number {
  return Math.min(Math.max(ms, limits.hintMinMs), maxHoldMs);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
