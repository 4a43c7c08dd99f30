import { describe, expect, test } from "vitest";
import type { ScriptStep } from "@mailfleet/testkit";
import type { Pop3Client } from "./index.ts";
import { ask, converse, errorOf, greeting, login, oneByOne, pipeliningCapa, stall, user } from "./transcript-harness.ts";

const capa = ask(/^CAPA$/, "+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\nUSER\r\n.\r\n");
const end: ScriptStep = { cut: "end" };

/** Waits until the server's bytes and its end have come. */
async function hungUp(client: Pop3Client): Promise<void> {
  while (client.ended === undefined) await new Promise((resolve) => setImmediate(resolve));
}

// The lines with which Exchange refuses, each as it was seen.
describe("Exchange says no", () => {
  test.each([
    ["Authentication failure: unknown user name or bad password."],
    ["Logon failure: unknown user name or bad password."],
    ["User is authenticated but not connected."],
    ["Server Unavailable. 21"],
    ["Command is not valid in this state."],
    ["Protocol error. 14"],
    ["Protocol error. 16"],
    ["Protocol error. 17"],
    ["Protocol error. 19"],
    ["Basic authentication is disabled"],
    ["Request is throttled. Suggested Backoff Time: 299910 milliseconds"],
  ])("-ERR %s, to a login and to a command, and the connection lives on", async (words) => {
    await using talk = await converse([
      greeting,
      ...capa,
      ...ask(/^AUTH XOAUTH2$/, "+ \r\n"),
      ...ask(/^[\w+/]+=*$/, `-ERR ${words}\r\n`),
      ...ask(/^STAT$/, `-ERR ${words}\r\n`),
      ...ask(/^NOOP$/, "+OK\r\n"),
      stall,
    ]);
    const client = await talk.connect();
    const failure = await errorOf(client.authenticate(user, "t0k3n"));
    expect(failure).toMatchObject({ kind: "refused", during: "AUTH", text: words, isOver: false });
    expect(failure.message).toBe(`The server refused AUTH: ${words}`);
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", during: "STAT", text: words });
    await client.noop();
  });

  test("one-line AUTH never happens, so `Connection is closed. 10` is for a line that is too long", async () => {
    await using talk = await converse([...login, ...ask(/^STAT$/, "-ERR Protocol error. Connection is closed. 10\r\n"), end]);
    const client = await talk.login();
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", text: "Protocol error. Connection is closed. 10", isOver: true });
    expect(await errorOf(client.noop())).toMatchObject({ kind: "closed", text: "Protocol error. Connection is closed. 10" });
  });

  test.each([
    ["without a prefix, after the third error", "Connection is closed. 21\r\n", "Connection is closed. 21"],
    ["with one, on a failover", "-ERR Connection is closed. 22\r\n", "Connection is closed. 22"],
  ])("a line that is added %s belongs to the error", async (_name, line, words) => {
    await using talk = await converse([...login, ...ask(/^STAT$/, `-ERR Server Unavailable. 21\r\n${line}`), end]);
    const client = await talk.login();
    const text = `Server Unavailable. 21 / ${words}`;
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", text, isOver: true });
    expect(client.ended).toMatchObject({ kind: "closed", text });
  });

  test.each([
    ["without a prefix", "Connection is closed. 21\r\n", "Connection is closed. 21"],
    ["with one", "-ERR Connection is closed. 22\r\n", "Connection is closed. 22"],
  ])("a line that is added later, %s, is why the connection ended", async (_name, line, words) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using talk = await converse([
      ...login,
      ...ask(/^STAT$/, "-ERR User is authenticated but not connected.\r\n"),
      { until: promise },
      { send: line },
      end,
    ]);
    const client = await talk.login();
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", isOver: false });
    resolve();
    await hungUp(client);
    expect(client.ended).toMatchObject({ kind: "closed", text: words, isOver: true });
    expect(await errorOf(client.noop())).toMatchObject({ kind: "closed", text: words });
  });

  test("a line that is added while the next command is on its way is the end, and no answer to it", async () => {
    await using talk = await converse([
      ...login,
      ...ask(/^STAT$/, "-ERR User is authenticated but not connected.\r\n"),
      ...ask(/^NOOP$/, "Connection is closed. 21\r\n"),
      end,
    ]);
    const client = await talk.login();
    await errorOf(client.stat());
    expect(await errorOf(client.noop())).toMatchObject({ kind: "closed", during: "NOOP", text: "Connection is closed. 21", isOver: true });
  });

  test("the same words where nothing was refused before are a violation", async () => {
    await using talk = await converse([...login, ...ask(/^NOOP$/, "Connection is closed. 21\r\n"), stall]);
    const client = await talk.login();
    expect(await errorOf(client.noop())).toMatchObject({ kind: "protocol", problem: "status-line", text: "Connection is closed. 21" });
  });

  test.each([
    ["-ERR Connection is closed. 12\r\n", "Connection is closed. 12"],
    ["-ERR Session invalidated - AccessTokenExpired\r\n", "Session invalidated - AccessTokenExpired"],
    [
      "-ERR Session invalidated - AccountDisabled\r\n-ERR Connection is closed. 22\r\n",
      "Session invalidated - AccountDisabled / Connection is closed. 22",
    ],
  ])("%j while nothing was asked is remembered as the reason", async (lines, text) => {
    await using talk = await converse([...login, ...ask(/^NOOP$/, "+OK\r\n"), { send: lines }, end]);
    const client = await talk.login();
    await client.noop();
    await hungUp(client);
    expect(client.ended).toMatchObject({ kind: "closed", text });
    expect(await errorOf(client.stat())).toMatchObject({ kind: "closed", text });
  });

  test("a session that ends in place of an answer says why", async () => {
    await using talk = await converse([...login, ...ask(/^STAT$/, "-ERR Session invalidated - AccessTokenExpired\r\n"), end]);
    const client = await talk.login();
    expect(await errorOf(client.stat())).toMatchObject({ kind: "refused", text: "Session invalidated - AccessTokenExpired", isOver: true });
  });

  test("a message that cannot be converted is one message", async () => {
    await using talk = await converse([
      ...login,
      ...ask(/^RETR 1$/, "-ERR Message corrupted\r\n"),
      ...ask(/^RETR 2$/, "+OK\r\ntwo\r\n.\r\n"),
      stall,
    ]);
    const client = await talk.login();
    expect(await errorOf(client.retr(1))).toMatchObject({ kind: "refused", during: "RETR 1", text: "Message corrupted", isOver: false });
    expect((await (await client.retr(2)).bytes()).toString()).toBe("two\r\n");
  });

  test("an end among pipelined answers ends them all, after those that came", async () => {
    await using talk = await converse([
      greeting,
      ...pipeliningCapa,
      { expect: /^RETR 1$/ },
      { expect: /^RETR 2$/ },
      { expect: /^RETR 3$/ },
      { send: "+OK\r\none\r\n.\r\n-ERR Server Unavailable. 21\r\n-ERR Connection is closed. 22\r\n" },
      end,
    ]);
    const client = await talk.connect();
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      for await (const { number } of oneByOne(client.retrWhole([1, 2, 3]))) seen.push(number);
    };
    expect(await errorOf(work())).toMatchObject({
      kind: "refused",
      during: "RETR 2",
      text: "Server Unavailable. 21 / Connection is closed. 22",
      isOver: true,
    });
    expect(seen).toEqual([1]);
  });

  test.each([
    ["-ERR [IN-USE] mailbox is in use\r\n", "IN-USE"],
    ["-ERR [LOGIN-DELAY] wait\r\n", "LOGIN-DELAY"],
    ["-ERR [SYS/TEMP] later\r\n", "SYS/TEMP"],
    ["-ERR [SYS/PERM] never\r\n", "SYS/PERM"],
    ["-ERR [AUTH] no\r\n", "AUTH"],
  ])("%j has a response code", async (line, responseCode) => {
    await using talk = await converse([greeting, ...capa, ...ask(/^AUTH XOAUTH2$/, "+ \r\n"), ...ask(/^[\w+/]+=*$/, line), stall]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(user, "t0k3n"))).toMatchObject({ kind: "refused", responseCode });
  });
});

describe("the login", () => {
  test("an error challenge is answered with an empty line, and the refusal comes", async () => {
    await using talk = await converse([
      greeting,
      ...capa,
      ...ask(/^AUTH XOAUTH2$/, "+ \r\n"),
      ...ask(/^[\w+/]+=*$/, "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
      ...ask(/^$/, "-ERR [AUTH] Authentication failed.\r\n"),
      ...ask(/^NOOP$/, "+OK\r\n"),
      stall,
    ]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(user, "t0k3n"))).toMatchObject({ kind: "refused", text: "[AUTH] Authentication failed." });
    await client.noop();
  });

  test.each([
    ["an OK without a challenge", [...ask(/^AUTH XOAUTH2$/, "+OK\r\n"), stall], "status-line"],
    [
      "a second challenge",
      [...ask(/^AUTH XOAUTH2$/, "+ \r\n"), ...ask(/^[\w+/]+=*$/, "+ x\r\n"), ...ask(/^$/, "+ y\r\n"), stall],
      "challenge",
    ],
    [
      "an OK after an error challenge",
      [...ask(/^AUTH XOAUTH2$/, "+ \r\n"), ...ask(/^[\w+/]+=*$/, "+ x\r\n"), ...ask(/^$/, "+OK\r\n"), stall],
      "status-line",
    ],
  ])("%s is a violation, and nobody is logged in", async (_name, script, problem) => {
    await using talk = await converse([greeting, ...capa, ...script]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(user, "t0k3n"))).toMatchObject({ kind: "protocol", problem, isOver: true });
  });

  test("a refused AUTH gets no token", async () => {
    await using talk = await converse([greeting, ...capa, ...ask(/^AUTH XOAUTH2$/, "-ERR Protocol error. 19\r\n"), stall]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(user, "t0k3n"))).toMatchObject({ kind: "refused", text: "Protocol error. 19" });
    expect(talk.server.received).toEqual(["CAPA", "AUTH XOAUTH2"]);
  });

  test("a server that offers other ways only gets nothing at all", async () => {
    await using talk = await converse([
      greeting,
      ...ask(/^CAPA$/, "+OK\r\nSASL PLAIN\r\nUSER\r\n.\r\n"),
      ...ask(/^NOOP$/, "+OK\r\n"),
      stall,
    ]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(user, "t0k3n"))).toMatchObject({ kind: "unsupported", problem: "no-xoauth2", isOver: false });
    await client.noop();
  });

  test.each([
    ["a user with the separator of fields", "ann\u0001auth=Bearer other\u0001", "t0k3n"],
    ["a user with a line break", "ann\r\nDELE 1", "t0k3n"],
    ["a user with NUL", "ann\0", "t0k3n"],
    ["no user", "", "t0k3n"],
    ["a token with a space", user, "t0k3n DELE"],
    ["a token with a line break", user, "t0k3n\r\nDELE 1"],
    ["no token", user, ""],
  ])("%s is not sent", async (_name, who, token) => {
    await using talk = await converse([greeting, ...capa, ...ask(/^NOOP$/, "+OK\r\n"), stall]);
    const client = await talk.connect();
    expect(await errorOf(client.authenticate(who, token))).toMatchObject({ kind: "usage", problem: "argument", isOver: false });
    await client.noop();
    expect(talk.server.received).toEqual(["CAPA", "NOOP"]);
  });
});

describe("greetings", () => {
  test.each([
    ["-ERR too many connections\r\n", { kind: "refused", during: "greeting", text: "too many connections" }],
    ["* OK IMAP4 ready\r\n", { kind: "protocol", problem: "status-line", text: "* OK IMAP4 ready" }],
    ["220 smtp\r\n", { kind: "protocol", problem: "status-line" }],
    ["+ \r\n", { kind: "protocol", problem: "challenge" }],
    ["+OK ready\r\n+OK already logged in\r\n", { kind: "protocol", problem: "unasked" }],
    [`+OK ${"x".repeat(2_000)}\r\n`, { kind: "limit", problem: "line-bytes" }],
  ])("%j ends the connection", async (words, error) => {
    await using talk = await converse([{ send: words }, stall]);
    expect(await errorOf(talk.connect())).toMatchObject(error);
  });

  test("an end in place of one", async () => {
    await using talk = await converse([end]);
    expect(await errorOf(talk.connect())).toMatchObject({ kind: "closed", during: "greeting" });
  });
});

// T41 and T40 of the threat model.
describe("answers that POP3 does not allow", () => {
  const two = ask(/^STAT$/, "+OK 2 320\r\n");
  type Use = (client: Pop3Client) => Promise<unknown>;
  const uidl: Use = async (client) => {
    await client.stat();
    return await client.uidl();
  };
  const list: Use = async (client) => {
    await client.stat();
    return await client.list();
  };
  test.each<[string, readonly ScriptStep[], Use, string, string]>([
    ["an id of 71 characters", [...two, ...ask(/^UIDL$/, `+OK\r\n1 ${"x".repeat(71)}\r\n2 b\r\n.\r\n`)], uidl, "protocol", "list-line"],
    ["an id with a space", [...two, ...ask(/^UIDL$/, "+OK\r\n1 a b\r\n2 c\r\n.\r\n")], uidl, "protocol", "list-line"],
    ["an id twice", [...two, ...ask(/^UIDL$/, "+OK\r\n1 a\r\n2 a\r\n.\r\n")], uidl, "protocol", "list-twice"],
    ["a number twice", [...two, ...ask(/^UIDL$/, "+OK\r\n1 a\r\n1 b\r\n.\r\n")], uidl, "protocol", "list-numbers"],
    ["more ids than STAT", [...two, ...ask(/^UIDL$/, "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n")], uidl, "protocol", "list-numbers"],
    ["more sizes than STAT", [...two, ...ask(/^LIST$/, "+OK\r\n1 1\r\n2 1\r\n3 1\r\n.\r\n")], list, "protocol", "list-numbers"],
    ["a size that is none", [...two, ...ask(/^LIST$/, "+OK\r\n1 1\r\n2 -1\r\n.\r\n")], list, "protocol", "list-line"],
    ["an empty line in a list", [...two, ...ask(/^LIST$/, "+OK\r\n1 1\r\n\r\n2 1\r\n.\r\n")], list, "protocol", "list-line"],
    ["an id for another message", ask(/^UIDL 2$/, "+OK 1 a\r\n"), (client) => client.uidl(2), "protocol", "list-numbers"],
    ["a size for another message", ask(/^LIST 2$/, "+OK 1 9\r\n"), (client) => client.list(2), "protocol", "list-numbers"],
    ["STAT without numbers", ask(/^STAT$/, "+OK two messages\r\n"), (client) => client.stat(), "protocol", "stat"],
    ["no status", ask(/^NOOP$/, "OK\r\n"), (client) => client.noop(), "protocol", "status-line"],
    ["a challenge", ask(/^NOOP$/, "+ go on\r\n"), (client) => client.noop(), "protocol", "challenge"],
    ["a status line of 10 MB", ask(/^NOOP$/, `+OK ${"x".repeat(10_000_000)}\r\n`), (client) => client.noop(), "limit", "line-bytes"],
    [
      "a line of 10 MB in a list",
      ask(/^UIDL$/, `+OK\r\n1 ${"x".repeat(10_000_000)}\r\n.\r\n`),
      (client) => client.uidl(),
      "limit",
      "line-bytes",
    ],
  ])("%s ends the connection", async (_name, script, use, kind, problem) => {
    await using talk = await converse([...login, ...script, stall]);
    const client = await talk.login();
    expect(await errorOf(use(client))).toMatchObject({ kind, problem, isOver: true });
    expect((await errorOf(client.noop())).isOver).toBe(true);
  });

  test("data between two commands ends the connection before the next one is sent", async () => {
    await using talk = await converse([...login, ...ask(/^NOOP$/, "+OK\r\n+OK 5 5\r\n"), stall]);
    const client = await talk.login();
    await client.noop();
    expect(await errorOf(client.stat())).toMatchObject({ kind: "protocol", problem: "unasked", isOver: true });
  });

  test("a terminator that never comes is an end in the middle, and what came is not whole", async () => {
    await using talk = await converse([...login, ...ask(/^RETR 1$/, "+OK\r\nbody\r\n."), end]);
    const client = await talk.login();
    const body = await client.retr(1);
    expect(await errorOf(body.bytes())).toMatchObject({ kind: "closed", during: "RETR 1", text: undefined });
    expect(body.isWhole).toBe(false);
  });

  test("a reset in the middle has Node's code", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using talk = await converse([...login, ...ask(/^RETR 1$/, "+OK\r\nbody\r\n"), { until: promise }, { cut: "reset" }]);
    const client = await talk.login();
    const reader = (await client.retr(1))[Symbol.asyncIterator]();
    await reader.next();
    resolve();
    expect(await errorOf(reader.next())).toMatchObject({ kind: "network", code: "ECONNRESET" });
  });

  test.each([[0], [-1], [1.5], [Number.NaN], [2 ** 31], ["1\r\nDELE 1" as unknown as number]])(
    "message number %j is the caller's mistake, and not sent",
    async (number) => {
      await using talk = await converse([...login, ...ask(/^NOOP$/, "+OK\r\n"), stall]);
      const client = await talk.login();
      const mistake = { kind: "usage", problem: "argument", isOver: false };
      expect(await errorOf(client.retr(number))).toMatchObject(mistake);
      expect(await errorOf(client.top(number, 0))).toMatchObject(mistake);
      expect(await errorOf(client.top(1, number === 0 ? -1 : number))).toMatchObject(mistake);
      expect(await errorOf(client.uidl(number))).toMatchObject(mistake);
      expect(await errorOf(client.list(number))).toMatchObject(mistake);
      await client.noop();
    },
  );
});
