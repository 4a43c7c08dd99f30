/** How much of the work a failure stops, smallest first (isync's blast radius). */
export type FailureScope = "message" | "folder" | "session" | "mailbox" | "tenant" | "process";

/** Everything that can stop work, closed: a new word does not compile until it is handled everywhere. */
export const failureCodes = [
  "CONFIG_INVALID",
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
  "EXCHANGE_PRINCIPAL_UNKNOWN",
  "LOGIN_METHOD_REFUSED",
  "SERVICE_INCIDENT",
  "TOKEN_REJECTED",
  "MAILBOX_ACCESS_DENIED",
  "CONNECTION_LIMIT",
  "CONNECT_TIMEOUT",
  "CONNECT_REFUSED",
  "DNS",
  "TLS_HANDSHAKE",
  "SERVER_THROTTLED",
  "SERVER_UNAVAILABLE",
  "SESSION_EXPIRED",
  "SESSION_CLOSED",
  "PROTOCOL_VIOLATION",
  "COMMAND_REFUSED",
  "FOLDER_GONE",
  "FOLDER_UNSELECTABLE",
  "MESSAGE_TOO_LARGE",
  "LEASE_LOST",
  "CHECKPOINT_STALE",
  "CHECKPOINT_CORRUPT",
  "CHECKPOINT_NEWER",
  "REDIS_UNAVAILABLE",
  "BLOB_UNAVAILABLE",
  "BLOB_STORE_FULL",
  "JOB_PAYLOAD_INVALID",
  "INTERRUPTED",
  "INVARIANT",
  "UNCLASSIFIED",
] as const;

export type FailureCode = (typeof failureCodes)[number];

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
  /** IMAP: the tagged answer. */
  readonly responseStatus?: "NO" | "BAD" | "BYE";
  /** The server's words, scrubbed and cut to 300 characters. */
  readonly text?: string;
  /** The server's own wait, clamped to `limits.hintMinMs` .. `limits.hintMaxMs`. */
  readonly hintMs?: number;
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

const scopes: Record<FailureCode, FailureScope> = {
  CONFIG_INVALID: "process",
  ENTRA_CREDENTIAL_INVALID: "tenant",
  ENTRA_CREDENTIAL_EXPIRED: "tenant",
  ENTRA_APP_UNKNOWN: "tenant",
  ENTRA_TENANT_UNKNOWN: "tenant",
  ENTRA_PRINCIPAL_MISSING: "tenant",
  ENTRA_CLOCK_WRONG: "tenant",
  ENTRA_SCOPE_INVALID: "tenant",
  ENTRA_CONSENT_MISSING: "tenant",
  ENTRA_ACCESS_BLOCKED: "tenant",
  ENTRA_TOKEN_MISMATCH: "tenant",
  ENTRA_THROTTLED: "tenant",
  ENTRA_UNAVAILABLE: "tenant",
  EXCHANGE_PRINCIPAL_UNKNOWN: "tenant",
  LOGIN_METHOD_REFUSED: "tenant",
  SERVICE_INCIDENT: "process",
  TOKEN_REJECTED: "mailbox",
  MAILBOX_ACCESS_DENIED: "mailbox",
  CONNECTION_LIMIT: "mailbox",
  CONNECT_TIMEOUT: "session",
  CONNECT_REFUSED: "session",
  DNS: "session",
  TLS_HANDSHAKE: "session",
  SERVER_THROTTLED: "mailbox",
  SERVER_UNAVAILABLE: "session",
  SESSION_EXPIRED: "session",
  SESSION_CLOSED: "session",
  PROTOCOL_VIOLATION: "session",
  COMMAND_REFUSED: "folder",
  FOLDER_GONE: "folder",
  FOLDER_UNSELECTABLE: "folder",
  MESSAGE_TOO_LARGE: "message",
  LEASE_LOST: "mailbox",
  CHECKPOINT_STALE: "mailbox",
  CHECKPOINT_CORRUPT: "folder",
  CHECKPOINT_NEWER: "mailbox",
  REDIS_UNAVAILABLE: "process",
  BLOB_UNAVAILABLE: "session",
  BLOB_STORE_FULL: "process",
  JOB_PAYLOAD_INVALID: "mailbox",
  INTERRUPTED: "mailbox",
  INVARIANT: "mailbox",
  UNCLASSIFIED: "session",
};

/** The error for a code: scope from the table, message and facts from the caller. */
export function syncError(code: FailureCode, message: string, facts: ErrorFacts): SyncError {
  return new SyncError({ code, scope: scopes[code], message, facts });
}
