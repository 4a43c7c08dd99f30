import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readThrottleHint } from "./classify-shared.ts";
import { classifyImap } from "./classify.ts";
import { failureCodes, type FailureCode } from "./failure-code.ts";
import type { ErrorFacts } from "./failure.ts";

type Row = readonly [wire: string, facts: Partial<ErrorFacts>, code: FailureCode];

const no = (text: string, more: Partial<ErrorFacts> = {}): Partial<ErrorFacts> => ({
  responseStatus: "NO",
  text,
  phase: "command",
  ...more,
});
const bad = (text: string, more: Partial<ErrorFacts> = {}): Partial<ErrorFacts> => ({
  responseStatus: "BAD",
  text,
  phase: "command",
  ...more,
});
const bye = (text: string, more: Partial<ErrorFacts> = {}): Partial<ErrorFacts> => ({
  responseStatus: "BYE",
  text,
  phase: "command",
  ...more,
});

// Rows as in the failure catalogue of the Exchange field guide.
const answers: readonly Row[] = [
  ["NO AUTHENTICATE failed. (login)", no("AUTHENTICATE failed.", { phase: "login" }), "TOKEN_REJECTED"],
  ["NO AUTHENTICATE failed. (after an expiry, later)", no("AUTHENTICATE failed."), "TOKEN_REJECTED"],
  ['NO [Error="AuthFailed:LogonDenied..."]', no('[Error="AuthFailed:LogonDenied-None-OAuthLog"]', { phase: "login" }), "TOKEN_REJECTED"],
  ["NO [AUTHENTICATIONFAILED] ...", no("no", { phase: "login", code: "AUTHENTICATIONFAILED" }), "TOKEN_REJECTED"],
  ["NO LOGIN failed.", no("LOGIN failed.", { phase: "login" }), "LOGIN_METHOD_REFUSED"],
  ["NO Basic authentication is disabled.", no("Basic authentication is disabled.", { phase: "login" }), "LOGIN_METHOD_REFUSED"],
  [
    "BAD User is authenticated but not connected.",
    bad("User is authenticated but not connected.", { phase: "first-command" }),
    "MAILBOX_ACCESS_DENIED",
  ],
  [
    "NO User is authenticated but not connected. (login)",
    no("User is authenticated but not connected.", { phase: "login" }),
    "MAILBOX_ACCESS_DENIED",
  ],
  ["NO to the first command, any words", no("go away", { phase: "first-command" }), "MAILBOX_ACCESS_DENIED"],
  ["BYE Session invalidated - AccessTokenExpired", bye("Session invalidated - AccessTokenExpired"), "SESSION_EXPIRED"],
  ["BYE Session invalidated - AccountDisabled", bye("Session invalidated - AccountDisabled"), "TOKEN_REJECTED"],
  [
    "NO Request is throttled. Suggested Backoff Time: 299910 milliseconds",
    no("Request is throttled. Suggested Backoff Time: 299910 milliseconds", { hintMs: 299_910 }),
    "SERVER_THROTTLED",
  ],
  ["BAD Request is throttled. (login)", bad("Request is throttled.", { phase: "login" }), "SERVER_THROTTLED"],
  ["BYE Too many connections (greeting)", bye("Too many connections", { phase: "connect" }), "CONNECTION_LIMIT"],
  ["NO [LIMIT] Too many connections", no("Too many connections", { code: "LIMIT", phase: "login" }), "CONNECTION_LIMIT"],
  ["NO [LIMIT] slow down", no("slow down", { code: "LIMIT" }), "SERVER_THROTTLED"],
  ["NO Server Unavailable. 15", no("Server Unavailable. 15"), "SERVER_UNAVAILABLE"],
  ["BAD Server Unavailable. 15 (untagged, as imapflow reads it)", bad("Server Unavailable. 15"), "SERVER_UNAVAILABLE"],
  ["NO [UNAVAILABLE] later", no("later", { code: "UNAVAILABLE" }), "SERVER_UNAVAILABLE"],
  ["NO [SERVERBUG] internal", no("internal", { code: "SERVERBUG", phase: "fetch" }), "SERVER_UNAVAILABLE"],
  ["BYE at the greeting", bye("Server is shutting down", { phase: "connect" }), "SERVER_UNAVAILABLE"],
  ["BAD Command Argument Error. 11", bad("Command Argument Error. 11"), "COMMAND_REFUSED"],
  ["BAD Command Error. 12", bad("Command Error. 12"), "COMMAND_REFUSED"],
  ["BAD [*] The specified message set is invalid.", bad("The specified message set is invalid.", { phase: "fetch" }), "COMMAND_REFUSED"],
  ["BAD Command received in Invalid state.", bad("Command received in Invalid state."), "COMMAND_REFUSED"],
  ["BAD to the login", bad("Command Argument Error. 11", { phase: "login" }), "PROTOCOL_VIOLATION"],
  ["BAD to the first command", bad("Command Error. 12", { phase: "first-command" }), "PROTOCOL_VIOLATION"],
  ["BYE Connection closed. 14", bye("Connection closed. 14"), "SESSION_CLOSED"],
  ["BYE Connection is closed. 13", bye("Connection is closed. 13"), "SESSION_CLOSED"],
  ["BYE Connection closed.", bye("Connection closed."), "SESSION_CLOSED"],
  ["NO INBOX doesn't exist.", no("INBOX doesn't exist.", { folder: "INBOX" }), "FOLDER_UNSELECTABLE"],
  ["NO Projects doesn't exist.", no("Projects doesn't exist.", { folder: "Projects" }), "FOLDER_GONE"],
  ["NO [NONEXISTENT] Mailbox doesn't exist: x", no("Mailbox doesn't exist: x", { code: "NONEXISTENT" }), "FOLDER_GONE"],
  ["NO [NOPERM] denied", no("denied", { code: "NOPERM" }), "COMMAND_REFUSED"],
];

const ours: readonly Row[] = [
  ["ENOTFOUND", { code: "ENOTFOUND", layer: "network", phase: "connect" }, "DNS"],
  ["EAI_AGAIN", { code: "EAI_AGAIN", layer: "network", phase: "connect" }, "DNS"],
  ["ECONNREFUSED", { code: "ECONNREFUSED", layer: "network", phase: "connect" }, "CONNECT_REFUSED"],
  ["EHOSTUNREACH", { code: "EHOSTUNREACH", layer: "network", phase: "connect" }, "CONNECT_REFUSED"],
  ["EMFILE", { code: "EMFILE", layer: "network", phase: "connect" }, "CONNECT_REFUSED"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", { code: "DEPTH_ZERO_SELF_SIGNED_CERT", phase: "connect" }, "TLS_HANDSHAKE"],
  ["CERT_HAS_EXPIRED", { code: "CERT_HAS_EXPIRED", phase: "connect" }, "TLS_HANDSHAKE"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", { code: "ERR_TLS_CERT_ALTNAME_INVALID", phase: "connect" }, "TLS_HANDSHAKE"],
  ["EPROTO", { code: "EPROTO", phase: "connect" }, "TLS_HANDSHAKE"],
  ["CONNECT_TIMEOUT", { code: "CONNECT_TIMEOUT", phase: "connect" }, "CONNECT_TIMEOUT"],
  ["GREETING_TIMEOUT", { code: "GREETING_TIMEOUT", phase: "connect" }, "CONNECT_TIMEOUT"],
  ["ETIMEDOUT while connecting", { code: "ETIMEDOUT", phase: "connect" }, "CONNECT_TIMEOUT"],
  ["silence in a FETCH", { code: "ETIMEOUT", phase: "fetch" }, "SESSION_CLOSED"],
  ["ECONNRESET", { code: "ECONNRESET", layer: "network", phase: "fetch" }, "SESSION_CLOSED"],
  ["NoConnection", { code: "NoConnection", phase: "command" }, "SESSION_CLOSED"],
  ["LiteralTooLarge in a FETCH", { code: "LiteralTooLarge", phase: "fetch" }, "MESSAGE_TOO_LARGE"],
  ["LiteralTooLarge elsewhere", { code: "LiteralTooLarge", phase: "command" }, "PROTOCOL_VIOLATION"],
  ["LineTooLarge", { code: "LineTooLarge", phase: "fetch" }, "PROTOCOL_VIOLATION"],
  ["ParserError14", { code: "ParserError14", phase: "command" }, "PROTOCOL_VIOLATION"],
  ["Preauth", { code: "Preauth", phase: "connect" }, "PROTOCOL_VIOLATION"],
  ["something new", { code: "ESOMETHINGNEW" }, "UNCLASSIFIED"],
  ["nothing at all", {}, "UNCLASSIFIED"],
];

describe("what the server says", () => {
  test.each(answers)("%s", (_wire, facts, code) => {
    expect(classifyImap({ layer: "imap", ...facts }).code).toBe(code);
  });
});

describe("what this side saw", () => {
  test.each(ours)("%s", (_name, facts, code) => {
    expect(classifyImap({ layer: "imap", ...facts }).code).toBe(code);
  });

  test("beats whatever text comes with it", () => {
    const facts: ErrorFacts = {
      layer: "imap",
      code: "LineTooLarge",
      text: "Request is throttled. Suggested Backoff Time: 9",
      phase: "fetch",
    };
    expect(classifyImap(facts).code).toBe("PROTOCOL_VIOLATION");
    expect(classifyImap({ layer: "tls", text: "Session invalidated - AccessTokenExpired" }).code).toBe("TLS_HANDSHAKE");
  });
});

test("the server's own code beats its text", () => {
  expect(classifyImap({ layer: "imap", ...no("No folder 'Request is throttled. Backoff Time: 9'", { code: "NONEXISTENT" }) }).code).toBe(
    "FOLDER_GONE",
  );
});

test("the sentence carries the server's words", () => {
  expect(classifyImap({ layer: "imap", ...no("AUTHENTICATE failed.", { phase: "login" }) }).message).toBe(
    "The mail server refused the token for this mailbox: AUTHENTICATE failed.",
  );
});

test.each([
  ["Suggested Backoff Time: 299910 milliseconds", 299_910],
  ["Backoff Time=5", 5],
  ["Backoff Time: -7", -7],
  ["Backoff Time: soon", undefined],
  ["nothing", undefined],
])("the hint in %j is %s", (text, hint) => {
  expect(readThrottleHint(text)).toBe(hint);
});

test("any facts get a code of the closed set and a sentence", () => {
  const facts = fc.record(
    {
      layer: fc.constantFrom("entra", "network", "tls", "imap", "pop3", "redis", "blobs", "mime", "engine"),
      code: fc.oneof(fc.string(), fc.constantFrom(...[...answers, ...ours].map(([, { code }]) => code ?? "x"))),
      responseStatus: fc.constantFrom("NO", "BAD", "BYE"),
      text: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...answers.map(([, { text }]) => text ?? ""))),
      hintMs: fc.double(),
      phase: fc.constantFrom("connect", "login", "first-command", "command", "fetch"),
    },
    { requiredKeys: ["layer"] },
  );
  fc.assert(
    fc.property(facts, (some) => {
      const { code, message } = classifyImap(some);
      expect(failureCodes).toContain(code);
      expect(message.length).toBeGreaterThan(10);
    }),
  );
});
