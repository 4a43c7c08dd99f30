import { type ErrorFacts, limits } from "@mailfleet/core";
import { type TokenFailureCode, tokenFailureCodes } from "./classify-token-error.ts";

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
/** Nobody waits longer than this for one request, whatever is stored or hinted: no endpoint is away for longer because it said so. */
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
    // A clock is mended by a person or by NTP, a stale assertion by whoever writes the file.
    case "ENTRA_CLOCK_WRONG":
      return tries <= 3 ? minute : 10 * minute;
    case "ENTRA_CREDENTIAL_EXPIRED":
    case "ENTRA_APP_UNKNOWN":
    case "ENTRA_TENANT_UNKNOWN":
    case "ENTRA_PRINCIPAL_MISSING":
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
  const { layer, code: word, number, httpStatus, text, hintMs, skewMs } = facts;
  return JSON.stringify({ f: 1, code, tries, until, facts: { layer, code: word, number, httpStatus, text, hintMs, skewMs } });
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
    const { layer, code: word, number, httpStatus, text, hintMs, skewMs } = facts as Record<string, unknown>;
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
        ...(typeof skewMs === "number" && Number.isSafeInteger(skewMs) && { skewMs }),
      },
    };
  } catch {
    return undefined;
  }
}

function clampHint(ms: number): number {
  return Math.min(Math.max(ms, limits.hintMinMs), maxHoldMs);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/**
 * True for what another credential could do better: then it is tried. Everything else is about the app, the directory or the service,
 * and the next credential would only be refused as well.
 */
export function isCredentialsFault(code: TokenFailureCode): boolean {
  return code === "ENTRA_CREDENTIAL_INVALID" || code === "ENTRA_CREDENTIAL_EXPIRED" || code === "ENTRA_CLOCK_WRONG";
}
