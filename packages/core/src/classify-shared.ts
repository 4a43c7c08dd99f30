import type { FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

/* What the classifiers of both protocols share: what Node says, Exchange's words for throttling and crowds, and the sentences. */

/** What the classifier makes of facts: a code of the closed set and one sentence that may be shown and logged. */
export interface Classified {
  readonly code: FailureCode;
  readonly message: string;
}

/** What Node, OpenSSL and an adapter's own clock say about a connection; undefined for what is of the protocol. */
export function byConnectionCode(facts: ErrorFacts): FailureCode | undefined {
  const code = facts.code ?? "";
  if (facts.layer === "tls" || tlsCodes.test(code)) return "TLS_HANDSHAKE";
  if (dnsCodes.test(code)) return "DNS";
  if (refusedCodes.has(code)) return "CONNECT_REFUSED";
  if (timeoutCodes.has(code)) return facts.phase === "connect" || facts.phase === "login" ? "CONNECT_TIMEOUT" : "SESSION_CLOSED";
  return closedCodes.has(code) ? "SESSION_CLOSED" : undefined;
}

/** The words of other servers, and of Exchange on premises, for a cap on sessions; Exchange Online gives no reason (exchange-online 2.2). */
export function isTooMany(text: string): boolean {
  return /too many (simultaneous )?(connections|sessions)|(connection|session)s? limit|maximum number of connections/i.test(text);
}

/** Exchange's throttle line in any of its forms, and its hint alone. */
export function isThrottleText(text: string): boolean {
  return /request is throttled|backoff time\s*[:=]/i.test(text);
}

/**
 * The wait in a throttle line, in ms, as the server wrote it (not clamped): `Suggested Backoff Time: 299910 milliseconds`.
 * Undefined where there is none or it is no number.
 */
export function readThrottleHint(text: string): number | undefined {
  const digits = /backoff time\s*[:=]?\s*(-?\d{1,20})/i.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const tlsCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;
const dnsCodes = /^(ENOTFOUND|ENODATA|EAI_[A-Z]+|ESERVFAIL|EBADRESP|EREFUSED)$/;
const refusedCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EACCES",
  "EPERM",
  // This host has no file descriptor left (F17): not the mailbox's fault, and over when a session ends.
  "EMFILE",
  "ENFILE",
]);
const timeoutCodes: ReadonlySet<string> = new Set([
  "CONNECT_TIMEOUT",
  "GREETING_TIMEOUT",
  "UPGRADE_TIMEOUT",
  "ETIMEOUT",
  "ETIMEDOUT",
  "Silent",
]);
const closedCodes: ReadonlySet<string> = new Set([
  "NoConnection",
  "EConnectionClosed",
  "StateLogout",
  "ClosedAfterConnectText",
  "ClosedAfterConnectTLS",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
]);
const sentences: Partial<Record<FailureCode, string>> = {
  LOGIN_METHOD_REFUSED: "The mail server refused this way of logging in",
  CONNECTION_LIMIT: "The mail server takes no further connection to this mailbox",
  TOKEN_REJECTED: "The mail server refused the token for this mailbox",
  MAILBOX_ACCESS_DENIED: "The mail server accepted the login and refused the mailbox",
  CONNECT_TIMEOUT: "The mail server did not answer in time",
  CONNECT_REFUSED: "The mail server could not be reached",
  DNS: "The mail server's name could not be resolved",
  TLS_HANDSHAKE: "No trusted TLS connection to the mail server",
  SERVER_THROTTLED: "The mail server asked to slow down",
  SERVER_UNAVAILABLE: "The mail server said that it is unavailable",
  SESSION_EXPIRED: "The session ended with its token",
  SESSION_CLOSED: "The connection to the mail server ended",
  COMMAND_REFUSED: "The mail server refused a command",
  FOLDER_GONE: "The folder does not exist any more",
  FOLDER_UNSELECTABLE: "The mail server lists the folder and does not open it",
  MESSAGE_TOO_LARGE: "A message is larger than the limit",
  INTERRUPTED: "The work on the mailbox was stopped",
  INVARIANT: "A command could not be written safely",
  UNCLASSIFIED: "Something went wrong that mailfleet has no name for",
};

/** What is told and logged: the code in words, and what was said. */
export function sentence(code: FailureCode, facts: ErrorFacts, protocol: "IMAP" | "POP3"): string {
  const said = facts.text ?? facts.code;
  const what = code === "PROTOCOL_VIOLATION" ? `The mail server sent something that ${protocol} does not allow here` : sentences[code];
  return `${what ?? code}${said === undefined || said === "" ? "" : `: ${said}`}`;
}
