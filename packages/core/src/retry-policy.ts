import type { FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";
import { limits } from "./limits.ts";

export interface RetryQuestion {
  readonly code: FailureCode;
  readonly facts?: ErrorFacts;
  /** Failures in a row, this one included: 1 for the first. */
  readonly tries: number;
  /** Epoch ms of the first failure in the row. */
  readonly since: number;
  readonly now: number;
  /** True when the mailbox ever answered a command after login: a refusal is then probably not a missing permission. */
  readonly opened: boolean;
  /** 0 <= x < 1. */
  readonly random: number;
}

export interface RetryDecision {
  /** `parked`: an operator should act, though mailfleet looks again; `waiting`: it ends by itself. */
  readonly state: "waiting" | "parked";
  readonly inMs: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** No decision is further away than this, whatever a server hints: the clamp of hints and its jitter. */
export const retryCapMs = limits.hintMaxMs + limits.hintMaxMs / 10 + second;

/**
 * When to look again, and whether an operator should. Pure and total.
 *
 * Network trouble backs off with full jitter and never parks. Refusals on Exchange are ambiguous (no permission, too many sessions,
 * an outage: the same words), so they are judged over time, never on the first one, and a parked mailbox is probed hourly.
 */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const { code, facts, since, now, opened, random } = question;
  const tries = Math.max(1, Math.trunc(question.tries) || 1);
  const backoff = (steps: readonly number[], floorMs = second / 2): RetryDecision => ({
    state: "waiting",
    inMs: fullJitter(stepOf(steps, tries), floorMs, random),
  });
  /** Fixed times, spread by a tenth; parked once they are used up. */
  const thenPark = (steps: readonly number[], probeMs = hour): RetryDecision =>
    tries <= steps.length
      ? { state: "waiting", inMs: spread(stepOf(steps, tries), random) }
      : { state: "parked", inMs: spread(probeMs, random) };
  const park = (probeMs = hour): RetryDecision => ({ state: "parked", inMs: spread(probeMs, random) });

  switch (code) {
    case "SESSION_EXPIRED":
      // The session's token ended: normal once an hour. Again and again within minutes is a stale token (exchange-online row 29).
      return tries <= 2 ? { state: "waiting", inMs: 0 } : backoff([30 * second, 2 * minute, 5 * minute]);
    case "INTERRUPTED":
      return { state: "waiting", inMs: 0 };
    case "LEASE_LOST":
    case "CHECKPOINT_STALE":
      return backoff([second, 5 * second, 30 * second]);

    case "TOKEN_REJECTED":
    case "MAILBOX_ACCESS_DENIED":
      return thenPark(opened ? [5 * minute, 15 * minute, hour] : [3 * second, 10 * second]);

    case "EXCHANGE_PRINCIPAL_UNKNOWN":
      // A registration takes minutes to spread, and an outage looks the same (exchange-online row 18): then hourly.
      return tries <= 4 ? { state: "parked", inMs: spread(stepOf([5 * minute, 15 * minute, 30 * minute, hour], tries), random) } : park();
    case "LOGIN_METHOD_REFUSED":
      return park();
    case "SERVICE_INCIDENT":
      // Nobody here is to blame, so nobody is parked; up to 15 min, as rows 18 and 23 have it.
      return backoff([30 * second, minute, 2 * minute, 5 * minute, 15 * minute], 10 * second);
    case "CONNECTION_LIMIT":
      // POP3 lets one session in at a time, and some servers ask for a pause between two (exchange-online section 4).
      if (facts?.code === "IN-USE" || facts?.code === "LOGIN-DELAY") return backoff([15 * minute], 5 * minute);
      // Sessions that died on our side live on at the server for some minutes.
      return backoff([minute, 5 * minute, 15 * minute], 30 * second);
    case "SERVER_THROTTLED":
      return { state: "waiting", inMs: throttled(facts, tries, random) };
    case "SERVER_UNAVAILABLE":
      return backoff([30 * second, minute, 2 * minute, 5 * minute, 10 * minute], 5 * second);
    case "CONNECT_TIMEOUT":
    case "CONNECT_REFUSED":
    case "DNS":
    case "SESSION_CLOSED":
      return backoff([second, 5 * second, 30 * second, 2 * minute, 5 * minute]);
    case "TLS_HANDSHAKE":
      // A wrong certificate does not heal by asking often, and asking often looks like an attack (T10).
      return backoff([minute, 2 * minute, 5 * minute], 30 * second);
    case "PROTOCOL_VIOLATION":
      return thenPark([5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute]);
    case "UNCLASSIFIED":
      return thenPark([30 * second, 2 * minute, 10 * minute]);

    case "COMMAND_REFUSED":
      // The same bytes again rarely help; the server's state may.
      return thenPark([minute, 5 * minute, 15 * minute, hour, hour]);
    case "FOLDER_UNSELECTABLE":
      // A folder of the user's called Inbox hides the real one until somebody renames it (exchange-online row 40).
      return { state: "waiting", inMs: spread(stepOf([5 * minute, 15 * minute, hour], tries), random) };
    case "FOLDER_GONE":
      return { state: "waiting", inMs: spread(stepOf([10 * second, minute, 10 * minute, hour], tries), random) };
    case "MESSAGE_TOO_LARGE":
      return backoff([second, 30 * second, 5 * minute]);
    case "CHECKPOINT_NEWER":
      // Often enough that a newer worker soon meets it, during the minutes in which both versions run.
      return backoff([5 * second, 15 * second, 30 * second], 2 * second);
    case "CHECKPOINT_CORRUPT":
      return backoff([30 * second, 5 * minute, 30 * minute]);

    case "ENTRA_CREDENTIAL_INVALID":
      // A fresh secret takes a moment to reach all of Entra (exchange-online row 1).
      return thenPark([30 * second, minute, 3 * minute]);
    case "ENTRA_CONSENT_MISSING":
      return park(now - since < hour ? 10 * minute : hour);
    case "ENTRA_ACCESS_BLOCKED":
      return park(stepOf([15 * minute, 30 * minute, hour], tries));
    case "ENTRA_CREDENTIAL_EXPIRED":
    case "ENTRA_APP_UNKNOWN":
    case "ENTRA_TENANT_UNKNOWN":
    case "ENTRA_PRINCIPAL_MISSING":
    case "ENTRA_SCOPE_INVALID":
    case "ENTRA_TOKEN_MISMATCH":
      return park();
    case "ENTRA_CLOCK_WRONG":
      // Over as soon as the clock is right, which costs one request to see (exchange-online row 4).
      return park(stepOf([minute, 5 * minute, 10 * minute], tries));
    case "ENTRA_THROTTLED":
      return { state: "waiting", inMs: hinted(Math.min(clampHint(facts?.hintMs) ?? minute, hour), random) };
    case "ENTRA_UNAVAILABLE":
      return backoff([2 * second, 10 * second, 30 * second, 2 * minute, 5 * minute], second);

    case "REDIS_UNAVAILABLE":
      return backoff([second, 2 * second, 5 * second, 10 * second, 30 * second]);
    case "BLOB_UNAVAILABLE":
      return backoff([second, 5 * second, 15 * second, 30 * second]);
    case "BLOB_STORE_FULL":
      // Recovers within 30 s of the disk having room (F16), so it is asked that often.
      return backoff([10 * second, 20 * second, 30 * second], 5 * second);

    case "CONFIG_INVALID":
    case "JOB_PAYLOAD_INVALID":
    case "INVARIANT":
      return park();
  }
}

/** The server's own wait is kept to the end, and a server that throttles again gets a minute at least (exchange-online row 30). */
function throttled(facts: ErrorFacts | undefined, tries: number, random: number): number {
  const hint = clampHint(facts?.hintMs);
  if (hint === undefined) return hinted(Math.min(5 * minute * tries, hour), random);
  return hinted(tries > 1 ? Math.max(hint, minute) : hint, random);
}

/** Never before the hint ends; up to a tenth and a second after it, so that a fleet does not come back as one. */
function hinted(waitMs: number, random: number): number {
  return Math.round(waitMs + (waitMs / 10 + second) * random);
}

function clampHint(hintMs: number | undefined): number | undefined {
  if (hintMs === undefined || Number.isNaN(hintMs)) return undefined;
  return Math.min(Math.max(hintMs, limits.hintMinMs), limits.hintMaxMs);
}

function stepOf(steps: readonly number[], tries: number): number {
  return steps[Math.min(tries, steps.length) - 1] ?? minute;
}

function fullJitter(stepMs: number, floorMs: number, random: number): number {
  return Math.round(Math.min(floorMs, stepMs) + (stepMs - Math.min(floorMs, stepMs)) * random);
}

function spread(stepMs: number, random: number): number {
  return Math.round(stepMs * (1 + 0.1 * random));
}
