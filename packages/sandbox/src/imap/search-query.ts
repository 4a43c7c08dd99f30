import { flagBits } from "../world/base-folder.ts";
import { headerValue } from "../mail/message-sections.ts";
import type { Token } from "./parse-command.ts";
import { textOf } from "./parse-command.ts";
import { parseSequenceSet, positionsOfUids } from "./sequence-set.ts";

/** A message as a search sees it; the bytes are made only if a key asks for them. */
export interface Searchable {
  readonly position: number;
  readonly uid: number;
  readonly flags: number;
  readonly internalDate: number;
  readonly size: number;
  readonly bytes: () => Buffer;
}

export type Predicate = (message: Searchable) => boolean;

/** Deep OR nesting is refused by Exchange (field guide 3.4). */
const maxDepth = 12;

const flagKeys: Readonly<Record<string, readonly [bit: number, wanted: boolean]>> = {
  SEEN: [flagBits.seen, true],
  UNSEEN: [flagBits.seen, false],
  ANSWERED: [flagBits.answered, true],
  UNANSWERED: [flagBits.answered, false],
  FLAGGED: [flagBits.flagged, true],
  UNFLAGGED: [flagBits.flagged, false],
  DELETED: [flagBits.deleted, true],
  UNDELETED: [flagBits.deleted, false],
  DRAFT: [flagBits.draft, true],
  UNDRAFT: [flagBits.draft, false],
};

/** The conjunction of all keys; undefined for anything not understood. `uids` is the session's view, for sets. */
export function parseSearch(tokens: readonly Token[], uids: readonly number[]): Predicate | undefined {
  const cursor: Cursor = { tokens, at: 0, uids };
  return parseAll(cursor, 0);
}

interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
  readonly uids: readonly number[];
}

function parseAll(cursor: Cursor, depth: number): Predicate | undefined {
  const keys: Predicate[] = [];
  while (cursor.at < cursor.tokens.length) {
    const key = parseKey(cursor, depth);
    if (!key) return undefined;
    keys.push(key);
  }
  return keys.length === 0 ? undefined : (message) => keys.every((key) => key(message));
}

function parseKey(cursor: Cursor, depth: number): Predicate | undefined {
  if (depth > maxDepth) return undefined;
  const token = cursor.tokens[cursor.at++];
  if (token === undefined) return undefined;
  if (token.kind === "list") return parseAll({ tokens: token.items, at: 0, uids: cursor.uids }, depth + 1);
  if (token.kind !== "atom") return undefined;
  const word = token.text.toUpperCase();
  const flag = flagKeys[word];
  if (flag) return ({ flags }) => ((flags & flag[0]) !== 0) === flag[1];
  switch (word) {
    case "ALL":
    case "OLD":
      return () => true;
    case "NEW":
    case "RECENT":
      return () => false;
    case "NOT": {
      const inner = parseKey(cursor, depth + 1);
      return inner && ((message) => !inner(message));
    }
    case "OR": {
      const left = parseKey(cursor, depth + 1);
      const right = parseKey(cursor, depth + 1);
      return left && right && ((message) => left(message) || right(message));
    }
    case "UID":
      return inSet(textOf(cursor.tokens[cursor.at++]), cursor.uids, (message) => message.uid);
    case "SINCE":
    case "BEFORE":
    case "ON":
      return byDay(word, textOf(cursor.tokens[cursor.at++]), (message) => message.internalDate);
    case "SENTSINCE":
    case "SENTBEFORE":
    case "SENTON":
      return byDay(word.slice(4) as DayWord, textOf(cursor.tokens[cursor.at++]), (message) =>
        Date.parse(headerValue(message.bytes(), "date") ?? ""),
      );
    case "LARGER":
    case "SMALLER": {
      const limit = Number(textOf(cursor.tokens[cursor.at++]) ?? "x");
      if (!Number.isInteger(limit)) return undefined;
      return ({ size }) => (word === "LARGER" ? size > limit : size < limit);
    }
    case "HEADER": {
      const name = textOf(cursor.tokens[cursor.at++]);
      return name === undefined ? undefined : inHeader(name, textOf(cursor.tokens[cursor.at++]));
    }
    case "SUBJECT":
    case "FROM":
    case "TO":
    case "CC":
    case "BCC":
      return inHeader(word, textOf(cursor.tokens[cursor.at++]));
    case "TEXT":
    case "BODY": {
      const wanted = textOf(cursor.tokens[cursor.at++])?.toLowerCase();
      return wanted === undefined ? undefined : (message) => message.bytes().toString("latin1").toLowerCase().includes(wanted);
    }
    case "KEYWORD":
    case "UNKEYWORD": {
      const isMdn = textOf(cursor.tokens[cursor.at++])?.toLowerCase() === "$mdnsent";
      return ({ flags }) => (isMdn && (flags & flagBits.mdnSent) !== 0) === (word === "KEYWORD");
    }
    default:
      return inSet(
        word,
        cursor.uids.map((_, at) => at + 1),
        (message) => message.position + 1,
      );
  }
}

function inSet(text: string | undefined, numbers: readonly number[], of: (message: Searchable) => number): Predicate | undefined {
  const set = text === undefined ? undefined : parseSequenceSet(text);
  if (!set) return undefined;
  const members = new Set(positionsOfUids(set, numbers).map((at) => numbers[at]));
  return (message) => members.has(of(message));
}

function inHeader(name: string, wanted: string | undefined): Predicate | undefined {
  if (wanted === undefined) return undefined;
  const lower = wanted.toLowerCase();
  return (message) => headerValue(message.bytes(), name)?.toLowerCase().includes(lower) ?? false;
}

type DayWord = "SINCE" | "BEFORE" | "ON";
const dayMs = 86_400_000;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

function byDay(word: DayWord, text: string | undefined, of: (message: Searchable) => number): Predicate | undefined {
  const day = parseDay(text);
  if (day === undefined) return undefined;
  return (message) => {
    const at = of(message);
    if (word === "SINCE") return at >= day;
    return word === "BEFORE" ? at < day : at >= day && at < day + dayMs;
  };
}

/** `1-Feb-2026`, taken as UTC, in which INTERNALDATE is told. */
function parseDay(text: string | undefined): number | undefined {
  const match = /^([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})$/.exec(text ?? "");
  const month = months.indexOf(match?.[2]?.toLowerCase() ?? "");
  return match && month >= 0 ? Date.UTC(Number(match[3]), month, Number(match[1])) : undefined;
}

/** APPEND's date-time, ` 1-Feb-2026 10:00:00 +0100`, in milliseconds. */
export function parseDateTime(text: string): number | undefined {
  const match = /^([ 0-9][0-9]-[A-Za-z]{3}-[0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})$/.exec(text);
  const day = parseDay(match?.[1]?.trim());
  if (!match || day === undefined) return undefined;
  const zone = (Number(match[6]) * 60 + Number(match[7])) * 60_000 * (match[5] === "-" ? -1 : 1);
  return day + ((Number(match[2]) * 60 + Number(match[3])) * 60 + Number(match[4])) * 1000 - zone;
}
