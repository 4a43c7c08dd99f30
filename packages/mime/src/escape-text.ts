import { isAscii, isUtf8 } from "node:buffer";

/**
 * Text from bytes to the bytes of its JSON, as `JSON.stringify` writes it. A string between them would be made, searched, written as
 * JSON, and written as bytes: five passes over a text, and two copies on the heap.
 */

/** What to write for the bytes of a charset that has ASCII. */
export interface EscapeTable {
  readonly codes: EscapeCodes;
  /** Whether bytes beyond ASCII are written as they are, and have to be looked at. */
  readonly isUtf8: boolean;
  /** Of a charset with two bytes for a character beyond ASCII: as {@link pairAt} has it. */
  readonly pairs: PairTable | undefined;
}

/** By byte. 0: the byte itself; 1: nothing; above: two or three bytes, the last one lowest; below: left to those who look at strings. */
export type EscapeCodes = Int32Array;

/** UTF-16 units by the two bytes, the first one without its highest bit; 0 for what is left to those who look at strings. */
export type PairTable = Uint16Array;

/** The most bytes that are written for one. */
export const mostPerByte = 3;

const [lf, cr, firstBeyondAscii] = [0x0a, 0x0d, 0x80];
const dropped = 1;
const replacement = Buffer.from("\uFFFD");

/** @param chars of each byte */
export function byteTable(chars: readonly string[]): EscapeTable {
  return { codes: Int32Array.from(chars, codeOf), isUtf8: false, pairs: undefined };
}

function codeOf(char: string, byte: number): number {
  // what is replaced when a text is cleaned, or tells that a text could not be decoded
  if (char === "\0" || char === "\uFFFD" || !char.isWellFormed()) return -1;
  const written = Buffer.from(JSON.stringify(char).slice(1, -1));
  if (written.length === 1 && written[0] === byte) return 0;
  return written.length === 2 || written.length === mostPerByte ? written.readUIntBE(0, written.length) : -1;
}

const latin1Table = byteTable(Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)));

export const utf8Table: EscapeTable = {
  codes: latin1Table.codes.map((code, byte) => (byte < firstBeyondAscii ? code : 0)),
  isUtf8: true,
  pairs: undefined,
};

/** Of header fields, whose line ends are those of folding; a CR goes as it does before any LF. */
export const unfoldingCodes: EscapeCodes = utf8Table.codes.map((code, byte) => (byte === lf ? dropped : code));

export function tableOfPairs(pairs: PairTable): EscapeTable {
  return { codes: latin1Table.codes.map((code, byte) => (byte < firstBeyondAscii ? code : -1)), isUtf8: false, pairs };
}

/** The place of two bytes, the first of them beyond ASCII. */
export function pairAt(first: number, second: number): number {
  return ((first & 0x7f) << 8) | second;
}

/**
 * A range of bytes with LF for each CRLF.
 * @param out has room for {@link mostPerByte} times as much. @param from where to write in it
 * @returns how many bytes are written by then, or -1 when a byte is left to those who look at strings
 */
export function escapeText(bytes: Buffer, start: number, end: number, out: Buffer, from: number, codes: EscapeCodes): number {
  let size = from;
  for (let at = start; at < end; at++) {
    let char = bytes[at] as number;
    let code = codes[char] as number;
    // a loop of its own, which takes half the time: nearly all bytes are plain
    while (code === 0) {
      out[size++] = char;
      if (++at === end) return size;
      char = bytes[at] as number;
      code = codes[char] as number;
    }
    if (code < 0) return -1;
    if (code === dropped || (char === cr && at + 1 < end && bytes[at + 1] === lf)) continue;
    size = putCode(code, out, size);
  }
  return size;
}

/** As {@link escapeText}, for a charset that has pairs. */
export function escapePairs(bytes: Buffer, start: number, end: number, out: Buffer, codes: EscapeCodes, pairs: PairTable): number {
  let size = 0;
  for (let at = start; at < end; at++) {
    const char = bytes[at] as number;
    const code = codes[char] as number;
    if (code === 0) out[size++] = char;
    else if (code > 0) {
      if (char !== cr || at + 1 === end || bytes[at + 1] !== lf) size = putCode(code, out, size);
    } else {
      if (char < firstBeyondAscii || ++at === end) return -1;
      const unit = pairs[pairAt(char, bytes[at] as number)] as number;
      if (unit === 0) return -1;
      size = putUnit(unit, out, size);
    }
  }
  return size;
}

/** A character beyond ASCII, in UTF-8. @param unit no surrogate */
function putUnit(unit: number, out: Buffer, from: number): number {
  let size = from;
  if (unit < 0x800) out[size++] = 0xc0 | (unit >> 6);
  else {
    out[size++] = 0xe0 | (unit >> 12);
    out[size++] = 0x80 | ((unit >> 6) & 0x3f);
  }
  out[size++] = 0x80 | (unit & 0x3f);
  return size;
}

/** @param code two or three bytes. @returns how many bytes were written by then */
export function putCode(code: number, out: Buffer, from: number): number {
  let size = from;
  if (code > 0xffff) out[size++] = code >> 16;
  out[size++] = code >> 8;
  out[size++] = code;
  return size;
}

/** Whether what was written is text as it stands: bytes that are no UTF-8, and U+FFFD, are left to those who look at strings. */
export function isSound(json: Buffer, { isUtf8: isLookedAt }: EscapeTable): boolean {
  return !isLookedAt || isAscii(json) || (isUtf8(json) && !json.includes(replacement));
}
