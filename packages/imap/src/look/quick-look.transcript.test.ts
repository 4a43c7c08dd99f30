import type { ScriptStep } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { ask, canary, converse, failureOf, greeting, stall } from "../transcript-harness.ts";

const offered = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const asked = [greeting, ...ask(/^C CAPABILITY$/, `* CAPABILITY ${offered}\r\nC OK CAPABILITY completed.\r\n`)];
const authenticate = { expect: /^A AUTHENTICATE XOAUTH2 \S+$/ };
const login: readonly ScriptStep[] = [...asked, authenticate, { send: "A OK AUTHENTICATE completed.\r\n" }];
const inbox = { messages: 3, uidNext: 13, uidValidity: "170535", unseen: 1 };
const line = (name: string, uidNext = 13): string => `* STATUS ${name} (MESSAGES 3 UIDNEXT ${uidNext} UIDVALIDITY 170535 UNSEEN 1)\r\n`;
const statusOfInbox = ask(/^S0 STATUS "INBOX" \(MESSAGES UIDNEXT UIDVALIDITY UNSEEN\)$/, `${line("INBOX")}S0 OK STATUS completed.\r\n`);
const throttle = "Request is throttled. Suggested Backoff Time: 299910 milliseconds";

describe("a look", () => {
  test("is a login and STATUS, and the connection is dropped without a word", async () => {
    await using talk = await converse([...login, ...statusOfInbox, { expect: /./ }]);
    expect(await talk.look(["INBOX"])).toEqual([inbox]);
    await expect(talk.server.finished()).rejects.toThrow("closed the connection");
    expect(talk.server.received.map((one) => one.split(" ")[1])).toEqual(["CAPABILITY", "AUTHENTICATE", "STATUS"]);
    const blob = talk.server.received[1]?.split(" ")[3] ?? "";
    expect(Buffer.from(blob, "base64").toString()).toBe(`user=ann@contoso.example\u0001auth=Bearer ${canary}\u0001\u0001`);
  });

  test("asks a server once what it offers, and not at all where the greeting says it", async () => {
    const short = [greeting, authenticate, { send: "A OK\r\n" }, ...statusOfInbox, stall];
    const telling = [{ send: `* OK [CAPABILITY ${offered}] Dovecot ready.\r\n` }, ...short.slice(1)];
    await using talk = await converse([[...login, ...statusOfInbox, stall], short, telling]);
    for (let look = 0; look < 3; look++) expect(await talk.look(["INBOX"])).toEqual([inbox]);
    expect(talk.server.received.filter((one) => one.includes("CAPABILITY"))).toHaveLength(1);
  });

  test("asks again what is offered after a login was refused", async () => {
    const refused = [greeting, authenticate, { send: "A BAD Command Error. 12\r\n" }, stall];
    const again = [...login, ...statusOfInbox, stall];
    await using talk = await converse([again, refused, again]);
    await talk.look(["INBOX"]);
    expect(await failureOf(talk.look(["INBOX"]))).toMatchObject({ code: "PROTOCOL_VIOLATION", facts: { phase: "login" } });
    expect(await talk.look(["INBOX"])).toEqual([inbox]);
  });

  test("asks for the second folder when the first was answered, and for the others with it", async () => {
    await using talk = await converse([
      ...login,
      { expect: /^S0 STATUS "INBOX"/ },
      { silentMs: 50 },
      { send: `${line("INBOX")}S0 OK\r\n` },
      { expect: /^S1 STATUS "Sent Items"/ },
      { expect: /^S2 STATUS "&ANw-berblick\/a\\"b\\\\c"/ },
      { expect: /^S3 STATUS "Box"/ },
      {
        send: `${line('"Sent Items"', 14)}S1 OK\r\n* STATUS {19}\r\n&ANw-berblick/a"b\\c (MESSAGES 1 UIDNEXT 15 UIDVALIDITY 9)\r\nS2 OK\r\n`,
      },
      { send: `* 4 EXISTS\r\n${line("Box", 16)}S3 OK\r\n` },
      stall,
    ]);
    const statuses = await talk.look(["INBOX", "Sent Items", 'Überblick/a"b\\c', "Box"]);
    expect(statuses?.map(({ uidNext }) => uidNext)).toEqual([13, 14, 15, 16]);
  });

  test("asks for HIGHESTMODSEQ where it is wanted", async () => {
    const answer = "* STATUS INBOX (MESSAGES 3 UIDNEXT 13 UIDVALIDITY 170535 UNSEEN 1 HIGHESTMODSEQ 77)\r\nS0 OK\r\n";
    await using talk = await converse([...login, ...ask(/^S0 STATUS "INBOX" \(.* HIGHESTMODSEQ\)$/, answer), stall]);
    expect(await talk.look(["INBOX"], { hasModSeq: true })).toEqual([{ ...inbox, highestModSeq: "77" }]);
  });

  test("sends the token after the server asked for it, where the server does not take it with the command", async () => {
    const server = [
      { send: "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready\r\n" },
      ...ask(/^A AUTHENTICATE XOAUTH2$/, "+\r\n"),
      ...ask(/^[\w+/=]+$/, "A OK\r\n"),
      ...statusOfInbox,
      stall,
    ];
    const talk = await converse(server);
    expect(await talk.look(["INBOX"])).toEqual([inbox]);
    await talk.server.stop();
  });

  test("is not for a name that cannot be written in quotes", async () => {
    await using talk = await converse([]);
    expect(await talk.look(["INBOX", { path: "Überblick", wireName: "Überblick" }])).toBeUndefined();
    expect(talk.server.connections).toBe(0);
  });
});

describe("a look that is refused", () => {
  test.each([
    ["PREAUTH", [{ send: "* PREAUTH welcome\r\n" }, stall], { code: "PROTOCOL_VIOLATION", facts: { code: "Preauth", phase: "connect" } }],
    [
      "BYE in place of a greeting",
      [{ send: "* BYE Try again later\r\n" }, stall],
      { code: "SERVER_UNAVAILABLE", facts: { phase: "connect" } },
    ],
    ["no greeting", [{ send: "HTTP/1.1 400 Bad Request\r\n" }, stall], { code: "PROTOCOL_VIOLATION", facts: { code: "InvalidResponse" } }],
    ["the end in place of a greeting", [{ cut: "end" } as const], { code: "SESSION_CLOSED" }],
    [
      "no XOAUTH2",
      [greeting, ...ask(/^C CAPABILITY$/, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nC OK\r\n"), { expect: /./ }],
      { code: "PROTOCOL_VIOLATION", facts: { code: "NoXoauth2" } },
    ],
    [
      "NO to the login",
      [...asked, authenticate, { send: "A NO AUTHENTICATE failed.\r\n" }, stall],
      { code: "TOKEN_REJECTED", facts: { phase: "login", responseStatus: "NO", text: "AUTHENTICATE failed." } },
    ],
    [
      "NO with a response code",
      [...asked, authenticate, { send: "A NO [AUTHENTICATIONFAILED] Authentication failed.\r\n" }, stall],
      { code: "TOKEN_REJECTED", facts: { code: "AUTHENTICATIONFAILED", text: "Authentication failed." } },
    ],
    [
      "NO after a challenge that holds an error",
      [
        ...asked,
        authenticate,
        { send: "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n" },
        { expect: /^$/ },
        { send: "A NO AUTHENTICATE failed.\r\n" },
        stall,
      ],
      { code: "TOKEN_REJECTED" },
    ],
    [
      "one challenge after the other",
      [...asked, authenticate, { send: "+\r\n" }, { expect: /^$/ }, { send: "+\r\n" }, stall],
      { code: "PROTOCOL_VIOLATION", facts: { code: "UnaskedData" } },
    ],
    [
      "a throttled login",
      [...asked, authenticate, { send: `A BAD ${throttle}\r\n* BYE Connection closed. 14\r\n` }, { cut: "end" } as const],
      { code: "SERVER_THROTTLED", facts: { hintMs: 299_910, phase: "login" } },
    ],
    [
      "BYE within the login",
      [...asked, authenticate, { send: "* BYE Session invalidated - AccessTokenExpired\r\n" }, { cut: "end" } as const],
      { code: "SESSION_EXPIRED", facts: { responseStatus: "BYE" } },
    ],
    ...["BAD", "NO"].map(
      (status) =>
        [
          `${status} not connected`,
          [...login, ...ask(/^S0 STATUS/, `S0 ${status} User is authenticated but not connected.\r\n`), { expect: /./ }],
          { code: "MAILBOX_ACCESS_DENIED", facts: { phase: "first-command", responseStatus: status } },
        ] as const,
    ),
    [
      "a throttled STATUS",
      [...login, ...ask(/^S0 STATUS/, `S0 NO ${throttle}\r\n`), stall],
      { code: "SERVER_THROTTLED", facts: { hintMs: 299_910, folder: "INBOX" } },
    ],
    ["a bare line", [...login, ...ask(/^S0 STATUS/, "Server Unavailable. 15\r\n"), stall], { code: "SERVER_UNAVAILABLE" }],
    ["an untagged BAD", [...login, ...ask(/^S0 STATUS/, "* BAD Server Unavailable. 15\r\n"), stall], { code: "SERVER_UNAVAILABLE" }],
    [
      "OK without numbers",
      [...login, ...ask(/^S0 STATUS/, "S0 OK STATUS completed.\r\n"), stall],
      { code: "PROTOCOL_VIOLATION", facts: { code: "MissingData" } },
    ],
    [
      "the numbers of another folder",
      [...login, ...ask(/^S0 STATUS/, `${line("Other")}S0 OK\r\n`), stall],
      { code: "PROTOCOL_VIOLATION", facts: { code: "MissingData" } },
    ],
    ["another tag", [...login, ...ask(/^S0 STATUS/, "S9 OK\r\n"), stall], { code: "PROTOCOL_VIOLATION", facts: { code: "UnexpectedTag" } }],
    [
      "a line without end",
      [...login, ...ask(/^S0 STATUS/, `* STATUS ${"x".repeat(20_000)}`), stall],
      { code: "PROTOCOL_VIOLATION", facts: { code: "LineTooLarge" } },
    ],
    ["a reset", [...login, { expect: /^S0/ }, { cut: "reset" } as const], { code: "SESSION_CLOSED", facts: { phase: "first-command" } }],
  ] satisfies readonly (readonly [string, readonly ScriptStep[], object])[])("%s", async (_, script, failure) => {
    await using talk = await converse(script);
    expect(await failureOf(talk.look(["INBOX"]))).toMatchObject(failure);
  });

  test("a folder that is gone, behind others", async () => {
    await using talk = await converse([...login, ...statusOfInbox, ...ask(/^S1 STATUS/, "S1 NO Old doesn't exist.\r\n"), stall]);
    expect(await failureOf(talk.look(["INBOX", "Old", "Box"]))).toMatchObject({
      code: "FOLDER_GONE",
      facts: { folder: "Old", phase: "command" },
    });
  });

  test("by a server that echoes the token, without it in any text", async () => {
    const blob = Buffer.from(`user=ann@contoso.example\u0001auth=Bearer ${canary}\u0001\u0001`).toString("base64");
    await using talk = await converse([...asked, authenticate, { send: `A NO I do not like ${canary} nor ${blob}\r\n` }, stall]);
    const failure = await failureOf(talk.look(["INBOX"]));
    expect(failure.facts.text).toContain("[secret]");
    expect(JSON.stringify([failure, talk.log.records])).not.toMatch(/canary|Y2FuYXJ5|NhbmFye|jYW5hcnk/);
  });
});

describe("a look whose server is silent", () => {
  const noise: ScriptStep[] = Array.from({ length: 2_000 }, () => ({ send: "* OK still here\r\n" }));

  test.each([
    ["before its greeting", [stall], { greetingMs: 60 }, { code: "CONNECT_TIMEOUT", facts: { code: "GREETING_TIMEOUT" } }],
    ["after it", [greeting, { expect: /CAPABILITY/ }, stall], { openMs: 1_000 }, { code: "CONNECT_TIMEOUT", facts: { code: "Silent" } }],
    ["but for noise", [greeting, { expect: /CAPABILITY/ }, ...noise, stall], { openMs: 1_000 }, { facts: { code: "Silent" } }],
    [
      "at the second folder",
      [...login, ...statusOfInbox, { expect: /^S1/ }, stall],
      { commandSilenceMs: 1_000 },
      { code: "SESSION_CLOSED" },
    ],
  ] satisfies readonly (readonly [string, readonly ScriptStep[], object, object])[])(
    "%s ends in time",
    async (_, script, limits, failure) => {
      await using talk = await converse(script, limits);
      expect(await failureOf(talk.look(["INBOX", "Box"]))).toMatchObject(failure);
    },
  );

  test("ends at once when it is stopped, with the reason where that is a failure of ours", async () => {
    const controller = new AbortController();
    await using talk = await converse([...login, { expect: /^S0/ }, { until: Promise.resolve().then(() => controller.abort()) }, stall]);
    expect((await failureOf(talk.look(["INBOX"], { signal: controller.signal }))).code).toBe("INTERRUPTED");
  });
});
