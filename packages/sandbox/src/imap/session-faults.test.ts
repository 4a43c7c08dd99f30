import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TestBench, support } from "../sandbox.fixture.ts";

let bench: TestBench;
let uid: number;

beforeAll(async () => {
  bench = await TestBench.start();
});

beforeEach(() => {
  uid = bench.sandbox.deliver(support, "INBOX", Buffer.from(`Subject: s\r\n\r\n${"0123456789".repeat(20)}\r\n`));
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add({ mailbox: support, ...fault });
const expired = "* BYE Session invalidated - AccessTokenExpired";
const fetchOf = (tag: string): string => `${tag} UID FETCH ${String(uid)} (BODY.PEEK[])`;

async function inInbox() {
  const raw = await bench.loggedIn();
  await raw.ask("s SELECT INBOX");
  return raw;
}

describe("token-expiry", () => {
  test("ends an IDLE at once, also one that began before the order, and with any reason", async () => {
    for (const reason of ["AccessTokenExpired", "AccountDisabled"]) {
      const raw = await inInbox();
      raw.send("a IDLE");
      await raw.line();
      order({ name: "token-expiry", params: { at: "idle", reason } });
      expect(await raw.rest()).toEqual([`* BYE Session invalidated - ${reason}`]);
      bench.sandbox.faults.clear();
    }
  });

  test("comes in place of a command's answer, also of one command alone", async () => {
    const raw = await inInbox();
    order({ name: "token-expiry", params: { at: "between", verb: "FETCH" } });
    expect((await raw.ask("a NOOP")).at(-1)).toBe("a OK NOOP completed.");
    raw.send(fetchOf("b"));
    expect(await raw.rest()).toEqual([expired]);
  });

  test("stands among the announced bytes of a literal", async () => {
    const raw = await inInbox();
    order({ name: "token-expiry", folder: "INBOX", uid, params: { at: "literal", bytes: 24 } });
    raw.send(fetchOf("a"));
    const lines = await raw.rest();
    expect(lines[0]).toMatch(/BODY\[\] \{216\}$/);
    expect(lines.slice(1)).toEqual(["Subject: s", "", `0123456789${expired}`]);
  });

  test("may leave the connection open, and then nothing is in place any more", async () => {
    const raw = await inInbox();
    order({ name: "token-expiry", params: { lingers: true }, times: 1 });
    raw.send("a NOOP");
    expect(await raw.line()).toBe(expired);
    expect(await raw.ask("b FETCH 1 (FLAGS)")).toEqual(["b BAD Command received in Invalid state."]);
  });

  test("session-invalidated ends it for another reason, in IDLE or with the next command", async () => {
    const idling = await inInbox();
    idling.send("a IDLE");
    await idling.line();
    const other = await inInbox();
    order({ name: "session-invalidated" });
    other.send("a NOOP");
    for (const raw of [idling, other]) expect(await raw.rest()).toEqual(["* BYE Session invalidated - AccountDisabled"]);
  });

  test("stale-session ends a session right after its login", async () => {
    order({ name: "stale-session" });
    const raw = await bench.loggedIn();
    raw.send("a NAMESPACE");
    expect(await raw.rest()).toEqual([expired]);
  });
});

describe("the end of a session", () => {
  test("comes when nothing was said for too long", async () => {
    order({ name: "idle-timeout", params: { ms: 700 } });
    const raw = await inInbox();
    raw.send("a IDLE");
    await raw.line();
    expect(await raw.rest()).toEqual(["* BYE Connection is closed. 13"]);
  });

  test("comes after so many bytes of a message, as a reset or as an end without words", async () => {
    for (const [reset, ended] of [
      [true, "ECONNRESET"],
      [false, "end"],
    ] as const) {
      const raw = await inInbox();
      order({ name: "reset", uid, params: { where: "literal", bytes: 20, reset } });
      raw.send(fetchOf("a"));
      const lines = await raw.rest();
      // A reset takes what was not read with it.
      if (!reset) expect(lines.slice(1).join("\r\n")).toBe("Subject: s\r\n\r\n012345");
      expect(lines.join("\r\n")).not.toContain("0123456");
      expect(await raw.ended).toBe(ended);
      bench.sandbox.faults.clear();
    }
  });

  test("comes after so many bytes since the login or the greeting", async () => {
    order({ name: "reset", params: { where: "session", bytes: 60 } });
    const raw = await bench.loggedIn();
    raw.send('a LIST "" "*"');
    expect((await raw.rest()).join("\r\n").length).toBe(60 - "L OK AUTHENTICATE completed.\r\n".length);
    bench.sandbox.faults.clear();
    bench.sandbox.faults.add({ name: "reset", params: { where: "connection", bytes: 10 } });
    expect(await bench.raw().rest()).toEqual(["* OK The M"]);
  });
});

describe("server-unavailable", () => {
  test("refuses a command, and the third one closes the session", async () => {
    const raw = await inInbox();
    order({ name: "server-unavailable" });
    for (const tag of ["a", "b", "c"]) expect(await raw.ask(`${tag} NOOP`)).toEqual([`${tag} NO Server Unavailable. 15`]);
    expect(await raw.rest()).toEqual(["* BYE Connection closed. 14"]);
  });

  test("strikes as often as ordered, as a bare line, and with the BYE of a failover", async () => {
    const raw = await inInbox();
    order({ name: "server-unavailable", times: 1, params: { form: "untagged" } });
    raw.send("a NOOP");
    expect(await raw.line()).toBe("Server Unavailable. 15");
    expect((await raw.ask("b NOOP")).at(-1)).toBe("b OK NOOP completed.");
    order({ name: "server-unavailable", params: { form: "bye", verb: "UID FETCH" } });
    raw.send(fetchOf("c"));
    expect(await raw.rest()).toEqual(["c NO Server Unavailable. 15", "* BYE Connection closed."]);
  });

  test("comes with one poisonous message", async () => {
    const raw = await inInbox();
    order({ name: "server-unavailable", folder: "INBOX", uid });
    expect(await raw.ask(fetchOf("a"))).toEqual(["a NO Server Unavailable. 15"]);
    expect((await raw.ask(`b UID FETCH ${String(uid)} (FLAGS)`)).at(-1)).toBe("b OK FETCH completed.");
    expect((await raw.ask("c UID FETCH 1:* (UID)")).at(-1)).toBe("c OK FETCH completed.");
  });
});

describe("a server that is slow or falls silent", () => {
  test("says nothing more to a command, or in the middle of a message", async () => {
    const raw = await inInbox();
    order({ name: "silence", params: { verb: "FETCH" } });
    expect((await raw.ask("a NOOP")).at(-1)).toBe("a OK NOOP completed.");
    raw.send(fetchOf("b"));
    expect(await raw.lineWithin(100)).toBeUndefined();
    bench.sandbox.faults.clear();
    const next = await inInbox();
    order({ name: "silence", uid, params: { where: "literal", bytes: 14 } });
    next.send(fetchOf("a"));
    expect(await next.line()).toMatch(/\{216\}$/);
    expect([await next.line(), await next.line()]).toEqual(["Subject: s", ""]);
    next.send("b NOOP");
    expect(await next.lineWithin(100)).toBeUndefined();
  });

  test("lets bytes drip, and loses none of them", async () => {
    order({ name: "drip", params: { bytes: 50, everyMs: 5 } });
    const raw = await inInbox();
    const from = performance.now();
    const lines = await raw.ask(fetchOf("a"));
    expect(lines.join("\r\n")).toContain("0123456789".repeat(20));
    expect(lines.at(-1)).toBe("a OK FETCH completed.");
    expect(performance.now() - from).toBeGreaterThan(20);
    expect(await raw.ask("b LOGOUT")).toEqual(["* BYE Microsoft Exchange Server IMAP4 server signing off.", "b OK LOGOUT completed."]);
  });

  test("answers late", async () => {
    const raw = await inInbox();
    order({ name: "slow", params: { ms: 80, verb: "NOOP" } });
    order({ name: "search-slow", params: { ms: 80 } });
    for (const command of ["NOOP", "UID SEARCH ALL"]) {
      const from = performance.now();
      expect((await raw.ask(`a ${command}`)).at(-1)).toMatch(/^a OK /);
      expect(performance.now() - from).toBeGreaterThan(70);
    }
  });

  test("tells of changes late in IDLE", async () => {
    const raw = await inInbox();
    order({ name: "idle-late", params: { ms: 100 } });
    raw.send("a IDLE");
    await raw.line();
    const from = performance.now();
    bench.sandbox.deliver(support, "INBOX", Buffer.from("Subject: t\r\n\r\n"));
    expect(await raw.line()).toMatch(/EXISTS$/);
    expect(performance.now() - from).toBeGreaterThan(90);
  });
});

describe("a server that answers wrongly", () => {
  test("refuses a command of ours three times, and closes", async () => {
    const raw = await inInbox();
    order({ name: "command-refused", params: { verb: "UID SEARCH" } });
    for (const tag of ["a", "b", "c"]) expect(await raw.ask(`${tag} UID SEARCH ALL`)).toEqual([`${tag} BAD Command Argument Error. 12`]);
    expect(await raw.rest()).toEqual(["* BYE Connection closed. 14"]);
  });

  test("does not find INBOX, or another folder", async () => {
    const raw = await bench.loggedIn();
    order({ name: "select-missing" });
    expect(await raw.ask("a SELECT INBOX")).toEqual(["a NO INBOX doesn't exist."]);
    expect((await raw.ask("b EXAMINE Archive")).at(-1)).toBe("b OK [READ-ONLY] EXAMINE completed.");
    bench.sandbox.faults.clear();
    order({ name: "select-missing", folder: "archive" });
    expect(await raw.ask("c EXAMINE Archive")).toEqual(["c NO Archive doesn't exist."]);
    expect((await raw.ask("d SELECT INBOX")).at(-1)).toBe("d OK [READ-WRITE] SELECT completed.");
  });

  test("sends a STATUS without data, a LIST that cannot be read, and codes without OK", async () => {
    const raw = await bench.loggedIn();
    order({ name: "status-empty", folder: "Archive" });
    order({ name: "list-broken", folder: "Drafts" });
    order({ name: "list-broken", folder: "Notes", params: { form: "tab" } });
    order({ name: "bare-codes" });
    expect(await raw.ask("a STATUS Archive (MESSAGES)")).toEqual(["a OK STATUS completed."]);
    expect((await raw.ask("b STATUS INBOX (MESSAGES)")).length).toBe(2);
    const lines = await raw.ask('c LIST "" "*"');
    expect(lines).toContain('* LIST (\\HasNoChildren \\Drafts "/" Drafts');
    expect(lines).toContain('* LIST (\\HasNoChildren) "/" Notes\tstray"');
    expect(lines).toContain('* LIST (\\HasNoChildren) "/" Tasks');
    order({ name: "list-broken" });
    expect(await raw.ask('c LIST "" Tasks')).toContain('* LIST (\\HasNoChildren "/" Stray');
    const codes = (await raw.ask("d SELECT INBOX")).filter((line) => line.startsWith("* ["));
    expect(codes.map((line) => /^\* \[([A-Z]+)/.exec(line)?.[1])).toEqual(["PERMANENTFLAGS", "UNSEEN", "UIDVALIDITY", "UIDNEXT"]);
  });

  test("finds nothing, not the newest, or everything", async () => {
    const raw = await inInbox();
    const search = async (): Promise<number[]> => {
      const [line = ""] = await raw.ask(`a UID SEARCH UID ${String(uid)}`);
      return line.split(" ").slice(2).map(Number);
    };
    expect(await search()).toEqual([uid]);
    const all = [...bench.sandbox.truth()].filter((entry) => entry.address === support && entry.folder === "INBOX");
    for (const [form, found] of [
      ["empty", 0],
      ["lagging", 0],
      ["over-match", all.length],
    ] as const) {
      order({ name: "search-wrong", params: { form } });
      expect((await search()).length).toBe(found);
      bench.sandbox.faults.clear();
    }
  });

  test("does not say which messages a copy became", async () => {
    const raw = await inInbox();
    order({ name: "copyuid-empty" });
    expect((await raw.ask(`a UID COPY ${String(uid)} Archive`)).at(-1)).toMatch(/^a OK \[COPYUID [0-9]+ {2}\] COPY completed\.$/);
  });
});
