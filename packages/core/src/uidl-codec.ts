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
  const add = (uidl: string): void => {
    uidls.push(uidl);
    last = uidl;
  };
  const step = (by: number): void => {
    const next = field && stepped(last, field, by);
    if (next === undefined) throw new RangeError("not a step of a UIDL");
    add(next);
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

/** The digits that end where the field ends. */
function digitsIn(text: string, { behind, digits }: Field): { readonly from: number; readonly to: number } {
  const to = text.length - behind;
  let from = to;
  while (from > 0 && to - from < mostDigits && digitsOf[digits].test(text[from - 1] as string)) from--;
  return { from, to };
}

/** Undefined where there is no number, or it has not room for the step. */
function stepped(text: string, field: Field, by: number): string | undefined {
  const { from, to } = digitsIn(text, field);
  if (from >= to) return undefined;
  const radix = field.digits === "d" ? 10 : 16;
  const next = (Number.parseInt(text.slice(from, to), radix) + by).toString(radix).padStart(to - from, "0");
  if (next.length > to - from) return undefined;
  return text.slice(0, from) + (field.digits === "H" ? next.toUpperCase() : next) + text.slice(to);
}

/** How far it is from one text to the next in a field; undefined where it is not just that. */
function stepBetween(before: string, after: string, field: Field): number | undefined {
  if (before.length !== after.length || field.behind >= before.length) return undefined;
  const { from, to } = digitsIn(before, field);
  if (from >= to) return undefined;
  const radix = field.digits === "d" ? 10 : 16;
  const by = Number.parseInt(after.slice(from, to), radix) - Number.parseInt(before.slice(from, to), radix);
  return by > 0 && stepped(before, field, by) === after ? by : undefined;
}

/** A field in which the one is a step behind the other. */
function fieldBetween(before: string, after: string): Field | undefined {
  if (before.length !== after.length) return undefined;
  let last = before.length - 1;
  while (last >= 0 && before[last] === after[last]) last--;
  const behind = before.length - 1 - last;
  const fields = (["d", "h", "H"] as const).map((digits) => ({ behind, digits }));
  return last < 0 ? undefined : fields.find((field) => stepBetween(before, after, field) !== undefined);
}

function write(uidls: readonly string[]): string {
  const tokens: string[] = [];
  let last: string | undefined;
  let field: Field | undefined;
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
    let by = last !== undefined && field !== undefined ? stepBetween(last, uidl, field) : undefined;
    if (by === undefined && last !== undefined) {
      const another = fieldBetween(last, uidl);
      if (another !== undefined) {
        endRun();
        field = another;
        tokens.push(`@${another.behind.toString(36)}${another.digits}`);
        by = stepBetween(last, uidl, another);
      }
    }
    if (by === 1) ones++;
    else {
      endRun();
      tokens.push(by === undefined ? inFull(last, uidl) : `+${by.toString(36)}`);
    }
    last = uidl;
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
    if (field === undefined || stepBetween(before, uidl, field) === undefined) field = fieldBetween(before, uidl);
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
