import type { Disposition, FailureCode, FailureScope } from "./failure-code.ts";

/** What is true of every failure of a code. */
export interface Taxon {
  readonly scope: FailureScope;
  readonly disposition: Disposition;
  /** What the code means, in a sentence. */
  readonly meaning: string;
}

/** One row for each code: how much stops, and what is done about it. `docs/errors.md` is made from it. */
export const taxonomy: Readonly<Record<FailureCode, Taxon>> = {
  CONFIG_INVALID: {
    scope: "process",
    disposition: "fatal",
    meaning: "The configuration cannot be used as it is.",
  },
  ENTRA_CREDENTIAL_INVALID: {
    scope: "tenant",
    disposition: "park",
    meaning: "Microsoft refuses the credential of the app.",
  },
  ENTRA_CREDENTIAL_EXPIRED: {
    scope: "tenant",
    disposition: "park",
    meaning: "The credential of the app has expired.",
  },
  ENTRA_APP_UNKNOWN: {
    scope: "tenant",
    disposition: "park",
    meaning: "The directory does not know the app, or the app is disabled.",
  },
  ENTRA_TENANT_UNKNOWN: {
    scope: "tenant",
    disposition: "park",
    meaning: "There is no such directory in this cloud.",
  },
  ENTRA_PRINCIPAL_MISSING: {
    scope: "tenant",
    disposition: "park",
    meaning: "The app has no service principal (Enterprise application) in the directory.",
  },
  ENTRA_CLOCK_WRONG: {
    scope: "tenant",
    disposition: "park",
    meaning: "The signed assertion is outside its time window: the clock of this machine is off.",
  },
  ENTRA_SCOPE_INVALID: {
    scope: "tenant",
    disposition: "park",
    meaning: "Microsoft gives no token for the scope that is asked for.",
  },
  ENTRA_CONSENT_MISSING: {
    scope: "tenant",
    disposition: "park",
    meaning: "The token lacks the application permission to read mail.",
  },
  ENTRA_ACCESS_BLOCKED: {
    scope: "tenant",
    disposition: "park",
    meaning: "A policy of the directory blocks the app, such as Conditional Access.",
  },
  ENTRA_TOKEN_MISMATCH: {
    scope: "tenant",
    disposition: "park",
    meaning: "The token that came is for another directory, app or service; it was not used.",
  },
  ENTRA_THROTTLED: {
    scope: "tenant",
    disposition: "snooze",
    meaning: "The token service asks for fewer requests.",
  },
  ENTRA_UNAVAILABLE: {
    scope: "tenant",
    disposition: "retry",
    meaning: "The token service gives no usable answer; a token that is still valid stays in use.",
  },
  EXCHANGE_PRINCIPAL_UNKNOWN: {
    scope: "tenant",
    disposition: "park",
    meaning: "Every mailbox of the tenant refuses the app, though the token is good: Exchange does not know it.",
  },
  LOGIN_METHOD_REFUSED: {
    scope: "tenant",
    disposition: "park",
    meaning: "The server refuses the way of logging in, as it does to passwords.",
  },
  SERVICE_INCIDENT: {
    scope: "process",
    disposition: "snooze",
    meaning: "Many tenants are refused at once and nothing changed here: trouble at Microsoft. Nobody is parked.",
  },
  TOKEN_REJECTED: {
    scope: "mailbox",
    disposition: "refresh-token",
    meaning: "The mail server refuses the token for this mailbox.",
  },
  MAILBOX_ACCESS_DENIED: {
    scope: "mailbox",
    disposition: "refresh-token",
    meaning: "The mail server takes the login and refuses every command: no access to this mailbox.",
  },
  CONNECTION_LIMIT: {
    scope: "mailbox",
    disposition: "snooze",
    meaning: "The server takes no further connection to the mailbox.",
  },
  CONNECT_TIMEOUT: {
    scope: "session",
    disposition: "retry",
    meaning: "The mail server does not answer in time.",
  },
  CONNECT_REFUSED: {
    scope: "session",
    disposition: "retry",
    meaning: "The mail server cannot be reached.",
  },
  DNS: {
    scope: "session",
    disposition: "retry",
    meaning: "The mail server's name is not resolved.",
  },
  TLS_HANDSHAKE: {
    scope: "session",
    disposition: "retry",
    meaning: "There is no trusted TLS connection to the mail server; no token was sent.",
  },
  SERVER_THROTTLED: {
    scope: "mailbox",
    disposition: "snooze",
    meaning: "The server asks to leave the mailbox alone for a while. All workers do.",
  },
  SERVER_UNAVAILABLE: {
    scope: "session",
    disposition: "retry",
    meaning: "The server says that it is unavailable.",
  },
  SESSION_EXPIRED: {
    scope: "session",
    disposition: "continue",
    meaning: "The session ended with its token, as it does about hourly.",
  },
  SESSION_CLOSED: {
    scope: "session",
    disposition: "retry",
    meaning: "The connection ended.",
  },
  PROTOCOL_VIOLATION: {
    scope: "session",
    disposition: "retry",
    meaning: "The server sent what the protocol does not allow.",
  },
  COMMAND_REFUSED: {
    scope: "folder",
    disposition: "retry",
    meaning: "The server refuses a command. The same bytes are not repeated at once.",
  },
  FOLDER_GONE: {
    scope: "folder",
    disposition: "continue",
    meaning: "The folder does not exist any more.",
  },
  FOLDER_UNSELECTABLE: {
    scope: "folder",
    disposition: "retry",
    meaning: "The server lists the folder and does not open it. The others go on.",
  },
  MESSAGE_TOO_LARGE: {
    scope: "message",
    disposition: "quarantine",
    meaning: "The message is larger than the limit.",
  },
  LEASE_LOST: {
    scope: "mailbox",
    disposition: "continue",
    meaning: "Another worker took the mailbox over; nothing more is written here.",
  },
  CHECKPOINT_STALE: {
    scope: "mailbox",
    disposition: "continue",
    meaning: "What is stored moved meanwhile; it is read again.",
  },
  CHECKPOINT_CORRUPT: {
    scope: "folder",
    disposition: "resync",
    meaning: "What is stored of the folder cannot be read.",
  },
  CHECKPOINT_NEWER: {
    scope: "mailbox",
    disposition: "snooze",
    meaning: "A newer version of mailfleet works on the mailbox; this older one leaves it alone.",
  },
  REDIS_UNAVAILABLE: {
    scope: "process",
    disposition: "retry",
    meaning: "Redis does not answer, or may not be used as it is set up. Intake pauses.",
  },
  BLOB_UNAVAILABLE: {
    scope: "session",
    disposition: "retry",
    meaning: "The blob store does not answer. Nothing is committed without it.",
  },
  BLOB_STORE_FULL: {
    scope: "process",
    disposition: "retry",
    meaning: "The disk of the blob store is full.",
  },
  JOB_PAYLOAD_INVALID: {
    scope: "mailbox",
    disposition: "park",
    meaning: "A job cannot be read.",
  },
  INTERRUPTED: {
    scope: "mailbox",
    disposition: "continue",
    meaning: "A worker stopped; the mailbox goes on elsewhere at once.",
  },
  INVARIANT: {
    scope: "mailbox",
    disposition: "park",
    meaning: "mailfleet found a contradiction in its own work and stopped there. This is a defect.",
  },
  UNCLASSIFIED: {
    scope: "session",
    disposition: "retry",
    meaning: "Something that mailfleet has no name for. Tried three times, counted, logged with the words, then parked.",
  },
};
