import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chunkUidSet,
  countUids,
  eachUid,
  formatUidSet,
  hasUid,
  maxUid,
  packUidSet,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  unpackUidSet,
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

  test("reads back from its stored form", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: maxUid })), (list) => {
        const set = uidSetOf(list);
        expect(unpackUidSet(packUidSet(set))).toEqual(set);
      }),
    );
  });

  test("refuses stored text that it does not write itself", () => {
    for (const text of ["0", "1 1", " ", "1,2", "zzzzzzzz", "1.", "-1", "1 0"]) expect(() => unpackUidSet(text), text).toThrow(RangeError);
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
