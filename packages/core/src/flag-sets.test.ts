import fc from "fast-check";
import { expect, test } from "vitest";
import { changedFlags, countFlagRanges, type FlagRow, flagSetsOf, intersectUids, trimFlags, withFlags } from "./flag-sets.ts";
import { countUids, eachUid, hasUid, uidSetOf } from "./uid-set.ts";

const uid = fc.integer({ min: 1, max: 60 });
const flag = fc.constantFrom("\\Seen", "\\Flagged", "\\Answered", "$MDNSent", "work", "__proto__");
/** One row for each of some UIDs. */
const rows: fc.Arbitrary<readonly FlagRow[]> = fc
  .uniqueArray(uid, { maxLength: 25 })
  .chain((uids) => fc.tuple(...uids.map((one) => fc.uniqueArray(flag, { maxLength: 4 }).map((flags) => ({ uid: one, flags })))));

const flagsOf = (sets: ReturnType<typeof flagSetsOf>, one: number): string[] =>
  [...sets]
    .filter(([, set]) => hasUid(set, one))
    .map(([name]) => name)
    .sort();

test("sets say of each message what its row said", () => {
  fc.assert(
    fc.property(rows, (list) => {
      const sets = flagSetsOf(list);
      for (const row of list) expect(flagsOf(sets, row.uid)).toEqual([...row.flags].sort());
    }),
  );
});

test("what changed is exactly the messages whose flags differ, and taking the new ones over leaves nothing changed", () => {
  fc.assert(
    fc.property(rows, rows, (before, now) => {
      const both = before.filter((row) => now.some((other) => other.uid === row.uid)).map((row) => row.uid);
      const within = uidSetOf(both);
      const [had, has] = [flagSetsOf(before), flagSetsOf(now)];
      const differ = both.filter((one) => flagsOf(had, one).join() !== flagsOf(has, one).join());
      const changed = changedFlags(had, has, within);
      expect([...eachUid(changed)]).toEqual(differ.toSorted((a, b) => a - b));
      const kept = new Map([...has].map(([name, set]) => [name, intersectUids(set, changed)]));
      expect(countUids(changedFlags(withFlags(had, changed, kept), has, within))).toBe(0);
    }),
  );
});

test("flags of a session, such as \\Recent, are not a message's", () => {
  expect([...flagSetsOf([{ uid: 1, flags: ["\\Recent", "\\recent"] }])]).toEqual([]);
});

test("sets that grew too many ranges lose their oldest messages, and say from where on they are right", () => {
  const alternating = flagSetsOf(Array.from({ length: 1_000 }, (_, n) => ({ uid: n + 1, flags: n % 2 ? ["\\Seen"] : ["\\Flagged"] })));
  const { flags, from } = trimFlags(alternating, 1, 100);
  expect(countFlagRanges(flags)).toBeLessThanOrEqual(100);
  expect(from).toBeGreaterThan(900);
  for (let one = from; one <= 1_000; one++) expect(flagsOf(flags, one)).toEqual(flagsOf(alternating, one));
  expect(trimFlags(flags, from, 100)).toEqual({ flags, from });
});
