import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideIntake, type DownstreamLoad, type DownstreamMarks } from "./intake.ts";
import { limits } from "./limits.ts";

const marks: DownstreamMarks = { highWater: 50_000, highWaterBytes: 2e9, deadLetters: 10_000 };
const calm: DownstreamLoad = { waiting: 0, active: 0, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [] };
const lanesOf = (load: Partial<DownstreamLoad>, given = marks) => decideIntake({ ...calm, ...load }, given).lanes;

describe("how much may come in", () => {
  test.each([
    [0, "open", "open"],
    [39_999, "open", "open"],
    [40_000, "open", "slow"],
    [49_999, "open", "slow"],
    [50_000, "slow", "closed"],
    [59_999, "slow", "closed"],
    [60_000, "closed", "closed"],
  ])("with %i events in the queue: new mail %s, history %s", (waiting, fresh, backfill) => {
    const lanes = lanesOf({ waiting });
    expect([lanes.fresh.state, lanes.backfill.state]).toEqual([fresh, backfill]);
  });

  test("what is worked on, tried again and dead counts like what waits: consumers that fail leave the waiting list empty", () => {
    expect(lanesOf({ active: 10_000, delayed: 35_000, failed: 5_000 })).toEqual(lanesOf({ waiting: 50_000 }));
  });

  test("large events close it before there are many, and so does a Redis that fills up for another reason", () => {
    expect(decideIntake({ ...calm, waiting: 9_000, bytes: 2.5e9 }, marks)).toMatchObject({
      cause: "bytes",
      lanes: { fresh: { state: "closed" } },
    });
    expect(decideIntake({ ...calm, memoryShare: 0.85 }, marks)).toMatchObject({
      cause: "redis-memory",
      lanes: { fresh: { state: "slow" }, backfill: { state: "closed" } },
    });
  });

  test("too many dead letters, or a Redis that may lose what it is given, close both lanes whatever waits", () => {
    for (const load of [{ failed: 10_000 }, { problems: ["appendonly is off"] }]) {
      expect(lanesOf(load)).toMatchObject({ fresh: { state: "closed" }, backfill: { state: "closed" } });
    }
  });

  test("the fuller it is, the fewer mailboxes at once and the longer the pauses; never the other way round", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 10_000 }), (waiting, more) => {
        for (const lane of ["fresh", "backfill"] as const) {
          const [before, after] = [lanesOf({ waiting })[lane], lanesOf({ waiting: waiting + more })[lane]];
          expect(after.inFlight ?? Infinity).toBeLessThanOrEqual(before.inFlight ?? Infinity);
          if (after.state !== "closed") expect(after.pauseMs).toBeGreaterThanOrEqual(before.pauseMs);
          expect(before.pauseMs).toBeLessThanOrEqual(limits.intakePauseMs);
        }
      }),
    );
  });

  test("as many mailboxes as are let in at once have room for a batch each, but for the last one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1e6 }), fc.integer({ min: 0, max: 1_300 }), (highWater, thousandths) => {
        const waiting = Math.floor((highWater * thousandths) / 1_000);
        const { fresh, backfill } = lanesOf({ waiting }, { ...marks, highWater });
        const ends = { fresh: highWater * limits.freshHighWaterFactor, backfill: highWater };
        for (const [lane, end] of [
          [fresh, ends.fresh],
          [backfill, ends.backfill],
        ] as const) {
          if (lane.inFlight === undefined || lane.inFlight <= 1) continue;
          expect(waiting + lane.inFlight * limits.batchMessages).toBeLessThanOrEqual(end + 1);
        }
      }),
    );
  });

  test("what cannot be counted is not taken for room", () => {
    expect(lanesOf({ waiting: Number.NaN })).toMatchObject({ fresh: { state: "closed" } });
  });
});
