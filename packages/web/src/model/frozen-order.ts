import type { MailboxRow } from "@mailfleet/core/console";

export interface KeptOrder {
  /** In the order in which they are shown now, with their newest facts. */
  readonly rows: readonly MailboxRow[];
  /** How many rows would move, come or go if the list were sorted again. */
  readonly moves: number;
}

/**
 * While somebody reads, types or selects, nothing moves: rows keep their places, new ones wait, and those that would leave stay. What is
 * shown has the newest facts all the same.
 */
export function keepOrder(shown: readonly MailboxRow[], sorted: readonly MailboxRow[]): KeptOrder {
  const places = new Map(sorted.map((row, i) => [keyOf(row), i]));
  const before = shown.map((row) => places.get(keyOf(row)));
  const stays = before.filter((place) => place !== undefined);
  return {
    rows: shown.map((row, i) => sorted[before[i] ?? -1] ?? row),
    moves: stays.length - longestRising(stays) + (shown.length - stays.length) + (sorted.length - stays.length),
  };
}

/** Names a row beyond one console process. */
export function keyOf({ tenant, address }: Pick<MailboxRow, "tenant" | "address">): string {
  return `${tenant}/${address}`;
}

/** Length of the longest rising subsequence: what need not move. */
function longestRising(places: readonly number[]): number {
  // ends[k] is the smallest place that a rising run of k + 1 can end with.
  const ends: number[] = [];
  for (const place of places) {
    const k = ends.findIndex((end) => end >= place);
    ends[k === -1 ? ends.length : k] = place;
  }
  return ends.length;
}
