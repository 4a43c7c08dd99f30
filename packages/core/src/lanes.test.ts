import { describe, expect, test } from "vitest";
import type { Cause } from "./cause.ts";
import { idleLanes, type LaneGuest, type LaneServer, type LanesServedAt, laneWaiting, laneWorkers, unservedLanes } from "./lanes.ts";
import { describeLane } from "./words/lane-words.ts";

const now = Date.UTC(2026, 10, 27, 14, 0);
const minute = 60_000;
const cause: Cause = { code: "SERVER_THROTTLED", scope: "mailbox", state: "waiting", since: now, nextAt: now + minute, tries: 1, text: "" };
const mailbox = (given: Partial<LaneGuest> = {}): LaneGuest => ({ nextAt: now + minute, hasHistory: false, isSyncing: false, ...given });
const worker = (...lanes: readonly ("fresh" | "backfill")[]) => ({ role: "worker", lanes });
const longAgo = { fresh: now - 12 * minute, backfill: now - 12 * minute };
const due = [mailbox({ nextAt: now - 1 }), mailbox({ nextAt: now, hasHistory: true }), mailbox()];

test("new mail waits where a mailbox is due or was never looked at, history where some is left; not what is parked, nor new mail while a session looks", () => {
  const mailboxes = [
    ...due,
    { hasHistory: true, isSyncing: false },
    mailbox({ nextAt: now, hasHistory: true, isSyncing: true }),
    mailbox({ nextAt: now, hasHistory: true, parkedBy: { name: "anna", at: now } }),
    mailbox({ hasHistory: true, cause }),
  ];
  expect([laneWaiting(mailboxes, "fresh", now), laneWaiting(mailboxes, "backfill", now)]).toEqual([3, 3]);
});

test("a worker that names no lanes is of an earlier version and serves both; a producer serves none", () => {
  const processes = [worker("fresh"), { role: "worker" }, { role: "producer" }];
  expect([laneWorkers(processes, "fresh"), laneWorkers(processes, "backfill")]).toEqual([2, 1]);
});

describe("a lane is told as unserved", () => {
  const unserved = (mailboxes: () => readonly LaneGuest[], processes: readonly LaneServer[], servedAt: LanesServedAt, at: number) =>
    unservedLanes(idleLanes(processes, servedAt, at), mailboxes, at);
  const told = (...given: Parameters<typeof unserved>) => unserved(...given).map(({ lane, waiting }) => [lane, waiting]);

  test("where mailboxes wait in it and other workers run, with since when", () => {
    expect(unserved(() => due, [worker("fresh")], longAgo, now)).toEqual([{ lane: "backfill", since: longAgo.backfill, waiting: 1 }]);
    expect(told(() => due, [worker("backfill")], longAgo, now)).toEqual([["fresh", 2]]);
  });

  test("not where each is served, by one worker or several", () => {
    expect(told(() => due, [worker("fresh", "backfill")], longAgo, now)).toEqual([]);
    expect(told(() => due, [worker("fresh"), worker("backfill")], longAgo, now)).toEqual([]);
  });

  test("not where no worker runs at all, which is another trouble", () => {
    expect(told(() => due, [{ role: "producer" }], longAgo, now)).toEqual([]);
  });

  test("not where nothing waits in it", () => {
    expect(told(() => [mailbox()], [worker("fresh")], longAgo, now)).toEqual([]);
  });

  test("not within 30 s of its last worker's report, as in a restart, nor before any was heard of", () => {
    expect(told(() => due, [worker("fresh")], { backfill: now - 29_999 }, now)).toEqual([]);
    expect(told(() => due, [worker("fresh")], { backfill: now - 30_000 }, now)).toEqual([["backfill", 1]]);
    expect(told(() => due, [worker("fresh")], {}, now)).toEqual([]);
  });
});

test("the words say which lane, for how long, how many wait, and the command with the options of the fleet", () => {
  expect(describeLane({ lane: "backfill", since: now - 12 * minute, waiting: 31 }, now, " --config fleet.yaml")).toMatchObject({
    happened: "No worker has served history (lane backfill) for 12 min: 31 mailboxes wait.",
    next: "It goes on when one runs. Nothing is lost; mail waits on the server.",
    command: "npx mailfleet worker --lane backfill --config fleet.yaml",
  });
  expect(describeLane({ lane: "fresh", since: now - 40_000, waiting: 1 }, now).happened).toBe(
    "No worker has served new mail (lane fresh) for 40 s: 1 mailbox waits.",
  );
});
