import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyPop3, isMessageRefusal } from "./classify-pop3.ts";
import { failureCodes, type FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

type Row = readonly [wire: string, facts: Partial<ErrorFacts>, code: FailureCode];

const err = (text: string, phase: ErrorFacts["phase"] = "command", more: Partial<ErrorFacts> = {}): Partial<ErrorFacts> => ({
  responseStatus: "ERR",
  text,
  ...(phase !== undefined && { phase }),
  ...more,
});

const badPassword = "unknown user name or bad password.";

// Exchange's lines as in section 4 of the field guide, then those of its failure catalogue, then other servers'.
const answers: readonly Row[] = [
  ["Authentication failure", err(`Authentication failure: ${badPassword}`, "login"), "TOKEN_REJECTED"],
  ["Logon failure", err(`Logon failure: ${badPassword}`, "login"), "TOKEN_REJECTED"],
  ["Logon failure in the middle (throttling)", err(`Logon failure: ${badPassword}`, "command"), "TOKEN_REJECTED"],
  ["the third refusal", err(`Authentication failure: ${badPassword} / Connection is closed. 21`, "login"), "TOKEN_REJECTED"],
  ["not connected, to STAT", err("User is authenticated but not connected.", "first-command"), "MAILBOX_ACCESS_DENIED"],
  ["not connected, later", err("User is authenticated but not connected."), "MAILBOX_ACCESS_DENIED"],
  [
    "not connected, the third time",
    err("User is authenticated but not connected. / Connection is closed. 21", "first-command"),
    "MAILBOX_ACCESS_DENIED",
  ],
  ["not valid in this state", err("Command is not valid in this state."), "COMMAND_REFUSED"],
  ["not valid in this state (STAT)", err("Command is not valid in this state.", "first-command"), "PROTOCOL_VIOLATION"],
  ["Protocol error. 14", err("Protocol error. 14"), "COMMAND_REFUSED"],
  ["Protocol error. 16", err("Protocol error. 16"), "COMMAND_REFUSED"],
  ["Protocol error. 17", err("Protocol error. 17", "login"), "PROTOCOL_VIOLATION"],
  ["Protocol error. 19", err("Protocol error. 19", "fetch"), "COMMAND_REFUSED"],
  ["Protocol error 10 (row 25)", err("Protocol error. Connection is closed. 10", "login"), "PROTOCOL_VIOLATION"],
  ["Protocol error 10, later", err("Protocol error. Connection is closed. 10"), "COMMAND_REFUSED"],
  ["Server Unavailable. 21", err("Server Unavailable. 21"), "SERVER_UNAVAILABLE"],
  ["Server Unavailable. 21 to the login", err("Server Unavailable. 21", "login"), "SERVER_UNAVAILABLE"],
  ["failover (row 34)", err("Server Unavailable. 21 / Connection is closed. 22", "fetch"), "SERVER_UNAVAILABLE"],
  ["the end of a failover alone", err("Connection is closed. 22"), "SESSION_CLOSED"],
  ["idle too long (row 37)", err("Connection is closed. 12"), "SESSION_CLOSED"],
  ["the end after three errors alone", err("Connection is closed. 21"), "SESSION_CLOSED"],
  ["token expired (row 27)", err("Session invalidated - AccessTokenExpired"), "SESSION_EXPIRED"],
  ["account disabled (row 28)", err("Session invalidated - AccountDisabled"), "TOKEN_REJECTED"],
  ["Message corrupted (row 45)", err("Message corrupted", "fetch"), "COMMAND_REFUSED"],
  ["Basic authentication (row 26)", err("Basic authentication is disabled", "login"), "LOGIN_METHOD_REFUSED"],
  [
    "throttled (row 30)",
    err("Request is throttled. Suggested Backoff Time: 299910 milliseconds", "login", { hintMs: 299_910 }),
    "SERVER_THROTTLED",
  ],
  ["throttled, without a hint", err("Request is throttled."), "SERVER_THROTTLED"],
  ["[IN-USE]", err("[IN-USE] mailbox is locked", "login", { code: "IN-USE" }), "CONNECTION_LIMIT"],
  ["[LOGIN-DELAY]", err("[LOGIN-DELAY] minimum time between logins", "login", { code: "LOGIN-DELAY" }), "CONNECTION_LIMIT"],
  ["[SYS/TEMP]", err("[SYS/TEMP] try later", "login", { code: "SYS/TEMP" }), "SERVER_UNAVAILABLE"],
  ["[SYS/PERM] to the login", err("[SYS/PERM] mailbox is broken", "login", { code: "SYS/PERM" }), "MAILBOX_ACCESS_DENIED"],
  ["[SYS/PERM] to a message", err("[SYS/PERM] message is broken", "fetch", { code: "SYS/PERM" }), "COMMAND_REFUSED"],
  ["[AUTH]", err("[AUTH] Authentication failed.", "login", { code: "AUTH" }), "TOKEN_REJECTED"],
  ["too many connections", err("Maximum number of connections from user+IP exceeded", "login"), "CONNECTION_LIMIT"],
  ["a greeting that says no", err("too busy", "connect"), "SERVER_UNAVAILABLE"],
  ["anything to the login", err("no", "login"), "TOKEN_REJECTED"],
  ["anything to STAT", err("no", "first-command"), "MAILBOX_ACCESS_DENIED"],
  ["anything to a command", err("no"), "COMMAND_REFUSED"],
  ["idle, as Dovecot says it", err("Disconnected for inactivity."), "SESSION_CLOSED"],
  ["an -ERR from nowhere", { responseStatus: "ERR" }, "UNCLASSIFIED"],
];

const ours: readonly Row[] = [
  ["ENOTFOUND", { code: "ENOTFOUND", layer: "network", phase: "connect" }, "DNS"],
  ["ECONNREFUSED", { code: "ECONNREFUSED", layer: "network", phase: "connect" }, "CONNECT_REFUSED"],
  ["CERT_HAS_EXPIRED", { code: "CERT_HAS_EXPIRED", layer: "tls", phase: "connect" }, "TLS_HANDSHAKE"],
  ["CONNECT_TIMEOUT", { code: "CONNECT_TIMEOUT", layer: "network", phase: "connect" }, "CONNECT_TIMEOUT"],
  ["GREETING_TIMEOUT", { code: "GREETING_TIMEOUT", phase: "connect" }, "CONNECT_TIMEOUT"],
  ["silence at the login", { code: "Silent", phase: "login" }, "CONNECT_TIMEOUT"],
  ["silence in a message", { code: "Silent", phase: "fetch" }, "SESSION_CLOSED"],
  ["ECONNRESET", { code: "ECONNRESET", layer: "network", phase: "fetch" }, "SESSION_CLOSED"],
  ["NoConnection", { code: "NoConnection", phase: "command" }, "SESSION_CLOSED"],
  ["a message over the limit", { code: "message-bytes", phase: "fetch" }, "MESSAGE_TOO_LARGE"],
  ["the same id twice", { code: "list-twice", phase: "command" }, "PROTOCOL_VIOLATION"],
  ["no XOAUTH2", { code: "no-xoauth2", phase: "login" }, "PROTOCOL_VIOLATION"],
  ["two commands at once", { code: "busy", phase: "command" }, "INVARIANT"],
  ["an argument with a line break", { code: "argument", phase: "login" }, "INVARIANT"],
  ["the signal", { code: "Aborted", phase: "fetch" }, "INTERRUPTED"],
  ["something new", { code: "ESOMETHINGNEW" }, "UNCLASSIFIED"],
  ["nothing at all", {}, "UNCLASSIFIED"],
];

describe("what the server says", () => {
  test.each(answers)("%s", (_wire, facts, code) => {
    expect(classifyPop3({ layer: "pop3", ...facts }).code).toBe(code);
  });
});

describe("what this side saw", () => {
  test.each(ours)("%s", (_name, facts, code) => {
    expect(classifyPop3({ layer: "pop3", ...facts }).code).toBe(code);
  });

  test("beats whatever text comes with it", () => {
    expect(classifyPop3({ layer: "pop3", code: "list-line", text: "Request is throttled. Suggested Backoff Time: 9" }).code).toBe(
      "PROTOCOL_VIOLATION",
    );
  });
});

test("the server's own code beats its text", () => {
  expect(classifyPop3({ layer: "pop3", ...err("[IN-USE] Request is throttled", "login", { code: "IN-USE" }) }).code).toBe(
    "CONNECTION_LIMIT",
  );
});

test("the sentence names the protocol and carries the server's words", () => {
  expect(classifyPop3({ layer: "pop3", ...err("Protocol error. Connection is closed. 10", "login") }).message).toBe(
    "The mail server sent something that POP3 does not allow here: Protocol error. Connection is closed. 10",
  );
});

test.each([
  ["Message corrupted", "fetch", true],
  ["[SYS/PERM] message is broken", "fetch", true],
  ["no such message", "fetch", true],
  ["no such message", "command", false],
  ["Server Unavailable. 21", "fetch", false],
  ["Protocol error. 14", "fetch", false],
  ["Command is not valid in this state.", "fetch", false],
  ["Connection is closed. 12", "fetch", false],
  ["Request is throttled.", "fetch", false],
] as const)("%j in phase %s is about one message: %s", (text, phase, isIt) => {
  expect(isMessageRefusal({ layer: "pop3", responseStatus: "ERR", text, phase })).toBe(isIt);
});

test("any facts get a code of the closed set and a sentence", () => {
  const facts = fc.record(
    {
      layer: fc.constantFrom("entra", "network", "tls", "imap", "pop3", "redis", "blobs", "mime", "engine"),
      code: fc.oneof(fc.string(), fc.constantFrom(...[...answers, ...ours].map(([, { code }]) => code ?? "x"))),
      responseStatus: fc.constantFrom("NO", "BAD", "BYE", "ERR"),
      text: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...answers.map(([, { text }]) => text ?? ""))),
      hintMs: fc.double(),
      phase: fc.constantFrom("connect", "login", "first-command", "command", "fetch"),
    },
    { requiredKeys: ["layer"] },
  );
  fc.assert(
    fc.property(facts, (some) => {
      const { code, message } = classifyPop3(some);
      expect(failureCodes).toContain(code);
      expect(message.length).toBeGreaterThan(10);
    }),
  );
});
