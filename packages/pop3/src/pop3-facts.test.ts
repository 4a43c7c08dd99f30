import { classifyPop3, type FailureCode } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { Pop3Error, type Pop3ErrorFields, type Pop3ErrorKind, type Pop3Problem } from "./client/index.ts";
import { errorFacts } from "./pop3-facts.ts";

const failureOf = (fields: Partial<Pop3ErrorFields> & Pick<Pop3ErrorFields, "kind">, phase: "connect" | "login" | "command" | "fetch") => {
  const facts = errorFacts(new Pop3Error({ during: "RETR 12", isOver: true, ...fields }), { phase, folder: "INBOX", uid: 10_021 });
  return { facts, ...classifyPop3(facts) };
};

describe("an error of the client becomes facts that have a name", () => {
  const kinds: Record<Pop3ErrorKind, readonly [Partial<Pop3ErrorFields>, FailureCode]> = {
    "connect-timeout": [{}, "CONNECT_TIMEOUT"],
    "greeting-timeout": [{}, "CONNECT_TIMEOUT"],
    silence: [{}, "SESSION_CLOSED"],
    "too-slow": [{}, "SESSION_CLOSED"],
    refused: [{ text: "Message corrupted" }, "COMMAND_REFUSED"],
    protocol: [{ problem: "status-line" }, "PROTOCOL_VIOLATION"],
    limit: [{ problem: "message-bytes" }, "MESSAGE_TOO_LARGE"],
    closed: [{}, "SESSION_CLOSED"],
    aborted: [{}, "INTERRUPTED"],
    network: [{ code: "ECONNREFUSED" }, "CONNECT_REFUSED"],
    tls: [{ code: "CERT_HAS_EXPIRED" }, "TLS_HANDSHAKE"],
    unsupported: [{ problem: "no-xoauth2" }, "PROTOCOL_VIOLATION"],
    usage: [{ problem: "busy" }, "INVARIANT"],
  };
  test.each(Object.entries(kinds))("%s", (kind, [fields, code]) => {
    const phase = kind.endsWith("timeout") ? "connect" : "fetch";
    expect(failureOf({ kind: kind as Pop3ErrorKind, ...fields }, phase).code).toBe(code);
  });

  const problems: Record<Pop3Problem, FailureCode> = {
    "status-line": "PROTOCOL_VIOLATION",
    challenge: "PROTOCOL_VIOLATION",
    unasked: "PROTOCOL_VIOLATION",
    stat: "PROTOCOL_VIOLATION",
    "list-line": "PROTOCOL_VIOLATION",
    "list-numbers": "PROTOCOL_VIOLATION",
    "list-twice": "PROTOCOL_VIOLATION",
    "line-bytes": "PROTOCOL_VIOLATION",
    "list-lines": "PROTOCOL_VIOLATION",
    "list-bytes": "PROTOCOL_VIOLATION",
    "message-bytes": "PROTOCOL_VIOLATION",
    "no-xoauth2": "PROTOCOL_VIOLATION",
    argument: "INVARIANT",
    busy: "INVARIANT",
  };
  test.each(Object.entries(problems))("%s", (problem, code) => {
    expect(failureOf({ kind: "protocol", problem: problem as Pop3Problem }, "command").code).toBe(code);
  });
});

test("a refusal keeps the server's words, its response code and where it was", () => {
  const { facts } = failureOf({ kind: "refused", text: "[IN-USE] locked", responseCode: "IN-USE" }, "login");
  expect(facts).toEqual({
    layer: "pop3",
    phase: "login",
    code: "IN-USE",
    responseStatus: "ERR",
    text: "[IN-USE] locked",
    folder: "INBOX",
    uid: 10_021,
  });
});

test("the last words of a connection say why it ended", () => {
  expect(failureOf({ kind: "closed", text: "Session invalidated - AccessTokenExpired" }, "command").code).toBe("SESSION_EXPIRED");
});

test("a throttle's hint is read and clamped", () => {
  const hint = (ms: string) =>
    failureOf({ kind: "refused", text: `Request is throttled. Suggested Backoff Time: ${ms} milliseconds` }, "login").facts.hintMs;
  expect(hint("299910")).toBe(299_910);
  expect(hint("-7")).toBe(1_000);
  expect(hint("99999999999999999999")).toBe(7_200_000);
});

test("what nobody said in words is said by the client", () => {
  expect(failureOf({ kind: "protocol", problem: "list-twice", during: "UIDL" }, "command").message).toBe(
    "The mail server sent something that POP3 does not allow here: The server sent the same id for two messages (UIDL)",
  );
  expect(failureOf({ kind: "closed" }, "fetch").message).toBe("The connection to the mail server ended: during RETR 12");
});
