import type { FaultSpec } from "./fault-spec.ts";
import { count, flag, milliseconds, text, verb, words } from "./param-kinds.ts";

const literalBytes = count(50, "bytes of the content before it happens, where it happens in a literal");

/** How a session ends or stalls once it is logged in (field guide 3.6). */
export const sessionFaults = {
  "token-expiry": {
    side: "mail",
    reach: "message",
    says:
      "The session is ended with `* BYE Session invalidated - AccessTokenExpired` (POP3: `-ERR Session`), although its token is not over: in IDLE at once, at the " +
      "next command in its place, or in the middle of a message's content, where the line stands among the message's bytes.",
    params: {
      at: words(["any", "idle", "between", "literal"], "when; between is between two commands, any is idle or between"),
      reason: text("AccessTokenExpired", "the word behind the hyphen"),
      verb,
      bytes: literalBytes,
      lingers: flag(
        "the connection stays open, and commands are answered `BAD Command received in Invalid state.`, or `-ERR Command is not valid in this state.`",
      ),
    },
  },
  "session-invalidated": {
    side: "mail",
    says: "As `token-expiry` in IDLE and between commands, for another reason: an account that was disabled, sessions that were revoked.",
    params: { reason: text("AccountDisabled", "the word behind the hyphen") },
  },
  "stale-session": {
    side: "mail",
    reach: "mailbox",
    says: "A session ends as with an expired token soon after its login, as where a stale token is used again.",
    params: { afterMs: milliseconds(0, "how long after the login") },
  },
  "idle-timeout": {
    side: "mail",
    reach: "mailbox",
    occurs: "lasts",
    says: "`* BYE Connection is closed. 13`, over POP3 `-ERR Connection is closed. 12`, after this time without a byte, in IDLE too. It is read at the login and at each command.",
    params: { ms: milliseconds(60_000, "how long", 10) },
  },
  "server-unavailable": {
    side: "mail",
    reach: "message",
    says:
      "`NO Server Unavailable. 15`, over POP3 `-ERR Server Unavailable. 21`, for a command; with a folder and UID, each time that message's " +
      "content is asked for. The third one of a " +
      "session closes it.",
    params: {
      form: words(
        ["tagged", "untagged", "bye"],
        "tagged; the bare line `Server Unavailable. 15` (POP3: 21) in place of the tagged answer; tagged and `* BYE Connection closed.` (POP3: a second line `-ERR Connection is closed. 22`), as where the mailbox moves to another server",
      ),
      verb,
    },
  },
  reset: {
    side: "mail",
    reach: "message",
    says: "The connection breaks after so many bytes.",
    params: {
      where: words(
        ["literal", "session", "connection"],
        "bytes counted in the content of a message; from the login on; or from the greeting on (only for orders without tenant and mailbox)",
      ),
      bytes: count(50, "after how many bytes"),
      reset: flag("with a reset (ECONNRESET) in place of an orderly end"),
    },
  },
  silence: {
    side: "mail",
    reach: "message",
    says: "The server stops answering and keeps the connection open.",
    params: {
      where: words(["command", "literal"], "in place of an answer, or in the middle of a message's content"),
      verb,
      bytes: literalBytes,
    },
  },
  drip: {
    side: "mail",
    reach: "mailbox",
    says: "Bytes come slowly, from the login on; from the greeting on for orders without tenant and mailbox.",
    params: { bytes: count(100, "how many at a time", 1, 1_000_000), everyMs: milliseconds(100, "how often", 1) },
  },
  "command-refused": {
    side: "mail",
    says: "A command is refused as Exchange refuses what it cannot read. The third one of a session closes it.",
    params: {
      verb,
      answer: words(["BAD", "NO"], "how"),
      text: text("", "with which words; empty for `Command Argument Error. 12`, or over POP3 `Protocol error. 14`"),
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
