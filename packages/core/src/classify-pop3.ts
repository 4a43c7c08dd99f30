import { byConnectionCode, isThrottleText, isTooMany, sentence, type Classified } from "./classify-shared.ts";
import type { FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

/**
 * Decides what a POP3 adapter's facts mean. Pure and total: anything unknown is UNCLASSIFIED, never success. Provenance goes first, as
 * in `classifyImap`: our side, then the server's response code (which Exchange never sends), then its words, then the phase.
 */
export function classifyPop3(facts: ErrorFacts): Classified {
  const code = facts.responseStatus === undefined ? byLocalCode(facts) : byAnswer(facts);
  return { code, message: sentence(code, facts, "POP3") };
}

/**
 * Whether a refusal is about one message and says nothing about the others: `Message corrupted`, a message that is gone. Such a message
 * is withheld, as an IMAP server withholds what it cannot convert. A server that did not like the command as such is no judge of a message.
 */
export function isMessageRefusal(facts: ErrorFacts): boolean {
  return facts.phase === "fetch" && classifyPop3(facts).code === "COMMAND_REFUSED" && !isCommandError(facts.text ?? "");
}

/** Codes that only this side sets: Node, OpenSSL, and the words of `packages/pop3` for what it found wrong. */
function byLocalCode(facts: ErrorFacts): FailureCode {
  const known = byConnectionCode(facts);
  if (known !== undefined) return known;
  switch (facts.code) {
    case "Aborted":
      return "INTERRUPTED";
    case "message-bytes":
      return facts.phase === "fetch" ? "MESSAGE_TOO_LARGE" : "PROTOCOL_VIOLATION";
    case "argument":
    case "busy":
      return "INVARIANT";
    case undefined:
      return "UNCLASSIFIED";
    default:
      return violationCodes.has(facts.code) ? "PROTOCOL_VIOLATION" : "UNCLASSIFIED";
  }
}

/** A -ERR: as an answer, or as the last words of a connection. Several lines are one text. */
function byAnswer(facts: ErrorFacts): FailureCode {
  const text = facts.text ?? "";
  const isOpening = facts.phase === "login" || facts.phase === "first-command";
  switch ((facts.code ?? "").toUpperCase()) {
    case "IN-USE":
    case "LOGIN-DELAY":
      return "CONNECTION_LIMIT";
    case "SYS/TEMP":
      return "SERVER_UNAVAILABLE";
    case "SYS/PERM":
      return isOpening ? "MAILBOX_ACCESS_DENIED" : "COMMAND_REFUSED";
    case "AUTH":
      return "TOKEN_REJECTED";
    default:
  }
  if (facts.hintMs !== undefined || isThrottleText(text)) return "SERVER_THROTTLED";
  if (/authenticated but not connected/i.test(text)) return "MAILBOX_ACCESS_DENIED";
  if (/session invalidated/i.test(text)) return /AccessTokenExpired/i.test(text) ? "SESSION_EXPIRED" : "TOKEN_REJECTED";
  if (/server unavailable/i.test(text)) return "SERVER_UNAVAILABLE";
  if (/BasicAuthBlocked|Basic authentication is disabled/i.test(text)) return "LOGIN_METHOD_REFUSED";
  // Both also come for throttling, a role that is missing, a protocol that is off (exchange-online 2.2, 4): judged over time.
  if (/authentication failure|logon failure|AuthFailed:/i.test(text)) return "TOKEN_REJECTED";
  if (isTooMany(text)) return "CONNECTION_LIMIT";
  if (isCommandError(text)) return isOpening ? "PROTOCOL_VIOLATION" : "COMMAND_REFUSED";
  if (/connection is closed|disconnected/i.test(text)) return "SESSION_CLOSED";
  switch (facts.phase) {
    case "connect":
      return "SERVER_UNAVAILABLE";
    case "login":
      return "TOKEN_REJECTED";
    case "first-command":
      return "MAILBOX_ACCESS_DENIED";
    case "command":
    case "fetch":
      return "COMMAND_REFUSED";
    default:
      return "UNCLASSIFIED";
  }
}

/** Exchange's `Protocol error. 10` (line too long; it closes), 14, 16, 17, 19 (argument, their number, non-ASCII, unknown), and `not valid`. */
function isCommandError(text: string): boolean {
  return /protocol error|not valid in this state/i.test(text);
}

const violationCodes: ReadonlySet<string> = new Set([
  "status-line",
  "challenge",
  "unasked",
  "stat",
  "list-line",
  "list-numbers",
  "list-twice",
  "line-bytes",
  "list-lines",
  "list-bytes",
  "no-xoauth2",
]);
