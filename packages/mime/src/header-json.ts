import { escapeText, mostPerByte, unfoldingCodes } from "./escape-text.ts";
import type { RawField } from "./header-block.ts";
import type { TextRoom } from "./text-room.ts";

const [tab, cr, space, quote, comma, opening, closing] = [0x09, 0x0d, 0x20, 0x22, 0x2c, 0x5b, 0x5d];

/** For brackets, quotes and commas around a name and a value, bytes. */
const aroundField = 8;

/**
 * The list of all fields as JSON, from the bytes of a head to bytes: each name as written, each value unfolded and trimmed.
 * @param fields of `bytes`, which are ASCII up to the last of them; their names are plain, and line ends in them are those of folding
 * @returns undefined where a control character stands that JSON has no letter for
 */
export function writeHeaders(bytes: Buffer, fields: readonly RawField[], room: TextRoom): Buffer | undefined {
  const out = room.place((fields.at(-1)?.stop ?? 0) * mostPerByte + fields.length * aroundField + 2);
  let size = 0;
  for (const { at, colon, valueAt, stop } of fields) {
    out[size++] = size === 1 ? opening : comma;
    out[size++] = opening;
    out[size++] = quote;
    size = escapeText(bytes, at, colon, out, size, unfoldingCodes);
    out[size++] = quote;
    out[size++] = comma;
    out[size++] = quote;
    let from = valueAt;
    while (from < stop && isWhite(bytes[from] as number)) from++;
    let to = stop;
    while (to > from && isWhite(bytes[to - 1] as number)) to--;
    size = escapeText(bytes, from, to, out, size, unfoldingCodes);
    if (size < 0) return undefined;
    out[size++] = quote;
    out[size++] = closing;
  }
  out[size++] = closing;
  return room.keep(out, size);
}

/** What `String.prototype.trim` takes away of ASCII. */
function isWhite(char: number): boolean {
  return char === space || (char >= tab && char <= cr);
}
