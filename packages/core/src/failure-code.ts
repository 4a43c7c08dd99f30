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

/** What is done about a failure. The flow's switches over it are exhaustive. */
export type Disposition =
  /** Nothing is wrong: the flow goes on without what is missing. */
  | "continue"
  /** Again by itself, ever later. */
  | "retry"
  /** Not before a known time, by all workers; the mailbox is not blamed. */
  | "snooze"
  /** Once more with a new token, then judged over time and against its neighbours. */
  | "refresh-token"
  /** What is stored of the folder is not believed: it is read again. */
  | "resync"
  /** One message is set aside with its reason; the rest goes on. */
  | "quarantine"
  /** Stopped until a person acts, though mailfleet looks again seldom. */
  | "park"
  /** Nothing starts. */
  | "fatal";
