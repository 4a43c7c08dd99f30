import type { FailureCode, FailureScope } from "./failure-code.ts";
import { taxonomy } from "./taxonomy.ts";

/**
 * What an adapter saw, as plain data that may be logged: no secret, no mail text, no foreign error object.
 * Adapters fill in what they know; deciding is the classifier's business (`classify.ts`).
 */
export interface ErrorFacts {
  readonly layer: "entra" | "network" | "tls" | "imap" | "pop3" | "redis" | "blobs" | "mime" | "engine";
  /** The vendor's or Node's own code, such as `ECONNREFUSED`, `ETHROTTLE`, `invalid_client`. */
  readonly code?: string;
  /** Numeric code of the peer: AADSTS number or HTTP status. */
  readonly number?: number;
  readonly httpStatus?: number;
  /** IMAP: the tagged answer. POP3: `ERR` for `-ERR`. */
  readonly responseStatus?: "NO" | "BAD" | "BYE" | "ERR";
  /** The server's words, scrubbed and cut to 300 characters. */
  readonly text?: string;
  /** The server's own wait, clamped to `limits.hintMinMs` .. `limits.hintMaxMs`. */
  readonly hintMs?: number;
  /** How far this machine's clock is ahead of the answering server's (HTTP Date, whole seconds); negative when it is behind. */
  readonly skewMs?: number;
  /** Where in the session it happened. */
  readonly phase?: "connect" | "login" | "first-command" | "command" | "fetch";
  readonly folder?: string;
  readonly uid?: number;
}

/** What mailfleet makes of the facts. */
export interface Failure {
  readonly code: FailureCode;
  readonly scope: FailureScope;
  /** One sentence, safe to show and to log. */
  readonly message: string;
  readonly facts: ErrorFacts;
}

/**
 * The only exception that crosses a port. Matched by `failure.code`, never by class identity.
 * Its message is the failure's; the foreign error it came from is not attached, because foreign errors carry their arguments (T02).
 */
export class SyncError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = "SyncError";
    this.failure = failure;
  }
}

export function isSyncError(error: unknown): error is SyncError {
  return error instanceof Error && error.name === "SyncError" && "failure" in error;
}

/** The error for a code: scope from the table, message and facts from the caller. */
export function syncError(code: FailureCode, message: string, facts: ErrorFacts): SyncError {
  return new SyncError({ code, scope: taxonomy[code].scope, message, facts });
}
