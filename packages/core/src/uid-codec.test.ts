import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeUidSet, encodeUidSet } from "./uid-codec.ts";
import { countUids, eachUid, maxUid, uidSetOf } from "./uid-set.ts";

const sets = fc
  .oneof(
    fc.array(fc.integer({ min: 1, max: maxUid }), { maxLength: 60 }),
    fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 }),
    fc.constant([1, maxUid]),
  )
  .map(uidSetOf);

test("a set reads back from its text", () => {
  fc.assert(fc.property(sets, (set) => void expect(decodeUidSet(encodeUidSet(set))).toEqual(set)));
  for (const set of [
    [],
    [[1, maxUid]],
    [[maxUid, maxUid]],
    [
      [1, 1],
      [3, maxUid],
    ],
  ] as const)
    expect(decodeUidSet(encodeUidSet(set))).toEqual(set);
});

test("any other text is refused or is a set, and takes no memory of its own", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 40 }), fc.stringMatching(/^[A-Za-z0-9_-]{0,60}$/)), (text) => {
      let set;
      try {
        set = decodeUidSet(text);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        return;
      }
      expect(encodeUidSet(set).length).toBeLessThanOrEqual(text.length + 12);
      expect(
        set.every(([low, high], at) => low >= 1 && low <= high && high <= maxUid && (at === 0 || low > (set[at - 1]?.[1] ?? 0) + 1)),
      ).toBe(true);
    }),
  );
  for (const text of ["a b", "A", "________", `${encodeUidSet([[5, 9]])}A`, encodeUidSet([[5, 900_000]]).slice(0, -1)]) {
    expect(() => decodeUidSet(text), text).toThrow(RangeError);
  }
});

test("a dense set is a few characters, and one of which every tenth member is missing about a character and a half a range", () => {
  expect(encodeUidSet([[1, 23_071]]).length).toBeLessThan(10);
  const chance = seeded(7);
  const scattered = uidSetOf(Array.from({ length: 100_000 }, (_, n) => n + 1).filter(() => chance() > 0.1));
  expect(countUids(scattered)).toBe([...eachUid(scattered)].length);
  expect(encodeUidSet(scattered).length / scattered.length).toBeLessThan(1.5);
});

/** Mulberry32: the same numbers each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
