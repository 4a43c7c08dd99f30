import { createScrubber } from "./scrub.ts";

/** Longest text of a cause, in UTF-16 units: enough for the first line of any error. */
const longestCause = 160;
/** More of an error is not looked at. */
const longestInput = 2_000;
/** Groups of one list; what comes after is one group, so that hostile texts cannot grow it without bound. */
const mostCauses = 1_000;
/** Of a consumer's name for itself. */
const longestName = 60;

const anyOther = { owner: { kind: "consumer" }, text: "other errors" } as const;

const scrub = createScrubber([], { maxLength: longestInput });

/**
 * What errors of one kind have in common: the first line without what differs from one message to the next (addresses, ids, numbers,
 * quoted words of others). Short status numbers stay, because they are the kind.
 */
export function normaliseError(text: string): string {
  const [line = ""] = text.slice(0, longestInput).split(/[\r\n]/, 1);
  const common = scrub(line)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/([^\s/?#"'<>]+)[^\s"'<>]*/gi, (_url, host: string) => host.replace(/:\d+$/, ""))
    .replace(/[^\s"'<>(),;:]+@[^\s"'<>(),;:]+/g, "(address)")
    .replace(/"([^"]*)"|'([^']*)'|`([^`]*)`/g, (quoted: string, ...inner: (string | undefined)[]) =>
      isName(inner[0] ?? inner[1] ?? inner[2] ?? "") ? quoted : "(text)",
    )
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "(host)")
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "(id)")
    .replace(/(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{12,}/g, "(id)")
    .replace(
      /\b(HTTP(?:\/\d(?:\.\d)?)?|status(?: code)?|code)([ :=]+)(\d{3})\b/gi,
      (_all, word: string, gap: string, digits: string) => word + gap + spelled(digits),
    )
    .replace(/(?<![\w\u2400])\d+(?:[.,]\d+)*/g, "(n)")
    .replace(/[\u2400-\u2409]/g, (digit) => String(digit.charCodeAt(0) - 0x2400))
    .replace(/ +/g, " ")
    .trim();
  if (common === "") return "no error text";
  return common.length <= longestCause ? common : `${common.slice(0, longestCause - 1).replace(/[\ud800-\udbff]$/u, "")}…`;
}

/** Digits that stay, out of the way of the rule that takes numbers out. */
function spelled(digits: string): string {
  return digits.replace(/\d/g, (digit) => String.fromCharCode(0x2400 + Number(digit)));
}

/** A property, a header, a column: the program's word, not a sender's. */
function isName(text: string): boolean {
  return /^[A-Za-z_$][\w$.-]{0,40}$/.test(text) && !/\d{4}/.test(text);
}

/** Whose fault a dead letter is: a consumer's, or a message that was set aside. */
export type LetterOwner = { readonly kind: "consumer"; readonly name?: string } | { readonly kind: "message" };

/** One letter, as far as it counts for its cause. */
export interface LetterFacts {
  readonly owner: LetterOwner;
  /** Normalised, or our sentence. */
  readonly text: string;
  /** Epoch ms; absent where it is not known. */
  readonly failedAt?: number;
  /** Tries before it was given up. */
  readonly tries?: number;
}

/** An event that a consumer gave up on, as it counts for its cause. @param hide takes secrets out: the consumer's words may quote anything */
export function consumerLetter(
  {
    reason,
    failedAt,
    tries,
    consumer,
  }: { readonly reason: string; readonly failedAt: number; readonly tries: number; readonly consumer?: string },
  hide: (text: string) => string,
): LetterFacts {
  return {
    owner: { kind: "consumer", ...(consumer !== undefined && { name: hide(consumer).slice(0, longestName) }) },
    text: normaliseError(hide(reason)),
    failedAt,
    tries,
  };
}

export interface LetterCause {
  /** Eight hex digits of owner and text; people see as many as are needed. */
  readonly fullId: string;
  readonly owner: LetterOwner;
  readonly text: string;
  readonly letters: number;
  /** The first and the last failure. */
  readonly since?: number;
  readonly latest?: number;
  readonly leastTries?: number;
  readonly mostTries?: number;
}

/** Letters by cause, in bounded memory whatever their number. */
export class LetterGroups {
  readonly #groups = new Map<string, LetterCause>();

  /** Counts a letter in, and gives the full id of its cause. */
  add(letter: LetterFacts): string {
    const known = this.#groups.get(letterCauseId(letter.owner, letter.text));
    const counted = known === undefined && this.#groups.size >= mostCauses ? { ...letter, ...anyOther } : letter;
    const fullId = letterCauseId(counted.owner, counted.text);
    this.#groups.set(fullId, grown(this.#groups.get(fullId), fullId, counted));
    return fullId;
  }

  /** The largest first. */
  list(): readonly LetterCause[] {
    return [...this.#groups.values()].sort((a, b) => b.letters - a.letters || (a.fullId < b.fullId ? -1 : 1));
  }
}

/** FNV-1a with a final mix, 32 bit: the same cause has the same id tomorrow. Not for anything that must be secret. */
export function letterCauseId(owner: LetterOwner, text: string): string {
  const name = owner.kind === "consumer" ? `consumer ${owner.name ?? ""}` : "message";
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${name}\n${text}`)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0).toString(16).padStart(8, "0");
}

/** Four digits of a full id, more where another cause of the list begins the same. */
export function shortCauseId(fullId: string, all: readonly { readonly fullId: string }[]): string {
  for (let length = 4; length < fullId.length; length++) {
    const id = fullId.slice(0, length);
    if (all.every((other) => other.fullId === fullId || !other.fullId.startsWith(id))) return id;
  }
  return fullId;
}

function grown(known: LetterCause | undefined, fullId: string, { owner, text, failedAt, tries }: LetterFacts): LetterCause {
  const since = least(known?.since, failedAt);
  const latest = most(known?.latest, failedAt);
  const leastTries = least(known?.leastTries, tries);
  const mostTries = most(known?.mostTries, tries);
  return {
    fullId,
    owner,
    text,
    letters: (known?.letters ?? 0) + 1,
    ...(since !== undefined && { since }),
    ...(latest !== undefined && { latest }),
    ...(leastTries !== undefined && { leastTries }),
    ...(mostTries !== undefined && { mostTries }),
  };
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

function most(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}
