import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteTable, escapeText, isSound, mostPerByte, utf8Table } from "./escape-text.ts";
import type { EscapeTable } from "./escape-text.ts";
import { decodeQuotedPrintable, escapeQuotedPrintable } from "./quoted-printable.ts";

/** The Euro sign takes three bytes, what has no character is U+FFFD. */
const windows1252 = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x80) return "\u20ac";
  return byte === 0x81 ? "\uFFFD" : String.fromCharCode(byte);
});

const charsets: readonly { readonly name: string; readonly table: EscapeTable; readonly decode: (bytes: Buffer) => string }[] = [
  { name: "UTF-8", table: utf8Table, decode: (bytes) => bytes.toString() },
  {
    name: "one byte a character",
    table: byteTable(windows1252),
    decode: (bytes) => Array.from(bytes, (byte) => windows1252[byte]).join(""),
  },
];

const odd = [
  ...["\0", "\b", "\t", "\n", "\f", "\r", "\u001b", "\u007f", '"', "\\", "=", "\r\n", " \r\n", "\t\n"],
  ...["=0D", "=0A", "=\r\n", "= \n", "=4", "=3D", "=e2=82=ac", "é", "€", "\u2028", "😀", "\uFEFF", "\uFFFD"],
];
/** Bytes of any kind between runs of plain text, cut anywhere. */
const bytes = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...odd).map((text) => Buffer.from(text)) },
        { weight: 2, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 6 }).map((text) => Buffer.from(text)) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2 }).map((some) => Buffer.from(some)) },
      ),
      { maxLength: 12 },
    ),
    fc.nat(3),
    fc.nat(3),
  )
  .map(([pieces, before, behind]) => {
    const all = Buffer.concat(pieces);
    return { all, start: Math.min(before, all.length), end: Math.max(Math.min(before, all.length), all.length - behind) };
  });

/** What goes by a string: what is cleaned, what could not be decoded, and control characters that JSON has no letter for. */
// oxlint-disable-next-line no-control-regex
const left = /[\0-\u0007\v\u000e-\u001f\uFFFD]/;

interface Case {
  readonly all: Buffer;
  readonly start: number;
  readonly end: number;
}
type Escape = (bytes: Buffer, start: number, end: number, out: Buffer, table: EscapeTable) => number;

/** The JSON, or undefined where it is left to strings. */
function escaped({ all, start, end }: Case, table: EscapeTable, escape: Escape): string | undefined {
  const out = Buffer.alloc((end - start) * mostPerByte);
  const size = escape(all, start, end, out, table);
  const json = out.subarray(0, Math.max(0, size));
  return size < 0 || !isSound(json, table) ? undefined : json.toString();
}

const asJson = (text: string | undefined): string | undefined =>
  text === undefined || left.test(text) ? undefined : JSON.stringify(text).slice(1, -1);

describe.each(charsets)("a text in $name, from bytes to the bytes of its JSON,", ({ table, decode }) => {
  test("is what JSON.stringify makes of it, with LF for each CRLF", () => {
    fc.assert(
      fc.property(bytes, (one) => {
        const text = decode(one.all.subarray(one.start, one.end)).replaceAll("\r\n", "\n");
        expect(escaped(one, table, (from, start, end, out, { codes }) => escapeText(from, start, end, out, 0, codes))).toBe(asJson(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test("is the same in quoted-printable, which is declined where it is declined as bytes", () => {
    let compared = 0;
    fc.assert(
      fc.property(bytes, (one) => {
        const { all, start, end } = one;
        const decoded = decodeQuotedPrintable(all, start, end, Buffer.alloc(end - start), true);
        const expected = asJson(decoded === undefined ? undefined : decode(decoded));
        expect(escaped(one, table, escapeQuotedPrintable)).toBe(expected);
        if (expected !== undefined) compared++;
      }),
      { numRuns: 3_000 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});
