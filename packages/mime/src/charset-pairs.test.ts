import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CharsetPairs } from "./charset-pairs.ts";
import { escapePairs, mostPerByte } from "./escape-text.ts";
import { LeanMailParser } from "./lean-mail-parser.ts";

const { library } = new LeanMailParser({ parts: 1, depth: 1, headerBytes: 1, textBytes: 1 });
const decoderOf =
  (name: string) =>
  (bytes: Buffer): string => {
    const { decoder } = library.createDecodeStream(name);
    return decoder === null ? "" : decoder.write(bytes) + (decoder.end() ?? "");
  };

const byte = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const pair = fc.tuple(byte(0x81, 0xfe), byte(0x40, 0xfe));
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(byte(0xb0, 0xc8), byte(0xa1, 0xfe)) },
  { weight: 2, arbitrary: fc.tuple(byte(0xa2, 0xac), byte(0xa1, 0xfe)) },
  { weight: 2, arbitrary: fc.tuple(byte(0x88, 0x97), byte(0x40, 0xfc)) },
  { weight: 2, arbitrary: pair },
  { weight: 4, arbitrary: fc.constantFrom([0x0d, 0x0a], [0x0a], [0x0d], [0x22], [0x5c], [0x41, 0x7e], [0x09]) },
  { weight: 1, arbitrary: fc.oneof(fc.tuple(byte(0, 0xff)), fc.constant([0x81, 0x30, 0x81, 0x30])) },
);
const text = fc.array(piece, { maxLength: 10 }).map((pieces) => Buffer.from(pieces.flat()));

describe.each(["gb2312", "gbk", "gb18030", "big5", "big5-hkscs", "ks_c_5601-1987", "euc-kr", "shift_jis"])("a text in %s", (name) => {
  const decode = decoderOf(name);
  const table = new CharsetPairs().find(decode);

  test("is made JSON from its pairs as from a string, or left to strings, whatever stands behind it", () => {
    if (table?.pairs === undefined) throw new Error("it has no pairs");
    const { codes, pairs } = table;
    let compared = 0;
    fc.assert(
      fc.property(text, fc.constantFrom("", "\n", "\xfe"), (bytes, behind) => {
        const out = Buffer.alloc(bytes.length * mostPerByte);
        const size = escapePairs(Buffer.concat([bytes, Buffer.from(behind, "latin1")]), 0, bytes.length, out, codes, pairs);
        if (size < 0) return;
        expect(`"${out.toString("utf8", 0, size)}"`).toBe(JSON.stringify(decode(bytes).replaceAll("\r\n", "\n")));
        if (bytes.some((one) => one >= 0x80)) compared++;
      }),
      { numRuns: 2_000 },
    );
    expect(compared).toBeGreaterThan(10);
  });
});

test("charsets that are no pairs have no table, and two names of one charset have the same", () => {
  const known = new CharsetPairs();
  const find = (name: string) => known.find(decoderOf(name));
  expect(["utf-16le", "windows-1252"].map(find)).toEqual([undefined, undefined]);
  expect(find("euc-kr")).toBeDefined();
  expect(find("ks_c_5601-1987")).toBe(find("euc-kr"));
  expect(find("big5")).not.toBe(find("euc-kr"));
});

/** Of a charset of two bytes a character, in which `odd` stands for one pair. */
const decodeWith =
  (odd: string) =>
  (bytes: Buffer): string =>
    decoderOf("gb2312")(bytes).replaceAll(decoderOf("gb2312")(Buffer.from([0xb0, 0xa1])), odd);

test.each([
  ["no character", "\uFFFD"],
  ["half a character", "\ud800"],
  ["two characters", "ab"],
  ["a character of ASCII, which JSON may spell otherwise", '"'],
])("a pair that is %s is left to strings", (_, odd) => {
  const table = new CharsetPairs().find(decodeWith(odd));
  if (table?.pairs === undefined) throw new Error("it has no pairs");
  const { codes, pairs } = table;
  const [known, unknown] = [Buffer.from([0xb0, 0xa2]), Buffer.from([0xb0, 0xa1])];
  expect([known, unknown].map((bytes) => escapePairs(bytes, 0, 2, Buffer.alloc(6), codes, pairs))).toEqual([3, -1]);
});

test.each<[string, (decoded: string) => string]>([
  ["whose ASCII means something else behind a sign of its own", (decoded) => decoded.replace(/~\{.*/s, "")],
  ["whose pairs mean something else beside others", (decoded) => decoded.replace(/[^\0-\u007f]{2}/g, "x")],
])("a charset %s has no table", (_, change) => {
  const plain = decoderOf("gb2312");
  expect(new CharsetPairs().find((bytes) => change(plain(bytes)))).toBeUndefined();
});
