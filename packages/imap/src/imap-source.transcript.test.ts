import { lookup } from "node:dns";
import { describe, expect, test } from "vitest";
import { ask, beforeLogin, canary, converse, failureOf, greeting, login, stall } from "./transcript-harness.ts";
import type { ScriptStep } from "@mailfleet/testkit";

/** Tens of ms on an idle machine; without the hook imapflow waits as long as the server says, up to half of its patience. */
const atOnceMs = 4_000;
const patient = { openMs: 60_000, commandSilenceMs: 60_000 };
const throttle = "Request is throttled. Suggested Backoff Time: 299910 milliseconds";

describe("greetings", () => {
  test.each([
    ["Exchange's classic front end", "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMA]\r\n"],
    [
      "Exchange's proxy front end of 2026",
      "* OK Microsoft Exchange IMAP4 service ready. 1b4e (tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE) [RgBSADMA]\r\n",
    ],
    ["a bare one", "* OK\r\n"],
  ])("%s is accepted", async (_name, text) => {
    await using talk = await converse([{ send: text }, ...login.slice(1), stall]);
    await talk.open();
    expect(talk.server.received.map((line) => line.split(" ")[1])).toEqual(["CAPABILITY", "ID", "AUTHENTICATE", "NAMESPACE"]);
  });

  test("PREAUTH ends the connection before any command", async () => {
    await using talk = await converse([{ send: "* PREAUTH welcome back, admin\r\n" }, { expect: /./ }]);
    const failure = await failureOf(talk.open());
    expect(failure).toMatchObject({ code: "PROTOCOL_VIOLATION", scope: "session", facts: { code: "Preauth", phase: "connect" } });
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
    expect(talk.server.received).toEqual([]);
  });

  test("BYE instead of a greeting is the server being unavailable, in its words", async () => {
    await using talk = await converse([{ send: "* BYE Try again later\r\n" }, stall]);
    expect(await failureOf(talk.open())).toMatchObject({
      code: "SERVER_UNAVAILABLE",
      facts: { responseStatus: "BYE", text: "Try again later", phase: "connect" },
    });
  });

  test("a greeting that never comes is a timeout", async () => {
    await using talk = await converse([stall], { greetingMs: 60 });
    expect(await failureOf(talk.open())).toMatchObject({ code: "CONNECT_TIMEOUT", facts: { code: "GREETING_TIMEOUT" } });
  });

  test("noise without end in place of a login is cut off", async () => {
    const noise: ScriptStep[] = Array.from({ length: 2_000 }, () => ({ send: "* OK still here\r\n" }));
    await using talk = await converse([greeting, { expect: /CAPABILITY/ }, ...noise, stall], { openMs: 1_000 });
    expect(await failureOf(talk.open())).toMatchObject({ code: "CONNECT_TIMEOUT", facts: { code: "Silent" } });
  });
});

describe("logins", () => {
  test("XOAUTH2 carries the mailbox and the token, and nothing else is used though it is offered", async () => {
    const script: ScriptStep[] = [
      greeting,
      { expect: /^(\w+) CAPABILITY$/ },
      {
        send: "* CAPABILITY IMAP4rev1 AUTH=OAUTHBEARER AUTH=PLAIN AUTH=XOAUTH2 SASL-IR ID NAMESPACE STARTTLS ENABLE COMPRESS=DEFLATE\r\n$1 OK\r\n",
      },
      ...login.slice(3),
      stall,
    ];
    await using talk = await converse(script);
    await talk.open();
    const blob = talk.server.received.find((line) => line.includes("AUTHENTICATE"))?.split(" ")[3] ?? "";
    expect(Buffer.from(blob, "base64").toString()).toBe(`user=ann@contoso.example\u0001auth=Bearer ${canary}\u0001\u0001`);
  });

  test("a server without XOAUTH2 gets no token", async () => {
    await using talk = await converse([
      greeting,
      { expect: /^(\w+) CAPABILITY$/ },
      { send: "* CAPABILITY IMAP4rev1 AUTH=PLAIN NAMESPACE\r\n$1 OK\r\n" },
      { expect: /./ },
    ]);
    expect(await failureOf(talk.open())).toMatchObject({ code: "PROTOCOL_VIOLATION", facts: { code: "NoXoauth2" } });
    expect(talk.server.received).toHaveLength(1);
  });

  test("NO AUTHENTICATE failed is a rejected token, not a lost mailbox", async () => {
    await using talk = await converse([...beforeLogin, { send: "$1 NO AUTHENTICATE failed.\r\n" }, stall]);
    expect(await failureOf(talk.open())).toMatchObject({
      code: "TOKEN_REJECTED",
      facts: { phase: "login", responseStatus: "NO", text: "AUTHENTICATE failed." },
    });
  });

  test("a challenge with an error is answered by an empty line, and the refusal after it counts", async () => {
    const challenge = Buffer.from('{"status":"400"}').toString("base64");
    await using talk = await converse([
      ...beforeLogin.slice(0, -1),
      { expect: /^\w+ AUTHENTICATE/ },
      { send: `+ ${challenge}\r\n` },
      { expect: /^$/ },
      { send: "3 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n" },
      stall,
    ]);
    expect(await failureOf(talk.open())).toMatchObject({ code: "TOKEN_REJECTED", facts: { code: "AUTHENTICATIONFAILED" } });
  });

  test("a server that echoes the token does not get it into any text", async () => {
    const blob = Buffer.from(`user=ann@contoso.example\u0001auth=Bearer ${canary}\u0001\u0001`).toString("base64");
    await using talk = await converse([...beforeLogin, { send: `$1 NO I do not like ${canary} nor ${blob}\r\n` }, stall]);
    const failure = await failureOf(talk.open());
    expect(failure.code).toBe("TOKEN_REJECTED");
    expect(failure.facts.text).toContain("[secret]");
    expect(JSON.stringify([failure, talk.log.records])).not.toMatch(/canary|Y2FuYXJ5|NhbmFye|jYW5hcnk/);
  });

  test.each([
    ["BAD", "as Exchange has said it for years"],
    ["NO", "as seen since 2026"],
  ])("%s not connected after an accepted login closes after that one command, %s", async (status) => {
    await using talk = await converse([
      ...beforeLogin,
      { send: "$1 OK AUTHENTICATE completed.\r\n" },
      { expect: /^(\w+) NAMESPACE$/ },
      { send: `$1 ${status} User is authenticated but not connected.\r\n` },
      { expect: /./ },
    ]);
    expect(await failureOf(talk.open())).toMatchObject({
      code: "MAILBOX_ACCESS_DENIED",
      scope: "mailbox",
      facts: { phase: "first-command", responseStatus: status, text: "User is authenticated but not connected." },
    });
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
  });

  test("NO not connected to the login itself is the same refusal", async () => {
    await using talk = await converse([...beforeLogin, { send: "$1 NO User is authenticated but not connected.\r\n" }, stall]);
    expect(await failureOf(talk.open())).toMatchObject({ code: "MAILBOX_ACCESS_DENIED", facts: { phase: "login" } });
  });

  test("a server without NAMESPACE proves access by LIST, whose refusal is a refusal", async () => {
    const start: ScriptStep[] = [
      greeting,
      { expect: /^(\w+) CAPABILITY$/ },
      { send: "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n$1 OK\r\n" },
      { expect: /^(\w+) AUTHENTICATE XOAUTH2 \S+$/ },
      { send: "$1 OK\r\n" },
      { expect: /^(\w+) CAPABILITY$/ },
      { send: "* CAPABILITY IMAP4rev1\r\n$1 OK\r\n" },
      { expect: /^(\w+) LIST "" ""$/ },
    ];
    const ok = '* LIST (\\Noselect) "." ""\r\n$1 OK\r\n';
    {
      await using talk = await converse([
        ...start,
        { send: ok },
        { expect: /^(\w+) LIST "" ""$/ },
        { send: ok },
        ...ask(/^(\w+) STATUS "Reports.2026" /, '* STATUS "Reports.2026" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n$1 OK\r\n'),
        stall,
      ]);
      const session = await talk.open();
      expect(await session.status("Reports/2026")).toEqual({ messages: 1, uidNext: 2, uidValidity: "3" });
    }
    await using talk = await converse([
      ...start,
      { send: "$1 NO go away\r\n" },
      { expect: /^(\w+) LIST/ },
      { send: "$1 NO go away\r\n" },
      stall,
    ]);
    expect(await failureOf(talk.open())).toMatchObject({ code: "MAILBOX_ACCESS_DENIED", facts: { phase: "first-command" } });
  });

  test.each(["NO", "BAD"])("a login throttled by %s frees the socket at once and keeps the hint", async (status) => {
    await using talk = await converse([...beforeLogin, { send: `$1 ${status} ${throttle}\r\n` }, { expect: /./ }], patient);
    const opening = failureOf(talk.open());
    await talk.server.finished().catch(() => {});
    const closed = performance.now();
    expect(await opening).toMatchObject({
      code: "SERVER_THROTTLED",
      scope: "mailbox",
      facts: { hintMs: 299_910, phase: "login", text: throttle },
    });
    expect(performance.now() - closed).toBeLessThan(atOnceMs);
  });

  test("an address that would break out of the login is never sent", async () => {
    await using talk = await converse([...beforeLogin.slice(0, -1), { expect: /./ }]);
    const { createImapSource } = await import("./index.ts");
    const { Secret } = await import("@mailfleet/core");
    const source = createImapSource({
      endpoint: () => ({ host: talk.server.host, port: talk.server.port, tls: false }),
      log: talk.log,
      scrub: (text) => text,
      clock: { monotonic: () => performance.now() },
      lookUp: lookup,
    });
    const mailbox = { tenant: "contoso", address: "ann@contoso.example\u0001auth=Bearer other", protocol: "imap" } as const;
    const opening = source.open(mailbox, { value: new Secret(canary), expiresAt: 0 }, new AbortController().signal);
    expect((await failureOf(opening)).code).toBe("INVARIANT");
    expect(talk.server.received.join("\n")).not.toContain("AUTHENTICATE");
  });
});

describe("aborts", () => {
  test("an abort while connecting closes at once", async () => {
    const controller = new AbortController();
    await using talk = await converse([{ expect: /./ }]);
    const opening = failureOf(talk.open(controller.signal));
    controller.abort();
    expect((await opening).code).toBe("INTERRUPTED");
  });

  test("an abort before the start makes no connection", async () => {
    await using talk = await converse([]);
    expect((await failureOf(talk.open(AbortSignal.abort()))).code).toBe("INTERRUPTED");
    expect(talk.server.connections).toBe(0);
  });
});

test("IMAP without TLS is refused for any address but loopback", async () => {
  const { createImapSource } = await import("./index.ts");
  const { Secret } = await import("@mailfleet/core");
  const { silentLog } = await import("@mailfleet/testkit");
  const source = createImapSource({
    endpoint: () => ({ host: "192.0.2.1", port: 143, tls: false }),
    log: silentLog,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
  });
  const opening = source.open(
    { tenant: "t", address: "a@b.example", protocol: "imap" },
    { value: new Secret(canary), expiresAt: 0 },
    new AbortController().signal,
  );
  expect((await failureOf(opening)).code).toBe("CONFIG_INVALID");
});

describe("a server that says it is unavailable to the first command", () => {
  test.each([
    ["in a tagged answer", "$1 NO Server Unavailable. 15\r\n"],
    ["in a bare line, after which nothing comes", "Server Unavailable. 15\r\n"],
    ["and says goodbye, as when a mailbox fails over", "$1 NO Server Unavailable. 15\r\n* BYE Connection closed.\r\n"],
  ])("%s, is named, and asked nothing more", async (_, answer) => {
    await using talk = await converse([
      ...beforeLogin,
      { send: "$1 OK AUTHENTICATE completed.\r\n" },
      ...ask(/^(\w+) NAMESPACE$/, answer),
      stall,
    ]);
    const failure = await failureOf(talk.open());
    expect(failure).toMatchObject({ code: "SERVER_UNAVAILABLE", scope: "session", facts: { phase: "first-command" } });
    expect(talk.server.received.at(-1)).toMatch(/NAMESPACE$/);
  });
});

test("a server that answers two commands BAD is asked no third one: that would cost the session, and the reason with it", async () => {
  const refused = (folder: string) => ask(new RegExp(`^(\\w+) STATUS "${folder}"`), "$1 BAD Command Argument Error. 12\r\n");
  await using talk = await converse([...login, ...refused("A"), ...refused("B"), stall]);
  const session = await talk.open();
  for (const folder of ["A", "B", "C"]) expect(await failureOf(session.status(folder))).toMatchObject({ code: "COMMAND_REFUSED" });
  expect(talk.server.received.filter((line) => line.includes("STATUS"))).toHaveLength(2);
});
