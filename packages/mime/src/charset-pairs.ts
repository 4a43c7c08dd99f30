import { pairAt, tableOfPairs } from "./escape-text.ts";
import type { EscapeTable, PairTable } from "./escape-text.ts";

/** Decodes a text of its own, whole. */
type Decode = (bytes: Buffer) => string;

const lf = 0x0a;
/** No charset has a control character or white space as the second byte of two. */
const [firstLead, firstTrail, endOfBytes] = [0x80, 0x30, 0x100];

/**
 * Charsets of East Asia with one byte for ASCII and two for each other character: what each pair means, asked of a decoder once. One
 * table for all names that mean the same: names come from mail, and there are some sixty of them.
 */
export class CharsetPairs {
  readonly #tables: { readonly pairs: PairTable; readonly table: EscapeTable }[] = [];

  /** Undefined for a charset of any other kind. Takes some milliseconds. */
  find(decode: Decode): EscapeTable | undefined {
    const pairs = isAsciiAlways(decode) ? readPairs(decode) : undefined;
    if (pairs === undefined) return undefined;
    const known = this.#tables.find((one) => Buffer.compare(bytesOf(one.pairs), bytesOf(pairs)) === 0);
    if (known !== undefined) return known.table;
    const table = tableOfPairs(pairs);
    this.#tables.push({ pairs, table });
    return table;
  }
}

function bytesOf(pairs: PairTable): Uint8Array {
  return new Uint8Array(pairs.buffer);
}

/** Not so of a charset that switches to another alphabet by characters of ASCII. */
function isAsciiAlways(decode: Decode): boolean {
  const bytes = Buffer.alloc(2 * firstLead * firstLead);
  let size = 0;
  for (let one = 0; one < firstLead; one++) {
    for (let next = 0; next < firstLead; next++) {
      bytes[size++] = one;
      bytes[size++] = next;
    }
  }
  return decode(bytes) === bytes.toString("latin1");
}

/** Undefined where a pair is more, or less, than a character of its own. */
function readPairs(decode: Decode): PairTable | undefined {
  const lines = linesOfPairs();
  const text = decode(lines);
  const pairs = new Uint16Array(pairAt(endOfBytes - 1, endOfBytes - 1) + 1);
  const sound = Buffer.allocUnsafe(lines.length);
  let size = 0;
  let chars = "";
  let at = 0;
  for (let line = 0; line < lines.length; line += 3) {
    const end = text.indexOf("\n", at);
    if (end < 0) return undefined;
    const unit = end === at + 1 ? text.charCodeAt(at) : 0;
    if (isSound(unit)) {
      const [lead, trail] = [lines[line] as number, lines[line + 1] as number];
      pairs[pairAt(lead, trail)] = unit;
      sound[size++] = lead;
      sound[size++] = trail;
      chars += text[at];
    }
    at = end + 1;
  }
  // every line has its end, and no pair changes what the next one means
  return at === text.length && size > 0 && decode(sound.subarray(0, size)) === chars ? pairs : undefined;
}

/** Every pair that there can be, each in a line. */
function linesOfPairs(): Buffer {
  const lines = Buffer.alloc(3 * (endOfBytes - firstLead) * (endOfBytes - firstTrail));
  let size = 0;
  for (let lead = firstLead; lead < endOfBytes; lead++) {
    for (let trail = firstTrail; trail < endOfBytes; trail++) {
      lines[size++] = lead;
      lines[size++] = trail;
      lines[size++] = lf;
    }
  }
  return lines;
}

/** Neither ASCII, nor what could not be decoded, nor half a character. */
function isSound(unit: number): boolean {
  return unit >= firstLead && unit !== 0xfffd && (unit & 0xf800) !== 0xd800;
}
