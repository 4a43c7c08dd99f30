import fc from "fast-check";
import { ImapFlow } from "imapflow";
import { describe, expect, test } from "vitest";
import { readFetchAnswer, type FetchAnswer } from "./fetch-answer.ts";
import { FetchRows } from "./fetch-rows.ts";
import { internalsOf, textOf } from "./imapflow-internals.ts";
import { LeanFetch } from "./lean-fetch.ts";

const mostLiteralBytes = 400_000;

/** What came of the bytes, in its order: rows, other answers, and what imapflow complained about. */
type Seen = readonly (readonly [what: string, of: unknown])[];

function show(row: FetchAnswer): unknown {
  const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("latin1");
  return { ...row, body: text(row.body), header: text(row.header) };
}

type Unconnected = ReturnType<typeof internalsOf> & {
  setEventHandlers(): void;
  readonly streamer: { write(chunk: Uint8Array, done: () => void): void; destroy(): void };
};

function write(imap: Unconnected, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => imap.streamer.write(chunk, resolve));
}

/** An imapflow without a socket, told the chunks; `lean` is whether its reader has ours in front. */
async function read(chunks: readonly Uint8Array[], lean: boolean): Promise<{ readonly seen: Seen; readonly leanRows: number }> {
  const seen: [string, unknown][] = [];
  let leanRows = 0;
  const silent = (): void => {};
  const complain = (entry: object): void => {
    const { msg, err } = entry as { msg?: string; err?: { code?: string } };
    seen.push(["complaint", [msg, err?.code]]);
  };
  const client = new ImapFlow({
    ...{ host: "localhost", port: 1, secure: false, auth: { user: "ann", accessToken: "none" } },
    ...{ maxLiteralSize: mostLiteralBytes, maxLineLength: 100_000, maxResponseSize: 1_000_000, maxResponseTokens: 20_000 },
    logger: { trace: silent, debug: silent, info: silent, warn: complain, error: complain },
  });
  client.on("error", (error: { code?: string }) => seen.push(["error", error.code]));
  const imap = internalsOf(client) as Unconnected;
  imap.setEventHandlers();
  const take = (row: FetchAnswer): void => void seen.push(["row", show(row)]);
  imap.untaggedHandlers["FETCH"] = (answer) => take(readFetchAnswer(answer));
  for (const name of ["EXISTS", "EXPUNGE", "OK", "NO", "BAD", "BYE", "FLAGS"])
    imap.untaggedHandlers[name] = (answer) => void seen.push([name, [answer.command, answer.attributes?.map(textOf)]]);
  if (lean) {
    const onFetched = (row: FetchAnswer): void => {
      leanRows++;
      take(row);
    };
    new LeanFetch(imap, mostLiteralBytes).listen(onFetched);
  }
  for (const chunk of chunks) {
    if (imap.streamer.destroyed) break;
    await write(imap, chunk);
  }
  imap.streamer.destroy();
  return { seen, leanRows };
}

function cut(bytes: Buffer, ...at: readonly number[]): readonly Uint8Array[] {
  const borders = [0, ...at, bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}

/** Row and line, as they are usually sent. */
const usual =
  '* 1 FETCH (UID 10 FLAGS (\\Seen $MDNSent) INTERNALDATE "17-Jul-2026 02:44:25 +0000" RFC822.SIZE 99 BODY[] {5}\r\na)\r\n{)\r\n';
const bare = "* 2 FETCH (UID 11 FLAGS () BODY[] {0}\r\n)\r\n";

const shapes: readonly (readonly [name: string, text: string, leanRows: number])[] = [
  ["the usual row", usual, 1],
  ["no literal", "* 1 FETCH (UID 10 FLAGS (\\Seen))\r\n* 2 FETCH (RFC822.SIZE 45274 UID 84)\r\n", 2],
  ["an empty body", bare, 1],
  ["a body in front", '* 3 FETCH (BODY[] {3}\r\n\r\n) UID 12 FLAGS (\\Recent a.b-c) INTERNALDATE " 1-Jan-2026 10:00:00 +0100")\r\n', 1],
  ["a part of a body", "* 3 FETCH (UID 12 BODY[]<7> {3}\r\nabc)\r\n", 1],
  ["a header", "* 3 FETCH (UID 12 FLAGS () BODY[HEADER.FIELDS (DATE MESSAGE-ID)] {9}\r\nDate: x\r\n)\r\n", 1],
  ["something else in between", `${usual}* 4 EXISTS\r\n* OK still here\r\n${bare}* 1 EXPUNGE\r\n${usual}9 OK done\r\n`, 3],
  ["NIL for a body", `* 1 FETCH (UID 10 BODY[] NIL)\r\n${usual}`, 1],
  ["a quoted body", `* 1 FETCH (UID 10 BODY[] "a) (b")\r\n${usual}`, 1],
  ["a quoted body that ends as a literal begins", `* 1 FETCH (UID 10 BODY[] "x {5}")\r\n${usual}`, 1],
  ["another part", `* 1 FETCH (UID 10 BODY[TEXT] {3}\r\nabc BODY[] {2}\r\n\r\n)\r\n${usual}`, 1],
  ["two literals", `* 1 FETCH (UID 10 BODY[] {3}\r\nabc BODY[HEADER.FIELDS (DATE)] {2}\r\n\r\n)\r\n${usual}`, 1],
  ["an item twice", `* 1 FETCH (UID 10 FLAGS (a) FLAGS (b))\r\n* 1 FETCH (UID 10 UID 11)\r\n${usual}`, 1],
  ["an item behind the literal, twice", `* 1 FETCH (UID 10 BODY[] {3}\r\nabc UID 11)\r\n${usual}`, 1],
  ["an item that nobody asked for", `* 1 FETCH (UID 10 MODSEQ (7) FLAGS (a))\r\n* 1 FETCH (X-Y 1 UID 10 BODY[] {1}\r\n)\r\n${usual}`, 1],
  ["nonsense behind the literal", `* 1 FETCH (UID 10 BODY[] {3}\r\nabc]]\r\n${usual}`, 1],
  ["lower case", `* 1 fetch (uid 10 flags (\\seen) body[] {2}\r\nab)\r\n${usual}`, 1],
  ["odd flags", `* 1 FETCH (UID 10 FLAGS (nil NIL 7 a:b "quoted" +x))\r\n* 1 FETCH (UID 10 FLAGS (\\*))\r\n${usual}`, 1],
  ["odd dates", `* 1 FETCH (UID 10 INTERNALDATE "yesterday")\r\n* 1 FETCH (UID 10 INTERNALDATE NIL)\r\n${usual}`, 1],
  ["two spaces", `* 1  FETCH (UID 10)\r\n* 1 FETCH ( UID 10)\r\n* 1 FETCH (UID 10 )\r\n* 1 FETCH (UID  10)\r\n${usual}`, 1],
  ["no items", `* 1 FETCH ()\r\n* 1 FETCH (\r\n${usual}`, 1],
  ["lines that end without CR", `* 1 FETCH (UID 10)\n* 1 FETCH (UID 10 BODY[] {3}\nabc)\n${usual}`, 1],
  ["empty lines", `\r\n\r\n${usual}\r\n\n${bare}`, 2],
  ["a NUL in front", `\0* 1 FETCH (UID 10)\r\n${usual}`, 1],
  ["bytes above ASCII", `* 1 FETCH (UID 10 FLAGS (gr\u00fcn))\r\n${usual}`, 1],
  ["Exchange's bare line", `${usual}Server Unavailable. 15\r\n${usual}`, 2],
  ["a BYE", `${usual}* BYE Session invalidated - AccessTokenExpired\r\n`, 1],
  ["a literal in another answer", `* OK {7}\r\n* 1 FET)\r\n${usual}`, 1],
  ["the end of another answer that looks like a row", `* 1 FETCH (X {1}\r\na* 1 FETCH (UID 10)\r\n${usual}`, 1],
  ["the end of a long line that looks like a row", `* OK ${"x".repeat(2_050)}* 1 FETCH (UID 10)\r\n${usual}`, 1],
  ["no end", `${usual}* 2 FETCH (UID 11 BODY[] {100}\r\nabc`, 1],
  ["digits without end", `* 1 FETCH (UID 10 BODY[] {00000000000000000003}\r\nabc)\r\n${usual}`, 1],
  ["a literal that is too large", "* 1 FETCH (UID 10 BODY[] {400001}\r\nabc)\r\n", 0],
  ["a literal of twenty digits", "* 1 FETCH (UID 10 BODY[] {18446744073709551617}\r\nabc)\r\n", 0],
];

describe("answers to FETCH are read as imapflow reads them, whatever chunks they come in", () => {
  test.each(shapes)("%s", async (_, text, leanRows) => {
    const bytes = Buffer.from(text, "latin1");
    const { seen } = await read([bytes], false);
    expect(await read([bytes], true)).toEqual({ seen, leanRows });
    expect(await read(cut(bytes, ...Array.from({ length: bytes.length - 1 }, (__, index) => index + 1)), true)).toEqual({ seen, leanRows });
    for (let at = 1; at < bytes.length; at++) expect(await read(cut(bytes, at), true), `cut at ${at}`).toEqual({ seen, leanRows });
  });

  test("at any two borders", async () => {
    const bytes = Buffer.from(`* 2 FETCH (UID 11 FLAGS () BODY[] {3}\r\na)\r)\r\n* 3 EXISTS\r\n* 2 FETCH (UID 11 BODY[] NIL)\r\n`);
    const { seen } = await read([bytes], false);
    for (let one = 1; one < bytes.length; one++)
      for (let other = one + 1; other < bytes.length; other++)
        expect((await read(cut(bytes, one, other), true)).seen, `cut at ${one} and ${other}`).toEqual(seen);
  });

  test("made of any parts in any order", async () => {
    const items = [
      ...["UID 10", "UID 0", "UID 4294967296", "FLAGS ()", "FLAGS (\\Seen a)", "FLAGS (a (b))", "RFC822.SIZE 5", "RFC822.SIZE x"],
      ...[
        'INTERNALDATE "17-Jul-2026 02:44:25 -0700"',
        "BODY[] {4}\r\n)\r\n ",
        "BODY[]<3> {0}\r\n",
        'BODY[] "x"',
        "BODY[] NIL",
        "BODY[] {2}",
      ],
      ...["BODY[HEADER.FIELDS (DATE)] {3}\r\na\r\n", "MODSEQ (7)", "", " ", "(", ")", "\r\n", "* 1 FETCH (", "ENVELOPE (NIL)", "{1}\r\n"],
    ];
    const line = fc.array(fc.constantFrom(...items), { maxLength: 5 }).map((some) => `* 1 FETCH (${some.join(" ")})\r\n`);
    const whole = fc.array(fc.oneof({ weight: 3, arbitrary: line }, fc.constantFrom(usual, "* 3 EXISTS\r\n", "x\r\n")), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(whole, fc.array(fc.nat(), { maxLength: 6 }), async (lines, cuts) => {
        const bytes = Buffer.from(lines.join(""), "latin1");
        const at = [...new Set(cuts.map((one) => one % (bytes.length + 1)))].sort((a, b) => a - b);
        expect((await read(cut(bytes, ...at), true)).seen).toEqual((await read([bytes], false)).seen);
      }),
      { numRuns: 1_500 },
    );
  });
});

describe("the lean reader", () => {
  test("gives imapflow what it kept of a line when the command is over before the line is", async () => {
    const client = new ImapFlow({ host: "localhost", port: 1, secure: false, auth: { user: "ann", accessToken: "none" }, logger: false });
    const imap = internalsOf(client) as Unconnected;
    imap.setEventHandlers();
    const seen: string[] = [];
    imap.untaggedHandlers["EXISTS"] = ({ command }) => void seen.push(command);
    const lean = new LeanFetch(imap, mostLiteralBytes);
    lean.listen(() => undefined);
    await write(imap, Buffer.from("* 7 EXI"));
    lean.listen(undefined);
    await write(imap, Buffer.from("STS\r\n* 8 EXISTS\r\n"));
    expect(seen).toEqual(["7", "8"]);
    imap.streamer.destroy();
  });

  test("gives a literal of its own memory, of any size", () => {
    for (const length of [1, 1_000, 300_000]) {
      const chunk = Buffer.concat([Buffer.from(`* 1 FETCH (UID 1 BODY[] {${length}}\r\n`), Buffer.alloc(length, 97), Buffer.from(")\r\n")]);
      const step = new FetchRows(mostLiteralBytes).feed(chunk, 0);
      if (step.kind !== "row") throw new Error(step.kind);
      expect(step.next).toBe(chunk.length);
      expect(step.row.body).toHaveLength(length);
      chunk.fill(0);
      expect(step.row.body?.every((byte) => byte === 97)).toBe(true);
    }
  });

  test("takes no room for what was announced and is large", () => {
    const before = process.memoryUsage().arrayBuffers;
    const rows = new FetchRows(96 * 1024 * 1024);
    expect(rows.feed(Buffer.from("* 1 FETCH (UID 1 BODY[] {96000000}\r\nabc"), 0)).toEqual({ kind: "more" });
    expect(rows.isInLiteral).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  test("keeps no line that has no end", () => {
    const rows = new FetchRows(mostLiteralBytes);
    const long = Buffer.from(`* 1 FETCH (FLAGS (${"a".repeat(5_000)}`);
    const step = rows.feed(long, 0);
    expect(step).toMatchObject({ kind: "declined", next: long.length });
    expect(rows.isEmpty).toBe(true);
  });
});
