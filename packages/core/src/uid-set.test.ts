import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chunkUidSet,
  countUids,
  eachUid,
  formatUidSet,
  fromRanks,
  parseUidSet,
  hasUid,
  maxUid,
  subtractUids,
  toRanks,
  type UidSet,
  uidSetOf,
  uniteUids,
} from "./uid-set.ts";

const uids = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 80 });
const isCanonical = (set: UidSet): boolean =>
  set.every(([low, high], i) => low <= high && (i === 0 || low > (set[i - 1] as [number, number])[1] + 1));

describe("a set of UIDs", () => {
  test("has exactly the members it was made of, in canonical ranges", () => {
    fc.assert(
      fc.property(uids, (list) => {
        const set = uidSetOf(list);
        expect(isCanonical(set)).toBe(true);
        expect([...eachUid(set)]).toEqual([...new Set(list)].sort((a, b) => a - b));
        expect(countUids(set)).toBe(new Set(list).size);
        for (let uid = 1; uid <= 201; uid++) expect(hasUid(set, uid)).toBe(list.includes(uid));
      }),
    );
  });

  test("unites and subtracts as sets do", () => {
    fc.assert(
      fc.property(uids, uids, (a, b) => {
        const [left, right] = [uidSetOf(a), uidSetOf(b)];
        expect(uniteUids(left, right)).toEqual(uidSetOf([...a, ...b]));
        expect(subtractUids(left, right)).toEqual(uidSetOf(a.filter((uid) => !b.includes(uid))));
      }),
    );
  });

  test("is placed within another set, and back", () => {
    fc.assert(
      fc.property(uids, uids, (a, b) => {
        const [set, within] = [uidSetOf(a), uidSetOf(b)];
        const members = [...eachUid(within)];
        const ranks = toRanks(set, within);
        expect(isCanonical(ranks)).toBe(true);
        expect([...eachUid(ranks)]).toEqual(members.flatMap((uid, at) => (a.includes(uid) ? [at + 1] : [])));
        expect(fromRanks(ranks, within)).toEqual(subtractUids(set, subtractUids(set, within)));
        expect(() => fromRanks([[members.length + 1, members.length + 1]], within)).toThrow(RangeError);
      }),
    );
  });

  test("goes on the wire in chunks that together name the same members", () => {
    fc.assert(
      fc.property(uids, fc.integer({ min: 10, max: 60 }), (list, length) => {
        const set = uidSetOf(list);
        const chunks = chunkUidSet(set, length);
        expect(chunks.join(",")).toBe(formatUidSet(set));
        for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(length);
      }),
    );
  });

  test("of the whole UID space is one range and costs nothing", () => {
    const all: UidSet = [[1, maxUid]];
    expect(countUids(subtractUids(all, [[5, 9]]))).toBe(maxUid - 5);
    expect(formatUidSet(uniteUids(all, uidSetOf([7])))).toBe(`1:${maxUid}`);
  });

  test.each([0, -1, 1.5, maxUid + 1, Number.NaN])("cannot hold %d", (value) => {
    expect(() => uidSetOf([value])).toThrow(RangeError);
  });
});

test("IMAP's text reads back as the set it was written from, and nothing else reads", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 })).map(uidSetOf), (set) => {
      expect(parseUidSet(formatUidSet(set))).toEqual(set);
    }),
  );
  for (const text of ["0", "5:3", "3,1", "1,2", "1:*", "x", "1,", "4294967296"]) expect(() => parseUidSet(text), text).toThrow(RangeError);
});
