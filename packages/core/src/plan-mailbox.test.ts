import { describe, expect, test } from "vitest";
import { startCheckpoint } from "./checkpoint.ts";
import { emptyLedger } from "./ledger.ts";
import { guessHistory, type PlanRules, planWork } from "./plan-mailbox.ts";
import type { FolderStatus, StoredCheckpoint } from "./ports.ts";
import { spoolUidValidity } from "./uidl-book.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 2);
const rules: PlanRules = { backfill: true, compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 } };
const server: FolderStatus = { messages: 100, uidNext: 201, uidValidity: "7" };

function stored(change: object = {}, toDo = 0): StoredCheckpoint {
  const compared = { wholeAt: now, recentAt: now, uncounted: 0 };
  const known = { handedOff: [[101, 200] as const], compared };
  const checkpoint = { ...startCheckpoint(server, 1, false), backfillBelow: 1, isVerified: true, ...known, ...change };
  return { version: 1, checkpoint, ledger: { ...emptyLedger, listed: 100, handedOff: 100 - toDo, toDo } };
}

describe("the plan of a folder", () => {
  test.each([
    ["seen for the first time is all history", server, undefined, { work: "first sight", fresh: 0, history: 100 }],
    ["in which nothing moved has nothing to do", server, stored(), { work: "nothing", fresh: 0, history: 0 }],
    ["with new UIDs has that much new mail at most", { ...server, messages: 103, uidNext: 204 }, stored(), { work: "fresh", fresh: 3 }],
    ["with more new UIDs than messages has no more than those", { ...server, messages: 2, uidNext: 900 }, stored(), { fresh: 2 }],
    ["whose history is not done has the rest of it", server, stored({ backfillBelow: 41 }, 40), { work: "history", history: 40 }],
    ["with another UIDVALIDITY begins again", { ...server, uidValidity: "8" }, stored(), { work: "reset", history: 100 }],
    ["whose UIDNEXT went back begins again", { ...server, uidNext: 150 }, stored(), { work: "reset" }],
    ["whose count does not fit is compared", { ...server, messages: 99 }, stored(), { work: "compare", fresh: 0, history: 0 }],
    ["that cannot be read begins again", server, { ...stored(), checkpoint: undefined }, { work: "unreadable", history: 100 }],
    ["of a newer version is left alone", server, { ...stored(), checkpoint: undefined, isNewer: true }, { work: "newer", history: 0 }],
  ] as const)("%s", (_name, status, checkpoint, expected) => {
    expect(planWork("INBOX", status, checkpoint, rules, now)).toMatchObject(expected);
  });

  test("has no history where none is wanted", () => {
    expect(planWork("INBOX", server, undefined, { ...rules, backfill: false }, now)).toMatchObject({ work: "first sight", history: 0 });
  });

  test("of a spool whose newest message went is no reset", () => {
    const spool = { ...server, uidValidity: spoolUidValidity.ownNumbers };
    const checkpoint = { ...startCheckpoint(spool, 1, false), backfillBelow: 1, isVerified: true };
    const before = { version: 1, checkpoint, ledger: emptyLedger };
    expect(planWork("INBOX", { ...spool, uidNext: 200, messages: 99 }, before, rules, now).work).not.toBe("reset");
  });
});

test("a history is guessed in turns: as many messages as fit into a turn's time, and no more than a turn may take", () => {
  expect(guessHistory(2_500, { messages: 1_000, seconds: 20 }, 50)).toEqual({ turns: 3, seconds: 50 });
  expect(guessHistory(100, { messages: 1_000, seconds: 20 }, 1)).toEqual({ turns: 5, seconds: 100 });
  expect(guessHistory(0, { messages: 1_000, seconds: 20 }, 50)).toEqual({ turns: 0, seconds: 0 });
});
