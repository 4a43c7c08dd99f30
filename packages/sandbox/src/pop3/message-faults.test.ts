import { simpleParser } from "mailparser";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TestBench, support } from "../sandbox.fixture.ts";
import { loggedIn } from "./pop3.fixture.ts";

let bench: TestBench;
let uid: number;
let number: string;

const text = [
  "From: Ann Example <ann@contoso.example>",
  "Subject: a subject that is longer than one line of a header should be, in any rendering, however it is rendered",
  'Content-Type: multipart/mixed; boundary="_000_outer_boundary_"',
  "",
  "--_000_outer_boundary_",
  "Content-Type: text/plain",
  "",
  ".text of the message",
  "--_000_outer_boundary_--",
  "",
].join("\r\n");

beforeAll(async () => {
  bench = await TestBench.start();
});

beforeEach(() => {
  uid = bench.sandbox.deliver(support, "INBOX", Buffer.from(text));
  number = String(uidsOf().length);
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add({ mailbox: support, ...fault });

function uidsOf(): number[] {
  return [...bench.sandbox.truth()].flatMap((entry) => (entry.address === support && entry.folder === "INBOX" ? entry.uid : []));
}

describe("a message", () => {
  test("is a placeholder", async () => {
    order({ name: "placeholder", uid });
    const raw = await loggedIn(bench);
    const sent = (await raw.message(`RETR ${number}`)).toString();
    expect(sent).toContain("Retrieval using the POP3 protocol failed for the following message:");
    expect(sent).not.toContain("text of the message");
  });

  test("is as long as is wanted, with a size of its own in the list", async () => {
    // Lines of the padding have 78 bytes with their end; a length within one gets the end that RETR gives to every last line.
    for (const [bytes, sent] of [
      [text.length + 78, text.length + 78],
      [text.length + 77, text.length + 79],
      [text.length + 78 * 20_000, text.length + 78 * 20_000],
      [1, text.length],
    ] as const) {
      bench.sandbox.faults.clear();
      order({ name: "padded", uid, params: { bytes, announced: 7 } });
      const raw = await loggedIn(bench);
      expect(await raw.ask(`LIST ${number}`)).toBe(`+OK ${number} 7`);
      const message = await raw.message(`RETR ${number}`);
      expect(message.subarray(0, text.length).toString()).toBe(text);
      expect(message.length).toBe(sent);
    }
  });

  test("is there and cannot be had", async () => {
    const raw = await loggedIn(bench);
    order({ name: "message-corrupted", uid });
    for (let n = 0; n < 4; n++) expect(await raw.ask(`RETR ${number}`)).toBe("-ERR Message corrupted");
    expect(await raw.ask(`TOP ${number} 0`)).toBe("-ERR Message corrupted");
    expect(await raw.ask(`UIDL ${number}`)).toBe(`+OK ${number} ${String(uid)}`);
  });

  test("is hidden: in no list, in no count, while IMAP has it", async () => {
    order({ name: "message-hidden", uid });
    const raw = await loggedIn(bench);
    const uids = uidsOf();
    expect(await raw.ask("STAT")).toMatch(new RegExp(`^\\+OK ${String(uids.length - 1)} `));
    expect((await raw.lines("UIDL"))?.map((line) => Number(line.split(" ")[1]))).toEqual(uids.slice(0, -1));
    expect((await raw.lines("LIST"))?.length).toBe(uids.length - 1);
    expect(await raw.ask(`RETR ${number}`)).toBe("-ERR Protocol error. 14");
    expect((await (await bench.loggedIn()).ask("a EXAMINE INBOX"))[0]).toBe(`* ${String(uids.length)} EXISTS`);
  });

  test("has other bytes in each connection, and always the same meaning", async () => {
    order({ name: "rerendered" });
    const sent: Buffer[] = [];
    for (let n = 0; n < 2; n++) sent.push(await (await loggedIn(bench)).message(`RETR ${number}`));
    expect(sent[0]?.equals(sent[1] ?? Buffer.alloc(0))).toBe(false);
    for (const one of sent) {
      const { subject, text: body } = await simpleParser(one);
      expect([subject, body?.trim()]).toEqual([(await simpleParser(text)).subject, ".text of the message"]);
    }
  });

  test("has a size in the list that is not its own", async () => {
    const sizeOf = async (): Promise<number> => Number((await (await loggedIn(bench)).ask(`LIST ${number}`))?.split(" ")[2]);
    const before = await sizeOf();
    order({ name: "size-factor", params: { factor: 3 } });
    expect(await sizeOf()).toBe(before * 3);
  });
});

describe("the end of a message", () => {
  test("is torn over two TLS records at each place, and the message is the same", async () => {
    for (let at = 0; at <= 4; at++) {
      bench.sandbox.faults.clear();
      order({ name: "terminator-split", params: { at } });
      const raw = await loggedIn(bench);
      const before = raw.records.length;
      expect((await raw.message(`RETR ${number}`)).toString()).toBe(text);
      const records = raw.records.slice(before);
      expect(records.at(-1)).toBe("\r\n.\r\n".slice(at));
      expect(records.slice(0, -1).join("")).toMatch(new RegExp(`boundary_--${"\r\n.\r\n".slice(0, at)}$`));
      await raw.lines("UIDL");
      expect(raw.records.at(-1)).toBe("\r\n.\r\n".slice(at));
    }
  });

  test("never comes", async () => {
    order({ name: "terminator-missing", uid });
    const raw = await loggedIn(bench);
    raw.send(`RETR ${number}`);
    for (let n = 0; n < text.split("\r\n").length; n++) await raw.line();
    expect(await raw.lineWithin(100)).toBeUndefined();
  });
});

test("TOP is refused although CAPA offers it", async () => {
  order({ name: "top-refused" });
  const raw = await loggedIn(bench);
  expect(await raw.lines("CAPA")).toContain("TOP");
  expect(await raw.ask(`TOP ${number} 0`)).toBe("-ERR Protocol error. 19");
});

test("a status line is longer than anybody reads", async () => {
  order({ name: "status-line-huge" });
  const raw = await loggedIn(bench);
  const line = await raw.ask("STAT");
  expect(line?.length).toBe(10_000_000 + "+OK ".length);
});
