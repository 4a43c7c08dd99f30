import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accountBasis, accountByCount, accountByListing, type AccountSets, sumAccounts } from "./account-folder.ts";
import { type FolderCheckpoint, startCheckpoint } from "./checkpoint.ts";
import { countUids, subtractUids, type UidSet, uidSetOf, uniteUids } from "./uid-set.ts";

const status = { messages: 10, uidNext: 21, uidValidity: "14" };

function checkpoint(given: Partial<FolderCheckpoint> = {}): FolderCheckpoint {
  return { ...startCheckpoint(status, 1, false), backfillBelow: 1, isVerified: true, ...given };
}

function account(given: Partial<FolderCheckpoint>, uids: readonly number[], isLeftOut = false) {
  const listed = uidSetOf(uids);
  return accountByListing({ status: { ...status, messages: uids.length }, checkpoint: checkpoint(given), isLeftOut }, listed);
}

describe("an account by listing", () => {
  test("a listed UID that is in no set of a finished folder is a gap", () => {
    const { counts, sets } = account({ handedOff: [[1, 9]], quarantined: [[10, 10]] }, [1, 2, 9, 10, 11]);
    expect(sets?.gaps).toEqual([[11, 11]]);
    expect(counts).toMatchObject({ listed: 5, handedOff: 3, quarantined: 1, gaps: 1, toDo: 0, excluded: 0, extras: 6 });
  });

  test("what mailfleet knows to be open is to do: new mail, history, owed messages, ranges to be listed again", () => {
    const retry = [{ uid: 12, tries: 1, notBefore: 0 }];
    const recheck = { low: 15, high: 16, tries: 0, notBefore: 0 };
    const { sets } = account({ backfillBelow: 5, handedOff: [[5, 9]], retry, recheck }, [1, 4, 5, 12, 13, 15, 21, 30]);
    expect(sets?.toDo).toEqual(uidSetOf([1, 4, 12, 15, 21, 30]));
    expect(sets?.gaps).toEqual([[13, 13]]);
  });

  test("what a rule leaves out is excluded, up to where it applies", () => {
    expect(account({ excludedBelow: 10, handedOff: [[12, 12]] }, [3, 9, 12]).counts).toMatchObject({ excluded: 2, handedOff: 1, gaps: 0 });
  });

  test("of a folder that is left out by now, what was handed off counts as that and the rest as excluded", () => {
    expect(account({ handedOff: [[1, 2]] }, [1, 2, 3, 40], true).counts).toMatchObject({ handedOff: 2, excluded: 2, gaps: 0, toDo: 0 });
  });

  test("what was told as removed is no extra", () => {
    expect(account({ handedOff: [[1, 5]], removed: [[2, 3]] }, [1]).sets?.extras).toEqual([[4, 5]]);
  });

  test("messages that the server counts and does not list are unaccounted for", () => {
    const question = { status: { ...status, messages: 3 }, checkpoint: checkpoint({ handedOff: [[1, 1]] }), isLeftOut: false };
    expect(accountByListing(question, [[1, 1]]).counts).toMatchObject({ listed: 3, handedOff: 1, hidden: 2 });
  });

  const someUids = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }).map(uidSetOf);
  test("every listed UID is in exactly one part, and the counts add up, whatever the checkpoint", () => {
    const question = fc.record({
      listed: someUids,
      handedOff: someUids,
      quarantined: someUids,
      removed: someUids,
      retry: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 }),
      uidNext: fc.integer({ min: 1, max: 70 }),
      backfillBelow: fc.integer({ min: 1, max: 70 }),
      excludedBelow: fc.integer({ min: 1, max: 70 }),
      isLeftOut: fc.boolean(),
    });
    fc.assert(
      fc.property(question, ({ listed, isLeftOut, retry, ...rest }) => {
        const given = checkpoint({ ...rest, retry: retry.map((uid) => ({ uid, tries: 0, notBefore: 0 })) });
        const found = accountByListing({ status: { ...status, messages: countUids(listed) }, checkpoint: given, isLeftOut }, listed);
        const { extras, ...parts } = found.sets as AccountSets;
        const all = Object.values(parts).reduce<UidSet>(uniteUids, []);
        expect(all).toEqual(listed);
        expect(Object.values(parts).reduce((sum, set) => sum + countUids(set), 0)).toBe(countUids(listed));
        expect(subtractUids(extras, listed)).toEqual(extras);
        const { counts } = found;
        expect(counts.listed).toBe(counts.handedOff + counts.excluded + counts.quarantined + counts.toDo + counts.gaps + counts.hidden);
      }),
    );
  });
});

describe("an account by count", () => {
  test.each([
    ["a folder that was never begun is to do", undefined, false, { toDo: 10 }],
    ["a folder that a rule leaves out is excluded", undefined, true, { excluded: 10 }],
    ["a folder that a rule left out until now is to do", checkpoint({ isExcluded: true }), false, { toDo: 10 }],
    ["a folder whose UIDs were dealt anew is to do", checkpoint({ uidValidity: "13", handedOff: [[1, 3]] }), false, { toDo: 10 }],
    ["a folder whose UIDNEXT went back is to do", checkpoint({ uidNext: 22, handedOff: [[1, 3]] }), false, { toDo: 10 }],
  ])("%s", (_, stored, isLeftOut, counts) => {
    expect(accountByCount({ status, checkpoint: stored, isLeftOut })?.counts).toMatchObject({ listed: 10, gaps: 0, ...counts });
  });

  test("an empty folder needs no listing to show what is gone from it", () => {
    const empty = { ...status, messages: 0 };
    expect(accountByCount({ status: empty, checkpoint: checkpoint({ handedOff: [[4, 6]] }), isLeftOut: false })?.counts).toMatchObject({
      listed: 0,
      extras: 3,
    });
  });

  test("a folder that was begun must be listed", () => {
    expect(accountByCount({ status, checkpoint: checkpoint(), isLeftOut: false })).toBeUndefined();
  });
});

test("the basis of an account changes with what the account depends on, and with nothing else", () => {
  const before = accountBasis(checkpoint({ handedOff: [[1, 3]] }), false);
  expect(accountBasis(checkpoint({ handedOff: [[1, 3]], flags: new Map([["\\Seen", [[1, 1]]]]) }), false)).toBe(before);
  const others: Partial<FolderCheckpoint>[] = [
    { handedOff: [[1, 4]] },
    { quarantined: [[5, 5]] },
    { removed: [[1, 1]] },
    { uidNext: 22 },
    { backfillBelow: 2 },
    { excludedBelow: 2 },
    { generation: 2 },
    { retry: [{ uid: 7, tries: 0, notBefore: 0 }] },
    { recheck: { low: 1, high: 2, tries: 0, notBefore: 0 } },
  ];
  for (const other of others)
    expect(accountBasis(checkpoint({ handedOff: [[1, 3]], ...other }), false), JSON.stringify(other)).not.toBe(before);
  expect(accountBasis(checkpoint({ handedOff: [[1, 3]] }), true)).not.toBe(before);
});

test("accounts sum part by part", () => {
  const { counts } = account({ handedOff: [[1, 2]] }, [1, 2, 3]);
  expect(sumAccounts([counts, counts])).toMatchObject({ listed: 6, handedOff: 4, gaps: 2 });
});
