import type { Intake, LaneIntake } from "@mailfleet/core";
import type { IntakeWatch, Watched } from "@mailfleet/queue";
import { fakeClock } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { createGate } from "./worker-gate.ts";

const load = { waiting: 0, active: 0, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [] };
const open: LaneIntake = { state: "open", pauseMs: 0 };
const closed: LaneIntake = { state: "closed", pauseMs: 0 };

/** A gate in front of a queue that the test fills and empties. */
function bench() {
  const clock = fakeClock();
  const world = { lanes: { fresh: open, backfill: open } as Intake["lanes"], others: 0, isAway: false };
  const intake: IntakeWatch = {
    look: (): Promise<Watched> =>
      world.isAway ? Promise.reject(new Error("away")) : Promise.resolve({ intake: { lanes: world.lanes, fill: 0 }, load }),
    noteProblems: () => undefined,
  };
  const gate = createGate();
  gate.use({ clock, intake, waiting: () => Promise.resolve(world.others) });
  return { clock, world, gate };
}

describe("the worker's gate", () => {
  test("lets a session go on while there is room, and yields a backfill's slot to others at the slice's border only", async () => {
    const { gate, world } = bench();
    expect(await gate.shouldYield("fresh", "batch")).toBe(false);
    world.others = 3;
    expect(await gate.shouldYield("backfill", "batch")).toBe(false);
    expect(await gate.shouldYield("backfill", "slice")).toBe(true);
    expect(await gate.shouldYield("fresh", "slice")).toBe(false);
  });

  test("ends the lane that is closed, and no other", async () => {
    const { gate, world } = bench();
    world.lanes = { fresh: open, backfill: closed };
    expect([await gate.shouldYield("fresh", "batch"), await gate.shouldYield("backfill", "batch")]).toEqual([false, true]);
  });

  test("lets a guest of a lane go on only while nothing slows the lane, and does not keep it waiting", async () => {
    const { gate, world } = bench();
    world.others = 3;
    expect(await gate.shouldYield("backfill", "guest")).toBe(false);
    world.lanes = { fresh: open, backfill: { state: "slow", inFlight: 5, pauseMs: 800 } };
    expect(await gate.shouldYield("backfill", "guest")).toBe(true);
    world.lanes = { fresh: open, backfill: closed };
    expect(await gate.shouldYield("backfill", "guest")).toBe(true);
  });

  test("slows a lane by a pause after each batch, and looks again before it lets it go on", async () => {
    const { gate, world, clock } = bench();
    world.lanes = { fresh: { state: "slow", inFlight: 5, pauseMs: 800 }, backfill: closed };
    const [goesOn, ends] = [gate.shouldYield("fresh", "batch"), gate.shouldYield("fresh", "batch")];
    await clock.untilSleeping(2);
    await clock.advance(799);
    expect(clock.sleeping).toBe(2);
    await clock.advance(1);
    expect(await goesOn).toBe(false);
    expect(await ends).toBe(false);
    const late = gate.shouldYield("fresh", "batch");
    await clock.untilSleeping();
    world.lanes = { fresh: closed, backfill: closed };
    await clock.advance(800);
    expect(await late).toBe(true);
  });

  test("takes no answer for no room, and ends everything while it drains or its disk is full", async () => {
    const { gate, world } = bench();
    world.isAway = true;
    expect(await gate.shouldYield("fresh", "batch")).toBe(true);
    world.isAway = false;
    gate.hold(true);
    expect(await gate.shouldYield("fresh", "batch")).toBe(true);
    gate.hold(false);
    expect(await gate.shouldYield("fresh", "batch")).toBe(false);
    gate.drain();
    expect(await gate.shouldYield("fresh", "batch")).toBe(true);
  });
});
