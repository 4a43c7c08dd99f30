import fc from "fast-check";
import { expect, test } from "vitest";
import { flaggedUids, type FolderCheckpoint, startCheckpoint, withoutHistory } from "./checkpoint.ts";
import { flagSetsOf, intersectUids } from "./flag-sets.ts";
import { packCheckpoint, unpackCheckpoint } from "./pack-checkpoint.ts";
import { uidSetOf } from "./uid-set.ts";

const uid = fc.integer({ min: 1, max: 0xffff_ffff });
const seconds = fc.nat(2_000_000_000).map((at) => at * 1_000);
const checkpoints: fc.Arbitrary<FolderCheckpoint> = fc
  .record({
    generation: fc.nat(),
    uidValidity: fc.bigInt({ min: 1n, max: 0xffff_ffffn }).map(String),
    uidNext: uid,
    backfillBelow: uid,
    handedOff: fc.array(uid, { maxLength: 30 }).map(uidSetOf),
    quarantined: fc.array(uid, { maxLength: 5 }).map(uidSetOf),
    retry: fc.array(fc.record({ uid, tries: fc.nat(5), notBefore: fc.nat() }), { maxLength: 3 }),
    isResync: fc.boolean(),
    isVerified: fc.boolean(),
    isExcluded: fc.boolean(),
    removed: fc.array(uid, { maxLength: 5 }).map(uidSetOf),
    excludedBelow: uid,
    flags: fc
      .array(fc.record({ uid, flags: fc.array(fc.constantFrom("\\Seen", "\\Flagged", "$MDNSent", "__proto__"), { maxLength: 3 }) }), {
        maxLength: 9,
      })
      .map(flagSetsOf),
    flagsFrom: uid,
    spots: fc.array(
      fc.record({ uid, internalDate: fc.integer({ min: -1e9, max: 1e10 }), digest: fc.stringMatching(/^[A-Za-z0-9_-]{0,8}$/) }),
      {
        maxLength: 2,
      },
    ),
    previous: fc.array(
      fc.record({
        folder: fc.string(),
        generation: fc.nat(),
        uidValidity: fc.nat().map(String),
        left: fc.array(uid, { maxLength: 9 }).map(uidSetOf),
        hasSameUids: fc.boolean(),
      }),
      { maxLength: 2 },
    ),
    compared: fc.option(
      fc
        .record({
          wholeAt: seconds,
          recentAt: seconds,
          uncounted: fc.integer(),
          unseen: fc.option(fc.integer()),
          modSeq: fc.option(fc.constant("715194045007")),
        })
        .map(({ unseen, modSeq, ...rest }) => ({
          ...rest,
          ...(unseen !== null && { unseenUncounted: unseen }),
          ...(modSeq !== null && { modSeq }),
        })),
      { nil: undefined },
    ),
    wantedFrom: fc.option(fc.nat(), { nil: undefined }),
    unlisted: fc.option(fc.record({ since: fc.nat(), tries: fc.nat() }), { nil: undefined }),
    recheck: fc.option(fc.record({ low: uid, high: uid, tries: fc.nat(3), notBefore: fc.nat() }), { nil: undefined }),
  })
  .map(({ recheck, compared, unlisted, wantedFrom, ...rest }) => ({
    ...rest,
    ...(recheck && { recheck }),
    ...(compared && { compared }),
    ...(unlisted && { unlisted }),
    ...(wantedFrom !== undefined && { wantedFrom }),
  }))
  .map(withPossibleFlags);

/** Only messages that are there, or that a renamed folder is still to take over, have flags. */
function withPossibleFlags(checkpoint: FolderCheckpoint): FolderCheckpoint {
  const possible = flaggedUids(checkpoint);
  const flags = [...checkpoint.flags].map(([flag, set]) => [flag, intersectUids(set, possible)] as const);
  return { ...checkpoint, flags: new Map(flags.filter(([, set]) => set.length > 0)) };
}

test("a checkpoint reads back as it was stored", () => {
  fc.assert(fc.property(checkpoints, (checkpoint) => void expect(unpackCheckpoint(packCheckpoint(checkpoint))).toEqual(checkpoint)));
});

test("anything else is not taken for a checkpoint, and does not throw", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void expect(unpackCheckpoint(text)).toBeUndefined()));
  const good = packCheckpoint(startCheckpoint({ uidValidity: "1", uidNext: 5, messages: 2 }, 1, false));
  for (const broken of [
    good.replace("{", '{"f":2,'),
    good.replace('"n":5', '"n":-5'),
    good.replace('"n":5', '"n":5,"h":"x y z !"'),
    good.replace('"n":5', '"n":5,"l":{"x":"AAAA"}'),
    good.slice(0, -1),
  ]) {
    expect(unpackCheckpoint(broken), broken).toBeUndefined();
  }
});

test("a quiet mailbox of seven folders stays far below 2 KB", () => {
  const folder = startCheckpoint({ uidValidity: "170535", uidNext: 23_072, messages: 20_000 }, 1, false);
  const quiet = packCheckpoint({ ...withoutHistory(folder), handedOff: [[1, 23_071]] });
  expect(quiet.length * 7).toBeLessThan(1_000);
});

test("an empty folder has no history to fetch", () => {
  expect(startCheckpoint({ uidValidity: "1", uidNext: 900, messages: 0 }, 1, false)).toMatchObject({ backfillBelow: 1, isVerified: true });
});
