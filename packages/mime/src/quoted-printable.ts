import { putCode } from "./escape-text.ts";
import type { EscapeTable } from "./escape-text.ts";

/** Decoding of quoted-printable from a range of a message, equal to libqp on what it does not decline. */

const [lf, cr, space, tab, equals] = [0x0a, 0x0d, 0x20, 0x09, 0x3d];

const hexValues = Int8Array.from({ length: 256 }, (_, char) => {
  const value = Number.parseInt(String.fromCharCode(char), 16);
  return Number.isNaN(value) ? -1 : value;
});

/**
 * Undefined where an equals sign could form an escape with what stands behind a soft line break or removed white space.
 * @param out at least as long as the range. @param isText to have LF for each CRLF, escaped or not
 */
export function decodeQuotedPrintable(bytes: Buffer, start: number, end: number, out: Buffer, isText: boolean): Buffer | undefined {
  let size = 0;
  // white space at a line's end goes, but not what is escaped or stands before a soft line break
  let kept = 0;
  for (let at = start; at < end; at++) {
    const char = bytes[at] as number;
    if (char === equals) {
      const high = hexAt(bytes, at + 1, end);
      const low = hexAt(bytes, at + 2, end);
      if (high >= 0 && low >= 0) {
        const escaped = high * 16 + low;
        if (isText && escaped === lf && size > 0 && out[size - 1] === cr) size--;
        out[size++] = escaped;
        at += 2;
        kept = size;
        continue;
      }
      const breakEnd = softBreakEnd(bytes, at + 1, end);
      if (breakEnd >= 0) {
        at = breakEnd - 1;
        kept = size;
        continue;
      }
      if (!isPlainBehindEquals(bytes, at + 1, end, high)) return undefined;
    } else if (char === lf || char === cr) {
      while (size > kept && isBlank(out[size - 1] as number)) size--;
      if (isText && char === lf && size > 0 && out[size - 1] === cr) size--;
    }
    out[size++] = char;
  }
  while (size > kept && isBlank(out[size - 1] as number)) size--;
  return out.subarray(0, size);
}

/**
 * The text in JSON, with LF for each CRLF, escaped or not: {@link decodeQuotedPrintable} and `escapeText` in one pass.
 * @param out at least `mostPerByte` times as long as the range
 * @returns how many bytes were written, or -1 for what that one declines and this one leaves to others
 */
export function escapeQuotedPrintable(bytes: Buffer, start: number, end: number, out: Buffer, { codes }: EscapeTable): number {
  let size = 0;
  // behind the last CR that was written, as far as it still stands
  let crEnd = -1;
  // white space from here on is neither escaped nor before a soft line break: it goes at a line's end
  let blanksFrom = start;
  for (let at = start; at < end; at++) {
    let char = bytes[at] as number;
    while (codes[char] === 0 && char !== equals) {
      out[size++] = char;
      if (++at === end) return size - blanksBefore(bytes, end, blanksFrom);
      char = bytes[at] as number;
    }
    if (char === equals) {
      const high = hexAt(bytes, at + 1, end);
      const low = hexAt(bytes, at + 2, end);
      if (high >= 0 && low >= 0) {
        char = high * 16 + low;
        at += 2;
        blanksFrom = at + 1;
      } else {
        const breakEnd = softBreakEnd(bytes, at + 1, end);
        if (breakEnd >= 0) {
          at = breakEnd - 1;
          blanksFrom = breakEnd;
          continue;
        }
        if (!isPlainBehindEquals(bytes, at + 1, end, high)) return -1;
      }
    } else if (char === lf || char === cr) size -= blanksBefore(bytes, at, blanksFrom);
    if (char === lf && crEnd === size) {
      size -= 2;
      crEnd = -1;
    }
    const code = codes[char] as number;
    if (code < 0) return -1;
    if (code === 0) out[size++] = char;
    else size = putCode(code, out, size);
    if (char === cr) crEnd = size;
  }
  return size - blanksBefore(bytes, end, blanksFrom);
}

/** How many bytes of JSON the white space before a place takes. */
function blanksBefore(bytes: Buffer, end: number, from: number): number {
  let size = 0;
  for (let at = end - 1; at >= from && isBlank(bytes[at] as number); at--) size += bytes[at] === tab ? 2 : 1;
  return size;
}

function hexAt(bytes: Buffer, at: number, end: number): number {
  return at < end ? (hexValues[bytes[at] as number] as number) : -1;
}

function isBlank(char: number): boolean {
  return char === space || char === tab;
}

/** Behind the line end, or the end of the text, that follows at once or behind white space; -1 without one. */
function softBreakEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes[at] as number)) at++;
  if (at === end) return end;
  if (bytes[at] === lf) return at + 1;
  return bytes[at] === cr && at + 1 < end && bytes[at + 1] === lf ? at + 2 : -1;
}

/** What follows stays what follows, so that the equals sign is one. */
function isPlainBehindEquals(bytes: Buffer, at: number, end: number, high: number): boolean {
  const decisive = high >= 0 ? at + 1 : at;
  if (decisive >= end) return false;
  const char = bytes[decisive] as number;
  return char !== equals && char !== cr && char !== lf && !isBlank(char);
}
