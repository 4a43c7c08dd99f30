import { lookup } from "node:dns";
import { createServer, type AddressInfo } from "node:net";
import { Secret, syncError, type MailboxRef } from "@mailfleet/core";
import { silentLog } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { ask, canary, greeting, login, stall, user } from "./client/transcript-harness.ts";
import { createPop3Source, type Pop3Endpoint } from "./index.ts";
import { converse, failureOf, loggedIn } from "./spool-harness.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: user, protocol: "pop3" };
const never = new AbortController().signal;
const refusal = "-ERR Authentication failure: unknown user name or bad password.\r\n";
const beforeToken = login.slice(0, -1);
const beforeAuth = login.slice(0, 3);

function sourceAt(endpoint: Pop3Endpoint) {
  return createPop3Source({
    endpoint: () => endpoint,
    log: silentLog,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
  });
}

const token = { value: new Secret(canary), expiresAt: Date.now() + 3_600_000 };

describe("opening a mailbox", () => {
  test("is greeting, CAPA, AUTH in two lines, and STAT as the proof of access", async () => {
    await using talk = await converse([...loggedIn(0), stall]);
    const session = await talk.open();
    expect(talk.server.received.map((line) => (line.length > 40 ? "token" : line))).toEqual(["CAPA", "AUTH XOAUTH2", "token", "STAT"]);
    expect(session.features).toEqual({ hasFlags: false, hasCondStore: false, hasIdle: false });
  });

  test.each([
    ["the token is refused", [...beforeToken, { send: refusal }], "TOKEN_REJECTED", "login"],
    [
      "the refusal comes behind a challenge",
      [...beforeToken, { send: "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n" }, ...ask(/^$/, refusal)],
      "TOKEN_REJECTED",
      "login",
    ],
    [
      "the login is taken and the mailbox refused",
      [...login, ...ask(/^STAT$/, "-ERR User is authenticated but not connected.\r\n")],
      "MAILBOX_ACCESS_DENIED",
      "first-command",
    ],
    ["STAT is refused in other words", [...login, ...ask(/^STAT$/, "-ERR no\r\n")], "MAILBOX_ACCESS_DENIED", "first-command"],
    ["STAT is no count", [...login, ...ask(/^STAT$/, "+OK many\r\n")], "PROTOCOL_VIOLATION", "first-command"],
    ["XOAUTH2 is not offered", [greeting, ...ask(/^CAPA$/, "+OK\r\nSASL PLAIN\r\n.\r\n")], "PROTOCOL_VIOLATION", "login"],
    ["another session holds the mailbox", [...beforeToken, { send: "-ERR [IN-USE] locked\r\n" }], "CONNECTION_LIMIT", "login"],
    ["the server is busy from the start", [{ send: "-ERR Server Unavailable. 21\r\n" }], "SERVER_UNAVAILABLE", "connect"],
    ["the server hangs up", [greeting, { cut: "end" }], "SESSION_CLOSED", "connect"],
    ["it hangs up on AUTH", [...beforeAuth, { expect: /^AUTH XOAUTH2$/ }, { cut: "end" }], "SESSION_CLOSED", "login"],
  ] as const)("fails where %s, with its phase", async (_when, script, code, phase) => {
    await using talk = await converse([...script, stall]);
    const failure = await failureOf(talk.open());
    expect(failure).toMatchObject({ code, facts: { phase } });
    expect(failure.facts.folder).toBeUndefined();
  });

  test("takes no longer than its limit in all, whatever comes in time", async () => {
    await using talk = await converse([greeting, stall], { limits: { openMs: 1_000 } });
    expect(await failureOf(talk.open())).toMatchObject({ code: "CONNECT_TIMEOUT", facts: { code: "Silent", phase: "connect" } });
  });

  test("shows the token in no failure, when the server echoes it or what it is wrapped in", async () => {
    await using talk = await converse([...beforeToken.slice(0, -1), { expect: /^([\w+/]+=*)$/ }, { send: "-ERR you sent $1\r\n" }, stall]);
    const failure = await failureOf(talk.open());
    const wrapped = Buffer.from(`user=${user}\u0001auth=Bearer ${canary}\u0001\u0001`).toString("base64");
    for (const secret of [canary.slice(10, 40), wrapped.slice(60, 90)]) expect(JSON.stringify(failure)).not.toContain(secret);
  });

  test("ends with the signal, before and while it goes on", async () => {
    await using talk = await converse([greeting, { expect: /^CAPA$/ }, stall]);
    const reason = syncError("LEASE_LOST", "taken", { layer: "engine" });
    expect(await failureOf(talk.open(undefined, AbortSignal.abort(reason)))).toMatchObject({ code: "LEASE_LOST" });
    expect(talk.server.connections).toBe(0);
    const controller = new AbortController();
    const opening = failureOf(talk.open(undefined, controller.signal));
    await expect.poll(() => talk.server.received).toContain("CAPA");
    controller.abort(new Error("stopped"));
    expect(await opening).toMatchObject({ code: "INTERRUPTED", facts: { layer: "pop3", phase: "connect" } });
  });
});

describe("the endpoint", () => {
  test("without TLS is refused unless it is a loopback address: the token would go in the clear", async () => {
    const source = sourceAt({ host: "mail.example", port: 110, tls: false });
    expect(await failureOf(source.open(mailbox, token, never))).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("that nobody listens at is CONNECT_REFUSED", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const source = sourceAt({ host: "127.0.0.1", port, tls: true });
    expect(await failureOf(source.open(mailbox, token, never))).toMatchObject({ code: "CONNECT_REFUSED", facts: { phase: "connect" } });
  });

  test("that speaks no TLS where it should is TLS_HANDSHAKE", async () => {
    await using talk = await converse([greeting, stall]);
    const source = sourceAt({ host: talk.server.host, port: talk.server.port, tls: true });
    expect(await failureOf(source.open(mailbox, token, never))).toMatchObject({ code: "TLS_HANDSHAKE" });
  });
});
