import type { FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

/** What the classifier makes of facts: a code of the closed set and one sentence that may be shown and logged. */
export interface Classified {
  readonly code: FailureCode;
  readonly message: string;
}

/**
 * Decides what an IMAP adapter's facts mean. Pure and total: anything unknown is UNCLASSIFIED, never success.
 *
 * Provenance goes first (T42): what happened on our side (TLS, DNS, limits) cannot be talked over by a server's text; then the
 * server's own response code; then its text, which Exchange uses where others use codes; then the phase it happened in.
 */
export function classifyImap(facts: ErrorFacts): Classified {
  const code = facts.responseStatus === undefined ? byLocalCode(facts) : byAnswer(facts);
  return { code, message: sentence(code, facts) };
}

/** Codes that only this side sets: Node, OpenSSL, imapflow, and our own adapter. */
function byLocalCode(facts: ErrorFacts): FailureCode {
  const code = facts.code ?? "";
  if (facts.layer === "tls" || tlsCodes.test(code)) return "TLS_HANDSHAKE";
  if (dnsCodes.test(code)) return "DNS";
  if (refusedCodes.has(code)) return "CONNECT_REFUSED";
  if (code === "LiteralTooLarge") return facts.phase === "fetch" ? "MESSAGE_TOO_LARGE" : "PROTOCOL_VIOLATION";
  if (violationCodes.has(code) || code.startsWith("ParserError")) return "PROTOCOL_VIOLATION";
  if (timeoutCodes.has(code)) return facts.phase === "connect" || facts.phase === "login" ? "CONNECT_TIMEOUT" : "SESSION_CLOSED";
  if (closedCodes.has(code)) return "SESSION_CLOSED";
  if (code === "InvalidStringValue" || code === "InvalidTokenValue" || code === "InvalidSequenceSet") return "INVARIANT";
  return "UNCLASSIFIED";
}

/** A tagged NO or BAD, or a BYE. */
function byAnswer(facts: ErrorFacts): FailureCode {
  const text = facts.text ?? "";
  switch ((facts.code ?? "").toUpperCase()) {
    case "NONEXISTENT":
    case "TRYCREATE":
      return "FOLDER_GONE";
    case "UNAVAILABLE":
    case "SERVERBUG":
    case "INUSE":
      return "SERVER_UNAVAILABLE";
    case "LIMIT":
      return isTooMany(text) ? "CONNECTION_LIMIT" : "SERVER_THROTTLED";
    case "AUTHENTICATIONFAILED":
    case "AUTHORIZATIONFAILED":
    case "EXPIRED":
      return "TOKEN_REJECTED";
    default:
  }
  if (facts.hintMs !== undefined || isThrottleText(text)) return "SERVER_THROTTLED";
  if (/authenticated but not connected/i.test(text)) return "MAILBOX_ACCESS_DENIED";
  if (/session invalidated/i.test(text)) return /AccessTokenExpired/i.test(text) ? "SESSION_EXPIRED" : "TOKEN_REJECTED";
  if (/server unavailable/i.test(text)) return "SERVER_UNAVAILABLE";
  if (facts.responseStatus === "BYE") return byBye(facts, text);
  if (/LOGIN failed|BasicAuthBlocked|Basic authentication is disabled/i.test(text)) return "LOGIN_METHOD_REFUSED";
  if (/AUTHENTICATE failed|AuthFailed:/i.test(text)) return "TOKEN_REJECTED";
  if (isTooMany(text)) return "CONNECTION_LIMIT";
  switch (facts.phase) {
    case "login":
      return facts.responseStatus === "NO" ? "TOKEN_REJECTED" : "PROTOCOL_VIOLATION";
    case "first-command":
      // Exchange says OK to AUTHENTICATE in a state where it refuses everything else (exchange-online 2.2).
      return facts.responseStatus === "NO" ? "MAILBOX_ACCESS_DENIED" : "PROTOCOL_VIOLATION";
    case "command":
    case "fetch":
      if (facts.responseStatus !== "NO" || !missingFolder.test(text)) return "COMMAND_REFUSED";
      // INBOX is always there: a folder that somebody named Inbox hides it (exchange-online row 40).
      return facts.folder?.toUpperCase() === "INBOX" ? "FOLDER_UNSELECTABLE" : "FOLDER_GONE";
    case "connect":
    default:
      return "UNCLASSIFIED";
  }
}

function byBye(facts: ErrorFacts, text: string): FailureCode {
  if (isTooMany(text)) return "CONNECTION_LIMIT";
  if (facts.phase === "connect") return "SERVER_UNAVAILABLE";
  return "SESSION_CLOSED";
}

/** The words of other servers, and of Exchange on premises, for a cap on sessions; Exchange Online gives no reason (exchange-online 2.2). */
function isTooMany(text: string): boolean {
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
const violationCodes: ReadonlySet<string> = new Set([
  "LineTooLarge",
  "ResponseTooLarge",
  "TooManyTokens",
  "TooManyResponses",
  "MAX_IMAP_NESTING_REACHED",
  "UnexpectedTag",
  "MissingTag",
  "InvalidResponse",
  "ResponseProcessingFailed",
  "STARTTLS_INJECTION",
  // The adapter's own.
  "Preauth",
  "NoXoauth2",
  "UnaskedData",
  "MissingData",
  "UnreadableAnswer",
]);
const missingFolder = /does(n't| not) exist|no such (mailbox|folder)|(mailbox|folder) not found|unknown (mailbox|folder)/i;

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
  PROTOCOL_VIOLATION: "The mail server sent something that IMAP does not allow here",
  COMMAND_REFUSED: "The mail server refused a command",
  FOLDER_GONE: "The folder does not exist any more",
  FOLDER_UNSELECTABLE: "The mail server lists the folder and does not open it",
  MESSAGE_TOO_LARGE: "A message is larger than the limit",
  INVARIANT: "A command could not be written safely",
  UNCLASSIFIED: "Something went wrong that mailfleet has no name for",
};

function sentence(code: FailureCode, facts: ErrorFacts): string {
  const said = facts.text ?? facts.code;
  return `${sentences[code] ?? code}${said === undefined || said === "" ? "" : `: ${said}`}`;
}
