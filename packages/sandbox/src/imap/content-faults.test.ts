import { simpleParser } from "mailparser";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TestBench, support } from "../sandbox.fixture.ts";
import { rerender } from "../mail/rerendered-message.ts";

let bench: TestBench;
let uid: number;

const raw = [
  "From: Ann Example <ann@contoso.example>",
  "To: a-long-address-number-one@contoso.example, a-long-address-number-two@contoso.example,",
  "\ta-long-address-number-three@contoso.example",
  "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and a subject that is longer than one line of a header should be, in any rendering",
  "Message-ID: <content@contoso.example>",
  'Content-Type: multipart/mixed; boundary="_000_outer_boundary_"',
  "",
  "--_000_outer_boundary_",
  'Content-Type: multipart/alternative; boundary="_000_outer_boundary_inner"',
  "",
  "--_000_outer_boundary_inner",
  "Content-Type: text/plain",
  "",
  "text of the message",
  "--_000_outer_boundary_inner--",
  "",
  "--_000_outer_boundary_",
  "Content-Type: application/octet-stream",
  "Content-Disposition: attachment; filename=a.bin",
  "",
  "attached",
  "--_000_outer_boundary_--",
  "",
].join("\r\n");

beforeAll(async () => {
  bench = await TestBench.start();
});

beforeEach(() => {
  uid = bench.sandbox.deliver(support, "INBOX", Buffer.from(raw));
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add({ mailbox: support, folder: "INBOX", ...fault });

async function inInbox() {
  const connection = await bench.loggedIn();
  await connection.ask("s EXAMINE INBOX");
  return connection;
}

async function fetched(): Promise<string> {
  const connection = await inInbox();
  const lines = await connection.ask(`a UID FETCH ${String(uid)} (BODY.PEEK[])`);
  return lines.slice(1, -2).join("\r\n");
}

describe("a message", () => {
  test("is a placeholder, is not there, or makes the answer a NO, while its row is as ever", async () => {
    const connection = await inInbox();
    const fetch = (items: string) => connection.ask(`a UID FETCH ${String(uid)} (${items})`);
    order({ name: "placeholder", uid, times: 1 });
    expect((await fetch("BODY.PEEK[]")).join("\n")).toContain("Retrieval using the IMAP4 protocol failed for the following message:");
    expect((await fetch("BODY.PEEK[]")).join("\n")).toContain("text of the message");
    order({ name: "no-data", uid });
    expect((await fetch("FLAGS")).length).toBe(2);
    expect(await fetch("BODY.PEEK[]")).toEqual(["a OK FETCH completed."]);
    bench.sandbox.faults.clear();
    order({ name: "partial-no", uid });
    expect(await fetch("BODY.PEEK[]")).toEqual(["a NO Some of the requested messages no longer exist."]);
    bench.sandbox.faults.clear();
    order({ name: "padded", uid, params: { bytes: 5_000, announced: 7 } });
    expect((await fetch("RFC822.SIZE BODY.PEEK[]"))[0]).toMatch(/RFC822\.SIZE 7 BODY\[\] \{5000\}$/);
  });

  test("has a size that is not its own", async () => {
    const connection = await inInbox();
    const size = async (): Promise<number> =>
      Number(/SIZE ([0-9]+)/.exec((await connection.ask(`a UID FETCH ${String(uid)} (RFC822.SIZE)`))[0] ?? "")?.[1]);
    const before = await size();
    order({ name: "size-factor", params: { factor: 3 } });
    expect(await size()).toBe(before * 3);
  });

  test("has other bytes in each connection, the same within one, and always the same meaning", async () => {
    order({ name: "rerendered" });
    const [first, second] = [await fetched(), await fetched()];
    expect(first).not.toBe(second);
    expect(first).not.toContain("_000_outer_boundary_");
    const connection = await inInbox();
    const twice = [
      await connection.ask(`a UID FETCH ${String(uid)} (BODY.PEEK[])`),
      await connection.ask(`a UID FETCH ${String(uid)} (BODY.PEEK[])`),
    ];
    expect(twice[0]).toEqual(twice[1]);
    const meaning = async (text: string) => {
      const { subject, to, messageId, text: body, attachments } = await simpleParser(text);
      return { subject, to, messageId, body, attachments: attachments.map(({ filename, content }) => [filename, content.toString()]) };
    };
    expect(await meaning(first)).toEqual(await meaning(raw));
    expect(await meaning(second)).toEqual(await meaning(raw));
  });

  test("of the invented world means the same in any rendering", async () => {
    const entries = [...bench.sandbox.truth()].filter((entry) => entry.isMail).slice(0, 40);
    for (const [number, entry] of entries.entries()) {
      const bytes = bench.sandbox.bytes(entry.address, entry.folder, entry.uid);
      const [before, after] = await Promise.all([simpleParser(bytes), simpleParser(rerender(bytes, number))]);
      const meaning = (mail: typeof before) => ({
        ...mail,
        headerLines: undefined,
        headers: undefined,
        attachments: mail.attachments.map(({ filename, checksum }) => [filename, checksum]),
      });
      expect(meaning(after)).toEqual(meaning(before));
    }
  });

  test("comes with lines of flags that nobody asked for, and with its attributes in any order", async () => {
    const connection = await inInbox();
    order({ name: "flags-inside" });
    const lines = await connection.ask(`a UID FETCH ${String(uid)} (UID BODY.PEEK[TEXT])`);
    expect(lines[0]).toMatch(/^\* [0-9]+ FETCH \(FLAGS \(\)\)$/);
    order({ name: "attributes-shuffled" });
    const rows = await connection.ask("b UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)");
    const orders = new Set(rows.filter((row) => row.includes("SIZE")).map((row) => row.replaceAll(/[^A-Z]+[0-9(" ][^A-Z]*/g, " ")));
    expect(orders.size).toBeGreaterThan(3);
    expect(rows.at(-1)).toBe("b OK FETCH completed.");
  });
});
