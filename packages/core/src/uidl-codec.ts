import { digestLength, digestMark, hashUidl } from "./uidl-hash.ts";
import type { UidlBook } from "./uidl-book.ts";

/**
 * A book as text, tokens with a space between them, which no UIDL holds. Each entry is told by what it has more than the one before:
 *
 *     !text        the text itself            ^3,text     the first 3 characters (base 36) of the one before, then this
 *     @8h          from here on, steps are of the hexadecimal number that ends 8 characters before the end (d: decimal, H: capitals)
 *     12*          12 entries, each one step more than the one before     +5   one entry, 5 steps more
 *     -12          12 that are forgotten      #2,xxxxxxxxxyyyyyyyyy      2 digests
 *
 * Numbers are in base 36. Dovecot's default (`%08Xu%08Xv`) is a few tokens for each gap. What is random is told in full as long as there
 * is room; then by digests of 54 bits, which need not be unpacked to know a UIDL again.
 */
export function packUidls(book: UidlBook): string {
  const known = packed.get(book);
  if (known !== undefined) return known;
  const exact = write(book.uidls);
  const text = exact.length <= roomForTexts ? exact : write(withDigests(book.uidls));
  packed.set(book, text);
  return text;
}

/**
 * Characters that the texts of one book may take. Above it, texts that are longer than a digest are told by their digests: a list of
 * 100,000 random UIDLs of 70 characters would take 7 MB, in every commit, and takes 0.9 MB.
 */
const roomForTexts = 256 * 1024;

/** A book is written by each commit and changes with few of them. */
const packed = new WeakMap<UidlBook, string>();

/** @throws RangeError for what {@link packUidls} does not write */
export function unpackUidls(text: string): UidlBook {
  const uidls: string[] = [];
  let last = "";
  let field: Field | undefined;
  let counter: Counter | undefined;
  const add = (uidl: string): void => {
    uidls.push(uidl);
    last = uidl;
    counter = undefined;
  };
  const step = (by: number): void => {
    counter ??= field && Counter.of(last, field);
    const next = counter?.after(by);
    if (counter === undefined || next === undefined) throw new RangeError("not a step of a UIDL");
    counter.count(by);
    uidls.push(next);
    last = next;
  };
  for (const token of text === "" ? [] : text.split(" ")) {
    const rest = token.slice(1);
    switch (token[0]) {
      case "!":
        add(rest);
        break;
      case "^": {
        const [kept, more] = parted(rest);
        if (kept > last.length) throw new RangeError("not the beginning of a UIDL");
        add(last.slice(0, kept) + more);
        break;
      }
      case "@":
        field = readField(rest);
        counter = undefined;
        break;
      case "+":
        step(base36(rest));
        break;
      case "-":
        for (let left = bounded(base36(rest)); left > 0; left--) uidls.push("");
        break;
      case "#": {
        const [count, digests] = parted(rest);
        if (digests.length !== bounded(count) * digestLength) throw new RangeError("not digests of UIDLs");
        for (let at = 0; at < digests.length; at += digestLength) uidls.push(digestMark + digests.slice(at, at + digestLength));
        break;
      }
      default:
        if (!token.endsWith("*")) throw new RangeError("not a part of a book of UIDLs");
        for (let left = bounded(base36(token.slice(0, -1))); left > 0; left--) step(1);
    }
  }
  const book = { uidls };
  packed.set(book, text);
  return book;
}

/** More were never in one mailbox: a text that says so is damaged, and must not take the memory. */
const mostEntries = 16_000_000;

function bounded(count: number): number {
  if (count > mostEntries) throw new RangeError("too many UIDLs");
  return count;
}

interface Field {
  /** Characters behind it. */
  readonly behind: number;
  readonly digits: "d" | "h" | "H";
}

/** Digits of one field at most: their number must be exact. */
const mostDigits = 12;

const digitsOf = { d: /^\d$/, h: /^[0-9a-f]$/, H: /^[0-9A-F]$/ } as const;

/** The number in a text that its field shows, to be counted on from. */
class Counter {
  readonly #before: string;
  readonly #behind: string;
  readonly #width: number;
  readonly #field: Field;
  readonly #radix: number;
  #value: number;

  private constructor(text: string, field: Field, from: number, to: number) {
    this.#before = text.slice(0, from);
    this.#behind = text.slice(to);
    this.#width = to - from;
    this.#field = field;
    this.#radix = field.digits === "d" ? 10 : 16;
    this.#value = Number.parseInt(text.slice(from, to), this.#radix);
  }

  /** Undefined where the field has no digits. */
  static of(text: string, field: Field): Counter | undefined {
    const to = text.length - field.behind;
    let from = to;
    while (from > 0 && to - from < mostDigits && digitsOf[field.digits].test(text[from - 1] as string)) from--;
    return from < to ? new Counter(text, field, from, to) : undefined;
  }

  /** The text so many steps further; undefined where the field has not room for that. */
  after(by: number): string | undefined {
    const number = (this.#value + by).toString(this.#radix).padStart(this.#width, "0");
    if (number.length > this.#width) return undefined;
    return this.#before + (this.#field.digits === "H" ? number.toUpperCase() : number) + this.#behind;
  }

  /** How many steps it is to another text; undefined where it is not just that. */
  stepsTo(text: string): number | undefined {
    const from = this.#before.length;
    const by = Number.parseInt(text.slice(from, from + this.#width), this.#radix) - this.#value;
    return by > 0 && this.after(by) === text ? by : undefined;
  }

  count(by: number): void {
    this.#value += by;
  }
}

/** A field in which the one is a step behind the other. */
function fieldBetween(before: string, after: string): Field | undefined {
  if (before.length !== after.length) return undefined;
  let last = before.length - 1;
  while (last >= 0 && before[last] === after[last]) last--;
  const behind = before.length - 1 - last;
  const fields = (["d", "h", "H"] as const).map((digits) => ({ behind, digits }));
  return last < 0 ? undefined : fields.find((field) => Counter.of(before, field)?.stepsTo(after) !== undefined);
}

function write(uidls: readonly string[]): string {
  const tokens: string[] = [];
  let last: string | undefined;
  let field: Field | undefined;
  let counter: Counter | undefined;
  let ones = 0;
  const endRun = (): void => {
    if (ones > 0) tokens.push(`${ones.toString(36)}*`);
    ones = 0;
  };
  for (let at = 0; at < uidls.length; at++) {
    const uidl = uidls[at] as string;
    if (uidl === "" || uidl.startsWith(digestMark)) {
      endRun();
      const to = endOfKind(uidls, at);
      const count = (to - at).toString(36);
      tokens.push(uidl === "" ? `-${count}` : `#${count},${uidls.slice(at, to).join("").replaceAll(digestMark, "")}`);
      at = to - 1;
      continue;
    }
    if (counter?.after(1) === uidl) {
      ones++;
      counter.count(1);
      last = uidl;
      continue;
    }
    let by = counter?.stepsTo(uidl);
    const another = by === undefined && last !== undefined ? fieldBetween(last, uidl) : undefined;
    if (last !== undefined && another !== undefined) {
      endRun();
      field = another;
      tokens.push(`@${another.behind.toString(36)}${another.digits}`);
      counter = Counter.of(last, another);
      by = counter?.stepsTo(uidl);
    }
    if (by === 1) ones++;
    else {
      endRun();
      tokens.push(by === undefined ? inFull(last, uidl) : `+${by.toString(36)}`);
    }
    last = uidl;
    if (by !== undefined) counter?.count(by);
    else counter = field && Counter.of(uidl, field);
  }
  endRun();
  return tokens.join(" ");
}

function inFull(last: string | undefined, uidl: string): string {
  let kept = 0;
  if (last !== undefined) while (kept < last.length && last[kept] === uidl[kept]) kept++;
  const shared = `^${kept.toString(36)},`;
  return kept < shared.length ? `!${uidl}` : shared + uidl.slice(kept);
}

/** Where the forgotten ones, or the digests, that begin at `at` end. */
function endOfKind(uidls: readonly string[], at: number): number {
  const isForgotten = uidls[at] === "";
  let to = at + 1;
  while (to < uidls.length && (isForgotten ? uidls[to] === "" : uidls[to]?.startsWith(digestMark) === true)) to++;
  return to;
}

/**
 * Digests in the place of texts that are no step from the one before and are longer. Not of the newest: a quiet poll asks for its UIDL.
 * Two texts with the same digest both stay.
 */
function withDigests(uidls: readonly string[]): readonly string[] {
  const digests = new Map<number, string>();
  const taken = new Map<string, number>();
  const doubled = new Set<number>();
  let field: Field | undefined;
  for (const [at, uidl] of uidls.entries()) {
    if (uidl.startsWith(digestMark)) {
      taken.set(uidl, at);
      continue;
    }
    const before = uidls[at - 1] ?? "";
    if (field === undefined || Counter.of(before, field)?.stepsTo(uidl) === undefined) field = fieldBetween(before, uidl);
    if (field !== undefined || uidl.length <= digestLength || at === uidls.length - 1) continue;
    const digest = hashUidl(uidl);
    const other = taken.get(digest);
    if (other !== undefined) {
      doubled.add(at);
      doubled.add(other);
    }
    taken.set(digest, at);
    digests.set(at, digest);
  }
  return uidls.map((uidl, at) => (doubled.has(at) ? uidl : (digests.get(at) ?? uidl)));
}

function readField(text: string): Field {
  const digits = text.at(-1);
  if (digits !== "d" && digits !== "h" && digits !== "H") throw new RangeError("not a field of a UIDL");
  return { behind: base36(text.slice(0, -1)), digits };
}

/** A number, a comma, and what follows. */
function parted(text: string): readonly [number, string] {
  const comma = text.indexOf(",");
  if (comma < 1) throw new RangeError("not a part of a book of UIDLs");
  return [base36(text.slice(0, comma)), text.slice(comma + 1)];
}

function base36(text: string): number {
  if (!/^[0-9a-z]{1,10}$/.test(text)) throw new RangeError("not a number of a book of UIDLs");
  return Number.parseInt(text, 36);
}
