/** Decoding of transfer encodings from a range of a message, equal to libbase64 and libqp on what it does not decline. */

const [lf, cr, space, tab, equals] = [0x0a, 0x0d, 0x20, 0x09, 0x3d];

/**
 * Undefined for padding with data behind it, which libbase64 takes for a new beginning, and for the URL-safe alphabet, which Node
 * reads and libbase64 skips. Both skip all other characters.
 */
export function decodeBase64(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const text = bytes.toString("latin1", start, end);
  if (text.includes("-") || text.includes("_")) return undefined;
  const padding = text.indexOf("=");
  if (padding >= 0 && !/^[=\r\n\t ]*$/.test(text.slice(padding))) return undefined;
  return Buffer.from(text, "base64");
}

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
 * The bytes of a range with LF for each CRLF.
 * @param out at least as long as the range; may be the range itself. The result is a view of it
 */
export function copyWithoutCr(bytes: Buffer, start: number, end: number, out: Buffer): Buffer {
  let gone = 0;
  for (let at = start; at < end; at++) {
    const char = bytes[at] as number;
    if (char === lf && at > start && bytes[at - 1] === cr) gone++;
    out[at - start - gone] = char;
  }
  return out.subarray(0, end - start - gone);
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
