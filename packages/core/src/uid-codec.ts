import type { UidRange, UidSet } from "./uid-set.ts";

/**
 * UID sets as text for storage: gaps and lengths of the ranges as exponential Golomb numbers, six bits a character (the alphabet of
 * base64url). A range of a fragmented set costs about one and a half characters, so that the flags of a folder in which every tenth
 * message is unread still fit where a checkpoint has room.
 *
 *     count, order of the gaps, order of the lengths, then gap and length of each range; zero bits to the end of the last character
 */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const valueOf: ReadonlyMap<string, number> = new Map(alphabet.split("").map((char, value) => [char, value]));
const bitsPerChar = 6;
/** A UID has 32 bits: no number here needs more, with the one that the code adds. */
const mostBits = 34;
const orderBits = 5;

export function encodeUidSet(set: UidSet): string {
  if (set.length === 0) return "";
  const gaps: number[] = [];
  const extras: number[] = [];
  let end = 0;
  for (const [low, high] of set) {
    // Ranges are not adjacent: two UIDs at least lie between an end and the next beginning, one before the first.
    gaps.push(low - end - (end === 0 ? 1 : 2));
    extras.push(high - low);
    end = high;
  }
  const [gapOrder, extraOrder] = [orderFor(gaps), orderFor(extras)];
  const out = new BitWriter();
  out.number(set.length - 1, 0);
  out.bits(gapOrder, orderBits);
  out.bits(extraOrder, orderBits);
  for (const [at, gap] of gaps.entries()) {
    out.number(gap, gapOrder);
    out.number(extras[at] as number, extraOrder);
  }
  return out.text();
}

/** @throws RangeError for text that {@link encodeUidSet} does not write */
export function decodeUidSet(text: string): UidSet {
  if (text === "") return [];
  const bits = new BitReader(text);
  const count = bits.number(0) + 1;
  const gapOrder = bits.bits(orderBits);
  const extraOrder = bits.bits(orderBits);
  // Two bits at least each: a count that the text cannot hold would only fill memory.
  if (count > text.length * bitsPerChar) throw new RangeError("not an encoded UID set");
  const ranges: UidRange[] = [];
  let end = 0;
  for (let at = 0; at < count; at++) {
    const low = end + bits.number(gapOrder) + (end === 0 ? 1 : 2);
    const high = low + bits.number(extraOrder);
    if (high > 0xffff_ffff) throw new RangeError("not an encoded UID set");
    ranges.push([low, high]);
    end = high;
  }
  bits.finish();
  return ranges;
}

/** Numbers around the median take the fewest bits. */
function orderFor(numbers: readonly number[]): number {
  const median = numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
  return Math.min(31, Math.floor(Math.log2(median + 1)));
}

class BitWriter {
  #text = "";
  #held = 0;
  #free = bitsPerChar;

  bits(value: number, count: number): void {
    for (let left = count; left > 0;) {
      const take = Math.min(left, this.#free);
      // Division, because shifts end at 32 bits.
      const part = Math.floor(value / 2 ** (left - take)) % 2 ** take;
      this.#free -= take;
      this.#held += part * 2 ** this.#free;
      left -= take;
      if (this.#free === 0) this.#flush();
    }
  }

  /** Exponential Golomb: as many zeros as the number has bits above `order`, then the number. */
  number(value: number, order: number): void {
    const shifted = value + 2 ** order;
    const length = Math.floor(Math.log2(shifted)) + 1;
    this.bits(0, length - order - 1);
    this.bits(shifted, length);
  }

  text(): string {
    if (this.#free < bitsPerChar) this.#flush();
    return this.#text;
  }

  #flush(): void {
    this.#text += alphabet[this.#held] ?? "";
    this.#held = 0;
    this.#free = bitsPerChar;
  }
}

class BitReader {
  readonly #text: string;
  #at = 0;
  #left = 0;
  #held = 0;

  constructor(text: string) {
    this.#text = text;
  }

  bits(count: number): number {
    let value = 0;
    for (let left = count; left > 0;) {
      if (this.#left === 0) this.#fill();
      const take = Math.min(left, this.#left);
      this.#left -= take;
      const part = Math.floor(this.#held / 2 ** this.#left) % 2 ** take;
      value = value * 2 ** take + part;
      left -= take;
    }
    return value;
  }

  number(order: number): number {
    let zeros = 0;
    while (this.bits(1) === 0) if (++zeros > mostBits) throw new RangeError("not an encoded UID set");
    return 2 ** (zeros + order) + this.bits(zeros + order) - 2 ** order;
  }

  /** What is left must be the padding of one character, and zero. */
  finish(): void {
    if (this.#at < this.#text.length || this.bits(this.#left) !== 0) throw new RangeError("not an encoded UID set");
  }

  #fill(): void {
    const value = valueOf.get(this.#text[this.#at] ?? "");
    if (value === undefined) throw new RangeError("not an encoded UID set");
    this.#at++;
    this.#held = value;
    this.#left = bitsPerChar;
  }
}
