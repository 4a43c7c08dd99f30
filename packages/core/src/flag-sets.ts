import { decodeUidSet, encodeUidSet } from "./uid-codec.ts";
import { countUids, emptyUidSet, fromRanks, subtractUids, toRanks, uniteUids, type UidSet, uidSetOf } from "./uid-set.ts";

/**
 * Which messages of a folder have which flag: flag as the server spells it -> UIDs, flags in code unit order, no empty set.
 * Range-encoded, so that a folder of read mail costs one range whatever its size.
 */
export type FlagSets = ReadonlyMap<string, UidSet>;

export const noFlags: FlagSets = new Map();

/** One message's flags. */
export interface FlagRow {
  readonly uid: number;
  readonly flags: readonly string[];
}

/** Flags that tell about a session, not about the message (RFC 9051 2.3.2). */
const sessionFlags = new Set(["\\recent"]);

/**
 * Flags beyond these many in one folder are not followed: system flags come first, keywords by name. Exchange has six in all;
 * Dovecot allows 26 keywords a folder.
 */
const followedFlags = 40;

export function flagSetsOf(rows: Iterable<FlagRow>): FlagSets {
  const uids = new Map<string, number[]>();
  for (const { uid, flags } of rows) {
    for (const flag of flags) {
      const list = uids.get(flag);
      if (list) list.push(uid);
      else uids.set(flag, [uid]);
    }
  }
  const followed = [...uids].filter(([flag]) => !sessionFlags.has(flag.toLowerCase()));
  return tidy(followed.map(([flag, list]) => [flag, uidSetOf(list)] as const));
}

/** The sets with these messages' flags replaced by what the rows say. */
export function withFlags(sets: FlagSets, uids: UidSet, now: FlagSets): FlagSets {
  const names = new Set([...sets.keys(), ...now.keys()]);
  return tidy(
    [...names].map((flag) => [flag, uniteUids(subtractUids(sets.get(flag) ?? emptyUidSet, uids), now.get(flag) ?? emptyUidSet)] as const),
  );
}

/** The sets without these messages. */
export function withoutFlags(sets: FlagSets, uids: UidSet): FlagSets {
  return withFlags(sets, uids, noFlags);
}

/** Messages whose flags differ, among `within`. Flags that are not followed do not count. */
export function changedFlags(before: FlagSets, now: FlagSets, within: UidSet): UidSet {
  let changed: UidSet = emptyUidSet;
  for (const flag of new Set([...before.keys(), ...now.keys()])) {
    const had = before.get(flag) ?? emptyUidSet;
    const has = now.get(flag) ?? emptyUidSet;
    changed = uniteUids(changed, uniteUids(subtractUids(had, has), subtractUids(has, had)));
  }
  return intersectUids(changed, within);
}

export function intersectUids(a: UidSet, b: UidSet): UidSet {
  return subtractUids(a, subtractUids(a, b));
}

/** How many ranges the sets hold together: what they cost to store. */
export function countFlagRanges(sets: FlagSets): number {
  let count = 0;
  for (const set of sets.values()) count += set.length;
  return count;
}

/**
 * The sets without the oldest messages, so that at most half of `maxRanges` ranges are left when they had grown beyond it.
 * @param from flags below this are not followed already
 * @returns the sets, and the UID from which on they are followed
 */
export function trimFlags(sets: FlagSets, from: number, maxRanges: number): { readonly flags: FlagSets; readonly from: number } {
  const lows = [...sets.values()].flatMap((set) => set.map(([low]) => low));
  const cut = lows.length > maxRanges ? (lows.sort((a, b) => b - a)[Math.floor(maxRanges / 2)] ?? from) : from;
  const newFrom = Math.max(from, cut);
  if (newFrom <= 1) return { flags: sets, from: 1 };
  return { flags: tidy([...sets].map(([flag, set]) => [flag, subtractUids(set, [[1, newFrom - 1]])] as const)), from: newFrom };
}

export function countWithFlag(sets: FlagSets, flag: string, within: UidSet): number {
  return countUids(intersectUids(sets.get(flag) ?? emptyUidSet, within));
}

/** In nearly every folder, so they are stored by one digit. */
const systemFlags = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"] as const;
const shortNames: ReadonlyMap<string, string> = new Map(systemFlags.map((flag, at) => [flag, String(at)]));
const longNames: ReadonlyMap<string, string> = new Map(systemFlags.map((flag, at) => [String(at), flag]));

/** A keyword that is a digit itself gets a space in front, which no flag has (RFC 9051: it is an atom). */
function shortName(flag: string): string {
  return shortNames.get(flag) ?? (/^ *\d$/.test(flag) ? ` ${flag}` : flag);
}

function longName(name: string): string {
  return longNames.get(name) ?? (/^ +\d$/.test(name) ? name.slice(1) : name);
}

/**
 * Where all flags are the system's, as in nearly every folder, a text: digit and set, joined by spaces. Else an object by name.
 * @param present the messages of the folder, which all sets are part of
 */
export function packFlagSets(sets: FlagSets, present: UidSet): string | Readonly<Record<string, string>> {
  const packed = [...sets].map(([flag, set]) => [shortName(flag), encodeUidSet(toRanks(set, present))] as const);
  return packed.every(([name]) => longNames.has(name)) ? packed.map(([name, text]) => name + text).join(" ") : Object.fromEntries(packed);
}

/** @throws RangeError for anything {@link packFlagSets} does not write */
export function unpackFlagSets(packed: unknown, present: UidSet): FlagSets {
  return new Map(entriesOf(packed).map(([name, text]) => [longName(name), fromRanks(decodeUidSet(text), present)]));
}

function entriesOf(packed: unknown): readonly (readonly [name: string, text: string])[] {
  if (typeof packed === "string") return packed.split(" ").map((part) => [systemName(part), part.slice(1)]);
  if (typeof packed !== "object" || packed === null || Array.isArray(packed)) throw new RangeError("not packed flag sets");
  return Object.entries(packed).map(([name, text]: [string, unknown]) => {
    if (typeof text !== "string") throw new RangeError("not packed flag sets");
    return [name, text];
  });
}

function systemName(part: string): string {
  const name = part.slice(0, 1);
  if (!longNames.has(name)) throw new RangeError("not packed flag sets");
  return name;
}

function tidy(entries: readonly (readonly [string, UidSet])[]): FlagSets {
  const kept = entries.filter(([, set]) => set.length > 0).sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
  return new Map(kept.slice(0, followedFlags));
}

/** System flags in front. */
function rank(flag: string): string {
  return flag.startsWith("\\") ? `0${flag}` : `1${flag}`;
}
