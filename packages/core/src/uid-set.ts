/**
 * A set of UIDs as ascending, disjoint, non-adjacent inclusive ranges. Stays small for the dense sets that folders have,
 * and never expands a range into its members (T38: `1:4294967295` is one range).
 */
export type UidSet = readonly UidRange[];
export type UidRange = readonly [low: number, high: number];

/** UIDs are unsigned 32 bit and not zero (RFC 9051 2.3.1.1). */
export const maxUid = 0xffff_ffff;

export const emptyUidSet: UidSet = [];

export function isUid(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= maxUid;
}

/** From any order, with duplicates. */
export function uidSetOf(uids: Iterable<number>): UidSet {
  const sorted = [...uids].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const uid of sorted) {
    if (!isUid(uid)) throw new RangeError(`not a UID: ${uid}`);
    const last = ranges.at(-1);
    if (last && uid <= last[1] + 1) last[1] = Math.max(last[1], uid);
    else ranges.push([uid, uid]);
  }
  return ranges;
}

export function countUids(set: UidSet): number {
  let count = 0;
  for (const [low, high] of set) count += high - low + 1;
  return count;
}

export function hasUid(set: UidSet, uid: number): boolean {
  let left = 0;
  let right = set.length - 1;
  while (left <= right) {
    const middle = (left + right) >> 1;
    const [low, high] = set[middle] as UidRange;
    if (uid < low) right = middle - 1;
    else if (uid > high) left = middle + 1;
    else return true;
  }
  return false;
}

export function uniteUids(a: UidSet, b: UidSet): UidSet {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const takeA = j >= b.length || (i < a.length && (a[i] as UidRange)[0] <= (b[j] as UidRange)[0]);
    const [low, high] = (takeA ? a[i++] : b[j++]) as UidRange;
    const last = merged.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

/** Members of `a` that are not in `b`. */
export function subtractUids(a: UidSet, b: UidSet): UidSet {
  const out: [number, number][] = [];
  let j = 0;
  for (const [low, high] of a) {
    let from = low;
    while (j < b.length && (b[j] as UidRange)[1] < from) j++;
    for (let k = j; k < b.length && (b[k] as UidRange)[0] <= high; k++) {
      const [cutLow, cutHigh] = b[k] as UidRange;
      if (cutLow > from) out.push([from, cutLow - 1]);
      from = Math.max(from, cutHigh + 1);
    }
    if (from <= high) out.push([from, high]);
  }
  return out;
}

/** The UID that is so manyeth in a set, from 1 on; a RangeError where there are fewer. */
export function nthUid(set: UidSet, count: number): number {
  let left = count;
  for (const [low, high] of set) {
    if (left <= high - low + 1) return low + left - 1;
    left -= high - low + 1;
  }
  throw new RangeError("the set has fewer members");
}

export function* eachUid(set: UidSet): Generator<number> {
  for (const [low, high] of set) for (let uid = low; uid <= high; uid++) yield uid;
}

/** IMAP sequence-set text, such as `1:5,9` (RFC 9051 section 9, sequence-set). */
export function formatUidSet(set: UidSet): string {
  return set.map(([low, high]) => (low === high ? `${low}` : `${low}:${high}`)).join(",");
}

/** The inverse of {@link formatUidSet}, strict about order. @throws RangeError */
export function parseUidSet(text: string): UidSet {
  if (text === "") return emptyUidSet;
  const ranges: [number, number][] = [];
  for (const part of text.split(",")) {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(part);
    const low = Number(match?.[1]);
    const high = match?.[2] === undefined ? low : Number(match[2]);
    const last = ranges.at(-1)?.[1] ?? -1;
    if (!isUid(low) || !isUid(high) || low > high || low <= last + 1) throw new RangeError("not a UID set in ascending ranges");
    ranges.push([low, high]);
  }
  return ranges;
}

/** IMAP texts that together name the set, none longer than `maxLength` characters, so that no command line grows too long. */
export function chunkUidSet(set: UidSet, maxLength: number): string[] {
  const chunks: string[] = [];
  let current = "";
  for (const range of set) {
    const text = formatUidSet([range]);
    if (current !== "" && current.length + 1 + text.length > maxLength) {
      chunks.push(current);
      current = text;
    } else current = current === "" ? text : `${current},${text}`;
  }
  if (current !== "") chunks.push(current);
  return chunks;
}

/**
 * The set as places within another: 1 for the lowest member of `within`. Members that are next to each other there are adjacent, so that
 * holes of the one do not fragment the other. Members outside are left out.
 */
export function toRanks(set: UidSet, within: UidSet): UidSet {
  const ranks: [number, number][] = [];
  let before = 0;
  let at = 0;
  for (const [low, high] of within) {
    while (at < set.length && (set[at] as UidRange)[1] < low) at++;
    for (let i = at; i < set.length && (set[i] as UidRange)[0] <= high; i++) {
      const [from, to] = set[i] as UidRange;
      const first = before + Math.max(from, low) - low + 1;
      const end = before + Math.min(to, high) - low + 1;
      const last = ranks.at(-1);
      if (last && first <= last[1] + 1) last[1] = end;
      else ranks.push([first, end]);
    }
    before += high - low + 1;
  }
  return ranks;
}

/** The inverse of {@link toRanks}. @throws RangeError for a place that `within` does not have */
export function fromRanks(ranks: UidSet, within: UidSet): UidSet {
  const set: [number, number][] = [];
  let before = 0;
  let at = 0;
  for (const [low, high] of within) {
    const size = high - low + 1;
    while (at < ranks.length && (ranks[at] as UidRange)[1] <= before) at++;
    for (let i = at; i < ranks.length && (ranks[i] as UidRange)[0] <= before + size; i++) {
      const [from, to] = ranks[i] as UidRange;
      set.push([low + Math.max(from, before + 1) - before - 1, low + Math.min(to, before + size) - before - 1]);
    }
    before += size;
  }
  if ((ranks.at(-1)?.[1] ?? 0) > before) throw new RangeError("a place beyond the set");
  return set;
}
