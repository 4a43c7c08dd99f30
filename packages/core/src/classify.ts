import { byConnectionCode, isThrottleText, isTooMany, sentence, type Classified } from "./classify-shared.ts";
import type { FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

/**
 * Decides what an IMAP adapter's facts mean. Pure and total: anything unknown is UNCLASSIFIED, never success.
 *
 * Provenance goes first (T42): what happened on our side (TLS, DNS, limits) cannot be talked over by a server's text; then the
 * server's own response code; then its text, which Exchange uses where others use codes; then the phase it happened in.
 */
export function classifyImap(facts: ErrorFacts): Classified {
  const code = facts.responseStatus === undefined ? byLocalCode(facts) : byAnswer(facts);
  return { code, message: sentence(code, facts, "IMAP") };
}

/** Codes that only this side sets: Node, OpenSSL, imapflow, and our own adapter. */
function byLocalCode(facts: ErrorFacts): FailureCode {
  const code = facts.code ?? "";
  const known = byConnectionCode(facts);
  if (known !== undefined) return known;
  if (code === "LiteralTooLarge") return facts.phase === "fetch" ? "MESSAGE_TOO_LARGE" : "PROTOCOL_VIOLATION";
  if (violationCodes.has(code) || code.startsWith("ParserError")) return "PROTOCOL_VIOLATION";
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
