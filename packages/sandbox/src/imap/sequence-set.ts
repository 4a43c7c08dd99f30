/** Message sets as clients write them: `1:5,9,20:*` (RFC 9051 section 9, sequence-set). Shared by sequence numbers and UIDs. */
export type SequenceSet = readonly (readonly [from: number | "*", to: number | "*"])[];

const maxNumber = 0xffff_ffff;
/** A command line is bounded anyway; this bounds the work that a line of single commas could ask for. */
const maxRanges = 10_000;

/** Undefined for anything that is no sequence set. */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  const parts = text.split(",");
  if (parts.length > maxRanges) return undefined;
  const set: [number | "*", number | "*"][] = [];
  for (const part of parts) {
    const colon = part.indexOf(":");
    const from = parseMember(colon < 0 ? part : part.slice(0, colon));
    const to = colon < 0 ? from : parseMember(part.slice(colon + 1));
    if (from === undefined || to === undefined) return undefined;
    set.push([from, to]);
  }
  return set;
}

function parseMember(text: string): number | "*" | undefined {
  if (text === "*") return "*";
  if (text.length === 0 || text.length > 10 || !/^[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= 1 && value <= maxNumber ? value : undefined;
}

/**
 * Positions (from 0, ascending) of the members among `uids`, which ascends. `*` is the last message, and `5:*` above the last one
 * names the last one, because a range has no direction (RFC 9051, seq-range).
 */
export function positionsOfUids(set: SequenceSet, uids: readonly number[]): number[] {
  const last = uids.at(-1);
  if (last === undefined) return [];
  return collect(set, last, (low, high) => [lowerBound(uids, low), lowerBound(uids, high + 1)]);
}

/** As above for sequence numbers 1 to `count`; undefined if a member is above `count` without a `*` beside it, which Exchange refuses. */
export function positionsOfNumbers(set: SequenceSet, count: number): number[] | undefined {
  if (count === 0) return undefined;
  for (const [from, to] of set) if (from !== "*" && to !== "*" && Math.max(from, to) > count) return undefined;
  return collect(set, count, (low, high) => [low - 1, Math.min(high, count)]);
}

function collect(set: SequenceSet, last: number, between: (low: number, high: number) => [from: number, end: number]): number[] {
  const spans = set.map(([a, b]): [number, number] => {
    const from = a === "*" ? last : a;
    const to = b === "*" ? last : b;
    return between(Math.min(from, to), Math.max(from, to));
  });
  spans.sort((a, b) => a[0] - b[0]);
  const positions: number[] = [];
  let next = 0;
  for (const [from, end] of spans) {
    for (let at = Math.max(from, next); at < end; at++) positions.push(at);
    next = Math.max(next, end);
  }
  return positions;
}

/** First position whose value is not below `value`. */
export function lowerBound(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
