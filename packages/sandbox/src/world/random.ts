/**
 * Seeded, stateless where it can be: everything in the sandbox's world follows from hashes of (seed, mailbox, folder, index), so that any
 * message can be made again without its neighbours. Not for secrets.
 */

/** 32 bits from a text (FNV-1a, then mixed so that near texts do not give near numbers). */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixBits(hash);
}

/** 32 bits from two numbers. */
export function hashNumbers(a: number, b: number): number {
  return mixBits(Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35));
}

function mixBits(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A short stream of numbers from one 32-bit start (splitmix-like, period 2^32). */
export class Random {
  #state: number;

  constructor(start: number) {
    this.#state = start >>> 0;
  }

  /** 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mixBits(this.#state);
  }

  /** In [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

/** A GUID of version 4's shape that follows from the text. */
export function guidOf(text: string): string {
  const hex = [0, 1, 2, 3].map((i) => hashText(`${i}:${text}`).toString(16).padStart(8, "0")).join("");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Splits `total` into whole parts in proportion to the weights; the parts sum to `total` exactly. */
export function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const parts: number[] = [];
  let seen = 0;
  let given = 0;
  for (const weight of weights) {
    seen += weight;
    const upTo = Math.round((total * seen) / sum);
    parts.push(upTo - given);
    given = upTo;
  }
  return parts;
}
