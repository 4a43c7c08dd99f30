import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FolderCheckpoint, startCheckpoint } from "./checkpoint.ts";
import { compareNeed, comparedWith, type ComparePolicy, compareWindow } from "./compare.ts";
import { flagSetsOf } from "./flag-sets.ts";
import { eachUid, hasUid, uidSetOf } from "./uid-set.ts";

const policy: ComparePolicy = { recentMs: 1_000, wholeMs: 10_000, recentUids: 5 };
const start: FolderCheckpoint = {
  ...startCheckpoint({ uidValidity: "14", uidNext: 21, messages: 20 }, 1, false),
  backfillBelow: 1,
  isVerified: true,
  handedOff: [[1, 20]],
  flags: new Map([["\\Seen", [[1, 18]]]]),
};
const status = { messages: 20, uidNext: 21, uidValidity: "14", unseen: 2 };
const compared = { ...start, compared: comparedWith(status, start, { wholeAt: 0, recentAt: 0 }) };

describe("what a folder is owed", () => {
  test("is nothing while the counts agree and it is not yet time", () => {
    expect(compareNeed(status, compared, policy, 999)).toEqual({ kind: "none" });
  });

  test.each([
    ["a message is gone", { ...status, messages: 19 }, 1, { kind: "recent", low: 16 }],
    ["a message more is there than was listed", { ...status, messages: 21 }, 1, { kind: "recent", low: 16 }],
    ["one was read", { ...status, unseen: 1 }, 1, { kind: "recent", low: 16 }],
    ["it is time for the newest", status, 1_000, { kind: "recent", low: 16 }],
    ["it is time for all", status, 10_000, { kind: "whole" }],
  ])("is a look when %s", (_, now, at, need) => {
    expect(compareNeed(now, compared, policy, at)).toEqual(need);
  });

  test("is the whole after history, before which there is nothing to compare with", () => {
    expect(compareNeed(status, start, policy, 0)).toEqual({ kind: "whole" });
    expect(compareNeed(status, { ...start, isVerified: false }, policy, 0)).toEqual({ kind: "none" });
    expect(compareNeed({ ...status, messages: 0 }, { ...start, handedOff: [] }, policy, 0)).toEqual({ kind: "none" });
    expect(compareNeed(status, { ...start, handedOff: [], excludedBelow: 21 }, policy, 0)).toEqual({ kind: "none" });
  });

  test("is the whole where a folder that was empty at first sight shows what it hid", () => {
    expect(compareNeed(status, { ...start, handedOff: [] }, policy, 0)).toEqual({ kind: "whole" });
  });

  test("is what changed since, where the server numbers its changes", () => {
    const numbered = { ...start, compared: comparedWith({ ...status, highestModSeq: "7" }, start, { wholeAt: 0, recentAt: 0 }) };
    expect(compareNeed({ ...status, highestModSeq: "7" }, numbered, policy, 5_000)).toEqual({ kind: "none" });
    expect(compareNeed({ ...status, highestModSeq: "9" }, numbered, policy, 1)).toEqual({ kind: "since", since: "7" });
    // A removal need not change a mod-sequence (RFC 7162 asks for it, not every server does it).
    expect(compareNeed({ ...status, messages: 19, highestModSeq: "7" }, numbered, policy, 1)).toMatchObject({ kind: "recent" });
  });

  test("counts messages of a rule, or hidden ones, once: what did not move is not looked at again", () => {
    const more = { ...status, messages: 25, unseen: 4 };
    const withMore = { ...start, compared: comparedWith(more, start, { wholeAt: 0, recentAt: 0 }) };
    expect(compareNeed(more, withMore, policy, 1)).toEqual({ kind: "none" });
    expect(compareNeed({ ...more, messages: 24 }, withMore, policy, 1)).toMatchObject({ kind: "recent" });
  });
});

test("a window's changes are those of a comparison UID by UID", () => {
  const uid = fc.integer({ min: 1, max: 30 });
  const uids = fc.uniqueArray(uid, { maxLength: 20 });
  fc.assert(
    fc.property(
      fc.record({
        handedOff: uids,
        quarantined: uids,
        removed: uids,
        listed: uids,
        seen: uids,
        seenNow: uids,
        low: uid,
        high: uid,
        uidNext: uid,
        floor: uid,
      }),
      fc.boolean(),
      ({ handedOff, quarantined, removed, listed, seen, seenNow, low, high, uidNext, floor }, isComplete) => {
        const known = [...new Set([...handedOff, ...quarantined])];
        const gone = removed.filter((one) => known.includes(one));
        const checkpoint: FolderCheckpoint = {
          ...start,
          uidNext,
          backfillBelow: floor,
          handedOff: uidSetOf(handedOff),
          quarantined: uidSetOf(quarantined),
          removed: uidSetOf(gone),
          flags: flagSetsOf(
            seen.filter((one) => known.includes(one) && !gone.includes(one)).map((one) => ({ uid: one, flags: ["\\Seen"] })),
          ),
        };
        const inWindow = (one: number): boolean => one >= low && one <= high && one < uidNext;
        const shown = listed.filter(inWindow);
        const found = compareWindow(checkpoint, {
          low,
          high,
          listed: uidSetOf(listed),
          flags: flagSetsOf(seenNow.filter((one) => listed.includes(one)).map((one) => ({ uid: one, flags: ["\\Seen"] }))),
          isComplete,
        });
        const isPresent = (one: number): boolean => known.includes(one) && !gone.includes(one);
        const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
        expect([...eachUid(found.flagged)]).toEqual(
          sorted(shown.filter((one) => isPresent(one) && hasUid(checkpoint.flags.get("\\Seen") ?? [], one) !== seenNow.includes(one))),
        );
        expect([...eachUid(found.gone)]).toEqual(
          isComplete ? sorted(known.filter((one) => inWindow(one) && isPresent(one) && !listed.includes(one))) : [],
        );
        expect([...eachUid(found.back)]).toEqual(sorted(shown.filter((one) => gone.includes(one))));
        expect([...eachUid(found.missed)]).toEqual(sorted(shown.filter((one) => one >= floor && !known.includes(one))));
      },
    ),
  );
});
