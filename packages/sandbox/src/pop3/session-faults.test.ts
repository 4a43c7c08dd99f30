import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TestBench, support } from "../sandbox.fixture.ts";
import { loggedIn, RawPop3 } from "./pop3.fixture.ts";

let bench: TestBench;
let uid: number;
/** Of the message that every test finds at the end of the list. */
let number: string;

beforeAll(async () => {
  bench = await TestBench.start();
});

beforeEach(() => {
  uid = bench.sandbox.deliver(support, "INBOX", Buffer.from(`Subject: s\r\n\r\n${"0123456789".repeat(20)}\r\n`));
  number = String([...bench.sandbox.truth()].filter((entry) => entry.address === support && entry.folder === "INBOX").length);
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add({ mailbox: support, ...fault });

describe("the end of a token", () => {
  test("comes in place of a command's answer, also of one command alone, and with any reason", async () => {
    const raw = await loggedIn(bench);
    order({ name: "token-expiry", params: { verb: "RETR" } });
    expect(await raw.ask("NOOP")).toBe("+OK");
    raw.send(`RETR ${number}`);
    expect(await raw.rest()).toBe("-ERR Session invalidated - AccessTokenExpired\r\n");
    bench.sandbox.faults.clear();
    const other = await loggedIn(bench);
    order({ name: "session-invalidated" });
    other.send("STAT");
    expect(await other.rest()).toBe("-ERR Session invalidated - AccountDisabled\r\n");
  });

  test("stands among the bytes of a message", async () => {
    const raw = await loggedIn(bench);
    order({ name: "token-expiry", folder: "INBOX", uid, params: { at: "literal", bytes: 24 } });
    raw.send(`RETR ${number}`);
    expect(await raw.rest()).toBe("+OK\r\nSubject: s\r\n\r\n0123456789-ERR Session invalidated - AccessTokenExpired\r\n");
  });

  test("may leave the connection open, and then nothing is in place any more", async () => {
    const raw = await loggedIn(bench);
    order({ name: "token-expiry", params: { lingers: true }, times: 1 });
    expect(await raw.ask("STAT")).toBe("-ERR Session invalidated - AccessTokenExpired");
    expect(await raw.ask("STAT")).toBe("-ERR Command is not valid in this state.");
  });

  test("comes right after the login where the token was stale", async () => {
    order({ name: "stale-session" });
    const raw = await loggedIn(bench);
    raw.send("STAT");
    expect(await raw.rest()).toBe("-ERR Session invalidated - AccessTokenExpired\r\n");
  });
});

describe("the end of a session", () => {
  test("comes when nothing was said for too long", async () => {
    order({ name: "idle-timeout", params: { ms: 700 } });
    expect(await (await loggedIn(bench)).rest()).toBe("-ERR Connection is closed. 12\r\n");
  });

  test("comes after so many bytes of a message, as a reset or as an end without words", async () => {
    for (const [reset, ended] of [
      [true, "ECONNRESET"],
      [false, "end"],
    ] as const) {
      const raw = await loggedIn(bench);
      order({ name: "reset", uid, params: { where: "literal", bytes: 20, reset } });
      raw.send(`RETR ${number}`);
      const text = await raw.rest();
      // A reset takes what was not read with it.
      if (!reset) expect(text).toBe("+OK\r\nSubject: s\r\n\r\n012345");
      expect(text).not.toContain("0123456");
      expect(await raw.ended).toBe(ended);
      bench.sandbox.faults.clear();
    }
  });

  test("comes after so many bytes since the login or the greeting", async () => {
    order({ name: "reset", params: { where: "session", bytes: 60 } });
    const raw = await loggedIn(bench);
    raw.send("UIDL");
    expect((await raw.rest()).length).toBe(60 - "+OK User successfully authenticated.\r\n".length);
    bench.sandbox.faults.clear();
    bench.sandbox.faults.add({ name: "reset", protocol: "pop3", params: { where: "connection", bytes: 10 } });
    expect(await new RawPop3(bench).rest()).toBe("+OK The Mi");
  });

  test("never comes where the server falls silent, in place of an answer or in a message", async () => {
    const raw = await loggedIn(bench);
    order({ name: "silence", params: { verb: "STAT" } });
    raw.send("STAT");
    expect(await raw.lineWithin(100)).toBeUndefined();
    bench.sandbox.faults.clear();
    const other = await loggedIn(bench);
    order({ name: "silence", uid, params: { where: "literal", bytes: 12 } });
    other.send(`RETR ${number}`);
    expect([await other.line(), await other.line(), await other.lineWithin(100)]).toEqual(["+OK", "Subject: s", undefined]);
  });

  test("is announced where the mailbox moves to another server", async () => {
    const down = "-ERR Server Unavailable. 21";
    const raw = await loggedIn(bench);
    order({ name: "server-unavailable", params: { form: "untagged", verb: "LIST" } });
    expect(await raw.ask("LIST")).toBe("Server Unavailable. 21");
    order({ name: "server-unavailable", uid, folder: "INBOX" });
    expect(await raw.ask(`RETR ${number}`)).toBe(down);
    expect(await raw.ask("STAT")).toMatch(/^\+OK /);
    order({ name: "server-unavailable", params: { form: "bye" } });
    raw.send("STAT");
    expect(await raw.rest()).toBe(`${down}\r\n-ERR Connection is closed. 22\r\n`);
  });

  test("comes with the third command that is refused", async () => {
    const raw = await loggedIn(bench);
    order({ name: "command-refused", params: { verb: "UIDL" } });
    expect([await raw.ask("UIDL"), await raw.ask("UIDL")]).toEqual(["-ERR Protocol error. 14", "-ERR Protocol error. 14"]);
    raw.send("UIDL");
    expect(await raw.rest()).toBe("-ERR Protocol error. 14\r\nConnection is closed. 21\r\n");
    bench.sandbox.faults.clear();
    const other = await loggedIn(bench);
    order({ name: "command-refused", params: { answer: "NO", text: "[SYS/TEMP] later" } });
    for (let n = 0; n < 4; n++) expect(await other.ask("STAT")).toBe("-ERR [SYS/TEMP] later");
  });
});

test("bytes come slowly", async () => {
  order({ name: "drip", params: { bytes: 30, everyMs: 20 } });
  const raw = await loggedIn(bench);
  const from = performance.now();
  expect((await raw.message(`RETR ${number}`)).equals(bench.sandbox.pop3Bytes(support, uid))).toBe(true);
  // 221 bytes by 30, and the first ones may come at once.
  expect(performance.now() - from).toBeGreaterThan(6 * 20);
});
