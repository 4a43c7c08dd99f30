import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestBench, support, xoauth2 } from "../sandbox.fixture.ts";
import { greeted, loggedIn, login, RawPop3 } from "./pop3.fixture.ts";

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.start();
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const other = "sales@contoso.example";
const capabilities = ["TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER"];

function inboxOf(address: string) {
  return [...bench.sandbox.truth()].filter((entry) => entry.address === address && entry.folder === "INBOX");
}

describe("before a login", () => {
  test("greets and shows its capabilities as Exchange does, before the login and behind it", async () => {
    const raw = new RawPop3(bench);
    expect(await raw.line()).toMatch(/^\+OK The Microsoft Exchange POP3 service is ready\. \[[A-Za-z0-9+/=]+\]$/);
    expect(await raw.lines("CAPA")).toEqual(capabilities);
    expect(await (await loggedIn(bench)).lines("CAPA")).toEqual(capabilities);
  });

  test("takes XOAUTH2 in two lines", async () => {
    const raw = await greeted(bench);
    expect(await raw.ask("AUTH XOAUTH2")).toBe("+ ");
    expect(await raw.ask(xoauth2(support, await bench.token("contoso")))).toBe("+OK User successfully authenticated.");
    expect(await raw.ask("AUTH XOAUTH2")).toBe("-ERR Command is not valid in this state.");
  });

  test("takes XOAUTH2 with its answer on the same line for a line too long, and closes", async () => {
    const raw = await greeted(bench);
    raw.send(`AUTH XOAUTH2 ${Buffer.from("user=a").toString("base64")}`);
    expect(await raw.rest()).toBe("-ERR Protocol error. Connection is closed. 10\r\n");
  });

  test("closes where a line is longer than 512 bytes, whether its end came or not", async () => {
    for (const tail of ["\r\n", ""]) {
      const raw = await greeted(bench);
      raw.write(`NOOP ${"x".repeat(600)}${tail}`);
      expect(await raw.rest()).toBe("-ERR Protocol error. Connection is closed. 10\r\n");
    }
    const raw = await greeted(bench);
    expect(await raw.ask("x".repeat(510))).toBe("-ERR Protocol error. 19");
  });

  test("refuses a token that is none, that is another tenant's, and one without the role, in the same words", async () => {
    const refused = "-ERR Authentication failure: unknown user name or bad password.";
    bench.sandbox.faults.add({ name: "token-role", tenant: "fabrikam", params: { protocol: "imap" } });
    const fabrikam = bench.tenant("fabrikam").addresses[0] ?? "";
    const blobs = [
      xoauth2(support, "no.token.at-all"),
      xoauth2(fabrikam, await bench.token("contoso")),
      xoauth2(fabrikam, await bench.token("fabrikam")),
      "%%%",
    ];
    for (const blob of blobs) {
      const raw = await greeted(bench);
      await raw.ask("AUTH XOAUTH2");
      expect(await raw.ask(blob)).toBe(refused);
    }
  });

  test("refuses passwords with USER and PASS and with PLAIN", async () => {
    const refused = "-ERR Logon failure: unknown user name or bad password.";
    const raw = await greeted(bench);
    expect(await raw.ask(`USER ${support}`)).toBe("+OK");
    expect(await raw.ask("PASS secret")).toBe(refused);
    expect(await raw.ask("AUTH PLAIN")).toBe("+ ");
    expect(await raw.ask(Buffer.from(`\0${support}\0secret`).toString("base64"))).toBe(refused);
    raw.send("PASS secret");
    expect(await raw.rest()).toBe("-ERR Command is not valid in this state.\r\nConnection is closed. 21\r\n");
  });

  test("says with STAT that the mailbox is not open to the application, and closes after the third time", async () => {
    bench.sandbox.faults.add({ name: "auth-not-connected", mailbox: support });
    const { raw, answer } = await login(bench);
    expect(answer).toBe("+OK User successfully authenticated.");
    expect(await raw.lines("CAPA")).toEqual(capabilities);
    const line = "-ERR User is authenticated but not connected.";
    expect([await raw.ask("STAT"), await raw.ask("NOOP")]).toEqual([line, line]);
    raw.send("STAT");
    expect(await raw.rest()).toBe(`${line}\r\nConnection is closed. 21\r\n`);
    const unknown = await login(bench, "nobody@contoso.example");
    expect(await unknown.raw.ask("STAT")).toBe(line);
  });
});

describe("a session", () => {
  test("lists INBOX from the oldest on: numbers, sizes of the store, and UIDs as UIDLs", async () => {
    const entries = inboxOf(support);
    const raw = await loggedIn(bench);
    const imap = await bench.loggedIn();
    await imap.ask("s EXAMINE INBOX");
    const rows = (await imap.ask("f FETCH 1:* (RFC822.SIZE)")).slice(0, -1);
    const sizes = rows.map((row) => Number(/SIZE ([0-9]+)/.exec(row)?.[1]));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(await raw.ask("STAT")).toBe(`+OK ${String(entries.length)} ${String(total)}`);
    expect(await raw.lines("UIDL")).toEqual(entries.map(({ uid }, at) => `${String(at + 1)} ${String(uid)}`));
    expect(await raw.lines("LIST")).toEqual(sizes.map((size, at) => `${String(at + 1)} ${String(size)}`));
    expect(await raw.ask("UIDL 2")).toBe(`+OK 2 ${String(entries[1]?.uid)}`);
    expect(await raw.ask("LIST 2")).toBe(`+OK 2 ${String(sizes[1])}`);
    expect(await raw.ask("NOOP")).toBe("+OK");
    expect(await raw.ask("RSET")).toBe("+OK");
  });

  test("brings every message with the bytes that IMAP has", async () => {
    const raw = await loggedIn(bench);
    for (const [at, { uid }] of inboxOf(support).entries()) {
      const message = await raw.message(`RETR ${String(at + 1)}`);
      expect(message.equals(bench.sandbox.pop3Bytes(support, uid))).toBe(true);
      expect(bench.sandbox.bytes(support, "INBOX", uid).equals(message)).toBe(true);
    }
  });

  test.each([
    ["a dot at the start", ".Subject: s\r\n\r\n.\r\n..\r\n.a\r\n", ".Subject: s\r\n\r\n.\r\n..\r\n.a\r\n"],
    ["nothing at all", "", "\r\n"],
    ["no end of its last line", "Subject: s\r\n\r\na", "Subject: s\r\n\r\na\r\n"],
    ["a last line of a dot without an end", "Subject: s\r\n\r\n.", "Subject: s\r\n\r\n.\r\n"],
    ["a CR at its end", "Subject: s\r\n\r\na\r", "Subject: s\r\n\r\na\r\r\n"],
    ["bare line feeds before dots", "Subject: s\r\n\r\na\n.b\r.c\r\n", "Subject: s\r\n\r\na\n.b\r.c\r\n"],
    ["NUL and bytes beyond ASCII", "Subject: s\r\n\r\n\0\xe9\xff\r\n", "Subject: s\r\n\r\n\0\xe9\xff\r\n"],
  ])("brings a message that has %s", async (_, stored, brought) => {
    const uid = bench.sandbox.deliver(other, "INBOX", Buffer.from(stored, "latin1"));
    const raw = await loggedIn(bench, other);
    const last = (await raw.lines("UIDL"))?.length ?? 0;
    expect((await raw.message(`RETR ${String(last)}`)).toString("latin1")).toBe(brought);
    expect(bench.sandbox.pop3Bytes(other, uid).toString("latin1")).toBe(brought);
  });

  test("TOP brings the header and as many lines as were asked for", async () => {
    bench.sandbox.deliver(other, "INBOX", Buffer.from("Subject: s\r\nTo: t\r\n\r\none\r\n.two\r\nthree\r\n"));
    const raw = await loggedIn(bench, other);
    const last = String((await raw.lines("UIDL"))?.length ?? 0);
    expect(await raw.lines(`TOP ${last} 0`)).toEqual(["Subject: s", "To: t", ""]);
    expect(await raw.lines(`TOP ${last} 2`)).toEqual(["Subject: s", "To: t", "", "one", "..two"]);
    expect((await raw.lines(`TOP ${last} 99`))?.length).toBe(6);
  });

  test("keeps the list that it has; others beside it have their own", async () => {
    const first = await loggedIn(bench);
    const before = await first.lines("UIDL");
    const uid = bench.sandbox.deliver(support, "INBOX", Buffer.from("Subject: new\r\n\r\nnew\r\n"));
    const second = await loggedIn(bench);
    expect(await second.lines("UIDL")).toEqual([...(before ?? []), `${String((before?.length ?? 0) + 1)} ${String(uid)}`]);
    bench.sandbox.expunge(support, "INBOX", [uid]);
    expect(await first.lines("UIDL")).toEqual(before);
    expect(await second.ask(`RETR ${String((before?.length ?? 0) + 1)}`)).toBe("-ERR Message corrupted");
  });

  test("marks as read with QUIT what was brought, and not where the connection is dropped", async () => {
    const uid = bench.sandbox.deliver(support, "INBOX", Buffer.from("Subject: unread\r\n\r\nunread\r\n"));
    const flags = () =>
      inboxOf(support)
        .find((entry) => entry.uid === uid)
        ?.flags();
    const number = String(inboxOf(support).length);
    const dropped = await loggedIn(bench);
    await dropped.message(`RETR ${number}`);
    dropped.close();
    await dropped.ended;
    const looked = await loggedIn(bench);
    await looked.message(`TOP ${number} 0`);
    expect(await looked.ask("QUIT")).toBe("+OK Microsoft Exchange Server POP3 server signing off.");
    expect(flags()).toEqual([]);
    const read = await loggedIn(bench);
    await read.message(`RETR ${number}`);
    await read.ask("QUIT");
    expect(await read.ended).toBe("end");
    expect(flags()).toEqual(["\\Seen"]);
  });

  test("deletes with QUIT what DELE named, and counts that it was asked to", async () => {
    const uids = ["a", "b"].map((text) => bench.sandbox.deliver(other, "INBOX", Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`)));
    const there = () => inboxOf(other).map((entry) => entry.uid);
    const last = there().length;
    const before = bench.sandbox.counters.pop3Commands.get("DELE") ?? 0;
    const raw = await loggedIn(bench, other);
    expect(await raw.ask(`DELE ${String(last)}`)).toBe("+OK");
    expect(await raw.ask(`RETR ${String(last)}`)).toBe("-ERR Protocol error. 14");
    expect(await raw.ask("RSET")).toBe("+OK");
    expect(await raw.ask(`DELE ${String(last - 1)}`)).toBe("+OK");
    expect(await raw.ask("STAT")).toMatch(new RegExp(`^\\+OK ${String(last - 1)} `));
    expect(there()).toEqual(expect.arrayContaining(uids));
    await raw.ask("QUIT");
    expect(there()).toContain(uids[1]);
    expect(there()).not.toContain(uids[0]);
    expect(bench.sandbox.counters.pop3Commands.get("DELE")).toBe(before + 2);
  });

  test("answers each kind of mistake in its own words", async () => {
    for (const [command, answer] of [
      ["RETR 99999", "14"],
      ["RETR one", "14"],
      ["UIDL 0", "14"],
      ["AUTH CRAM-MD5", "14"],
      ["RETR", "16"],
      ["TOP 1", "16"],
      ["STAT 1", "16"],
      ["NO\xd6P", "17"],
      ["XTND", "19"],
      ["", "19"],
    ]) {
      const raw = command?.startsWith("AUTH") ? await greeted(bench) : await loggedIn(bench);
      expect(await raw.ask(command ?? ""), command).toBe(`-ERR Protocol error. ${answer ?? ""}`);
    }
    expect(await (await greeted(bench)).ask("STAT")).toBe("-ERR Command is not valid in this state.");
  });

  test("ends with the token, and where the folder was restored under it", async () => {
    bench.sandbox.faults.add({ name: "stale-session", mailbox: support });
    const stale = await loggedIn(bench);
    stale.send("STAT");
    expect(await stale.rest()).toBe("-ERR Session invalidated - AccessTokenExpired\r\n");
    bench.sandbox.faults.clear();
    const raw = await loggedIn(bench, other);
    await raw.ask("STAT");
    bench.sandbox.resetUidValidity(other, "INBOX");
    raw.send("STAT");
    expect(await raw.rest()).toBe("-ERR Server Unavailable. 21\r\n-ERR Connection is closed. 22\r\n");
  });

  test("is answered in order where commands come before their answers", async () => {
    const raw = await greeted(bench);
    raw.write(`AUTH XOAUTH2\r\n${xoauth2(support, await bench.token("contoso"))}\r\nNOOP\r\nUIDL 1\r\nQUIT\r\n`);
    const lines = (await raw.rest()).split("\r\n");
    expect(lines).toEqual([
      "+ ",
      "+OK User successfully authenticated.",
      "+OK",
      `+OK 1 ${String(inboxOf(support)[0]?.uid)}`,
      "+OK Microsoft Exchange Server POP3 server signing off.",
      "",
    ]);
  });

  test("has the line that ends a message in two TLS records now and then, at any place", async () => {
    const raw = await loggedIn(bench);
    const count = (await raw.lines("UIDL"))?.length ?? 0;
    for (let number = 1; number <= count; number++) await raw.message(`RETR ${String(number)}`);
    const torn = raw.records.filter((record) => "\r\n.\r\n".endsWith(record) || /^\n?\.?\r?\n$/.test(record));
    expect(torn.length).toBeGreaterThan(3);
    expect(torn.length).toBeLessThan(count);
  });
});
