import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flaggedUids, type FolderCheckpoint, goneOf, previousOf, startCheckpoint, withoutHistory } from "./checkpoint.ts";
import { flagSetsOf, intersectUids } from "./flag-sets.ts";
import { isNewerCheckpoint, packCheckpoint, unpackCheckpoint } from "./pack-checkpoint.ts";
import { resetCheckpoint } from "./plan.ts";
import { uidSetOf } from "./uid-set.ts";
import { spoolUidValidity } from "./uidl-book.ts";

const uid = fc.integer({ min: 1, max: 0xffff_ffff });
const seconds = fc.nat(2_000_000_000).map((at) => at * 1_000);
const checkpoints: fc.Arbitrary<FolderCheckpoint> = fc
  .record({
    generation: fc.nat(),
    uidValidity: fc.oneof(fc.bigInt({ min: 1n, max: 0xffff_ffffn }).map(String), fc.constantFrom(...Object.values(spoolUidValidity))),
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
      fc.record(
        { uid, internalDate: fc.integer({ min: -1e9, max: 1e10 }), digest: fc.stringMatching(/^[A-Za-z0-9_-]{0,8}$/) },
        { requiredKeys: ["uid", "digest"] },
      ),
      {
        maxLength: 2,
      },
    ),
    previous: fc.array(
      fc
        .record({
          folder: fc.string(),
          generation: fc.nat(),
          uidValidity: fc.nat().map(String),
          left: fc.array(uid, { maxLength: 9 }).map(uidSetOf),
          gone: fc.option(fc.array(uid, { maxLength: 9 }).map(uidSetOf), { nil: undefined }),
          hasSameUids: fc.boolean(),
        })
        .map(({ gone, ...rest }) => ({ ...rest, ...(gone && { gone }) })),
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
          top: fc.option(
            fc
              .record({ uidNext: uid, listed: fc.nat(), ends: fc.option(fc.tuple(uid, uid)) })
              .map(({ ends, ...top }) => ({ ...top, ...(ends && { ends }) })),
          ),
          hidden: fc.nat(3),
        })
        .map(({ unseen, modSeq, top, hidden, ...rest }) => ({
          ...rest,
          ...(top && { top }),
          ...(hidden > 0 && { hidden }),
          ...(unseen !== null && { unseenUncounted: unseen }),
          ...(modSeq !== null && { modSeq }),
        })),
      { nil: undefined },
    ),
    wantedFrom: fc.option(fc.nat(), { nil: undefined }),
    unlisted: fc.option(fc.record({ since: fc.nat(), tries: fc.nat() }), { nil: undefined }),
    uidls: fc.option(
      fc.array(fc.stringMatching(/^[!-~]{0,70}$/)).map((uidls) => ({ uidls })),
      { nil: undefined },
    ),
    leftoversFrom: fc.option(fc.nat(), { nil: undefined }),
    vanished: fc.option(fc.record({ uids: fc.array(uid, { maxLength: 9 }).map(uidSetOf), notBefore: fc.nat() }), { nil: undefined }),
    recheck: fc.option(fc.record({ low: uid, high: uid, tries: fc.nat(3), notBefore: fc.nat() }), { nil: undefined }),
  })
  .map(({ recheck, compared, unlisted, wantedFrom, uidls, vanished, leftoversFrom, ...rest }) => ({
    ...rest,
    ...(uidls && { uidls }),
    ...(vanished && { vanished }),
    ...(leftoversFrom !== undefined && { leftoversFrom }),
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
    good.replace("{", '{"f":3,'),
    good.replace('"n":5', '"n":5,"i":"5*"'),
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

test("a reset remembers what was told as removed, the newest of it", () => {
  const status = { uidValidity: "1", uidNext: 9_000, messages: 1 };
  const before = { ...startCheckpoint(status, 1, false), handedOff: uidSetOf([1, 2, 3, 8_000]) };
  expect(goneOf(before)).toEqual({});
  expect(previousOf("INBOX", { ...before, removed: [[1, 3]] })).toMatchObject([{ left: [[8_000, 8_000]], gone: [[1, 3]] }]);
  expect(
    goneOf({
      ...before,
      removed: [
        [1, 1_500],
        [3_000, 3_099],
      ],
    }),
  ).toEqual({
    gone: [
      [601, 1_500],
      [3_000, 3_099],
    ],
  });
});

test("an empty folder has no history to fetch", () => {
  expect(startCheckpoint({ uidValidity: "1", uidNext: 900, messages: 0 }, 1, false)).toMatchObject({ backfillBelow: 1, isVerified: true });
});

describe("a version that knows folders alone", () => {
  const folder = startCheckpoint({ uidValidity: "14", uidNext: 5, messages: 2 }, 1, false);
  const spool = startCheckpoint({ uidValidity: spoolUidValidity.ownNumbers, uidNext: 5, messages: 2 }, 1, false);
  /** What such a version does not read: see `isNewerCheckpoint`. */
  const format = (checkpoint: FolderCheckpoint): unknown => (JSON.parse(packCheckpoint(checkpoint)) as { f?: unknown }).f;

  test.each([
    ["a spool", spool],
    ["a spool with dealt numbers", { ...spool, uidValidity: spoolUidValidity.dealtNumbers, uidls: { uidls: ["a"] } }],
    [
      "a folder that was a spool and is not found again yet",
      resetCheckpoint("INBOX", { ...folder, messages: 2 }, { ...spool, handedOff: [[1, 2]] }),
    ],
    ["a folder with a message without a date", { ...folder, spots: [{ uid: 3, digest: "abcd" }] }],
  ])("leaves %s alone", (_what, checkpoint) => {
    expect(format(checkpoint)).toBe(2);
    expect(isNewerCheckpoint(packCheckpoint(checkpoint))).toBe(false);
  });

  test("reads what has nothing of a spool", () => {
    expect(format({ ...folder, spots: [{ uid: 3, internalDate: 5, digest: "abcd" }] })).toBeUndefined();
  });
});
