import { describe, expect, test } from "vitest";
import { ask, blob, canary, converse, errorOf, greeting, login, oneByOne, pipeliningCapa, stall, user } from "./transcript-harness.ts";

describe("a session", () => {
  test("goes as Exchange speaks it: greeting, CAPA, AUTH in two lines, STAT, UIDL, LIST, TOP, RETR, NOOP, RSET, QUIT", async () => {
    await using talk = await converse([
      ...login,
      ...ask(/^STAT$/, "+OK 2 320\r\n"),
      ...ask(/^UIDL$/, "+OK\r\n1 10021\r\n2 10022\r\n.\r\n"),
      ...ask(/^UIDL 2$/, "+OK 2 10022\r\n"),
      ...ask(/^LIST$/, "+OK 2 320\r\n1 120\r\n2 200\r\n.\r\n"),
      ...ask(/^LIST 1$/, "+OK 1 120\r\n"),
      ...ask(/^TOP 1 0$/, "+OK\r\nSubject: a\r\n\r\n.\r\n"),
      ...ask(/^RETR 2$/, "+OK\r\nSubject: b\r\n\r\n..dots\r\n...\r\n.\r\n"),
      ...ask(/^NOOP$/, "+OK\r\n"),
      ...ask(/^RSET$/, "+OK\r\n"),
      ...ask(/^QUIT$/, "+OK Microsoft Exchange Server POP3 server signing off.\r\n"),
    ]);
    const client = await talk.connect();
    expect(client.greeting).toMatch(/^The Microsoft Exchange POP3 service is ready/);
    expect(client.capabilities.sasl).toEqual(["PLAIN", "XOAUTH2"]);
    expect(client.capabilities.pipelining).toBe(false);
    await client.authenticate(user, canary);
    expect(talk.server.received.at(-1)).toBe(blob);
    expect(await client.stat()).toEqual({ messages: 2, octets: 320 });
    expect(await client.uidl()).toEqual([
      { number: 1, uidl: "10021" },
      { number: 2, uidl: "10022" },
    ]);
    expect(await client.uidl(2)).toEqual({ number: 2, uidl: "10022" });
    expect(await client.list()).toEqual([
      { number: 1, octets: 120 },
      { number: 2, octets: 200 },
    ]);
    expect(await client.list(1)).toEqual({ number: 1, octets: 120 });
    expect((await (await client.top(1, 0)).bytes()).toString()).toBe("Subject: a\r\n\r\n");
    expect((await (await client.retr(2)).bytes()).toString()).toBe("Subject: b\r\n\r\n.dots\r\n..\r\n");
    await client.noop();
    await client.rset();
    await client.quit();
    await talk.server.finished();
    expect(client.ended?.kind).toBe("closed");
  });

  test("commands are pipelined where the server offers it, and a refused message lets the others through", async () => {
    await using talk = await converse([
      greeting,
      ...pipeliningCapa,
      { expect: /^RETR 1$/ },
      { expect: /^RETR 2$/ },
      { expect: /^RETR 3$/ },
      { send: "+OK\r\none\r\n.\r\n-ERR Message corrupted\r\n+OK\r\nthree\r\n.\r\n" },
      ...ask(/^NOOP$/, "+OK\r\n"),
      stall,
    ]);
    const client = await talk.connect();
    const seen: unknown[] = [];
    for await (const { number, bytes, refusal } of oneByOne(client.retrWhole([1, 2, 3]))) {
      seen.push([number, bytes === undefined ? refusal.message : bytes.toString()]);
    }
    expect(seen).toEqual([
      [1, "one\r\n"],
      [2, "The server refused RETR 2: Message corrupted"],
      [3, "three\r\n"],
    ]);
    await client.noop();
  });

  test("without PIPELINING one command waits for the other", async () => {
    await using talk = await converse([
      ...login,
      { expect: /^RETR 1$/ },
      { silentMs: 50 },
      { send: "+OK\r\none\r\n.\r\n" },
      ...ask(/^RETR 2$/, "+OK\r\ntwo\r\n.\r\n"),
      stall,
    ]);
    const client = await talk.login();
    const seen: string[] = [];
    for await (const { bytes } of oneByOne(client.retrWhole([1, 2]))) seen.push(bytes?.toString() ?? "");
    expect(seen).toEqual(["one\r\n", "two\r\n"]);
  });

  test("a server that does not know CAPA offers nothing, and is logged in to all the same", async () => {
    await using talk = await converse([
      greeting,
      ...ask(/^CAPA$/, "-ERR Protocol error. 19\r\n"),
      ...ask(/^AUTH XOAUTH2$/, "+\r\n"),
      ...ask(/^[\w+/]+=*$/, "+OK\r\n"),
      stall,
    ]);
    const client = await talk.login();
    expect(client.capabilities.has("UIDL")).toBe(false);
  });

  test("a second command while one runs is the caller's mistake and disturbs nothing", async () => {
    await using talk = await converse([...login, ...ask(/^STAT$/, "+OK 0 0\r\n"), stall]);
    const client = await talk.login();
    const stat = client.stat();
    expect(await errorOf(client.noop())).toMatchObject({ kind: "usage", problem: "busy", isOver: false });
    expect(await stat).toEqual({ messages: 0, octets: 0 });
  });
});
