import { fakeClock } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { createRightOfWay } from "./right-of-way.ts";

const never = new AbortController().signal;

/** History that has been at work for ten seconds. */
async function begin({ isBusy = true } = {}) {
  const clock = fakeClock();
  const way = createRightOfWay({ clock, isBusy: () => isBusy });
  const giveWay = way.begin();
  await clock.advance(10_000);
  let passes = 0;
  return { clock, way, passes: () => passes, pass: (signal = never) => void giveWay(signal).then(() => passes++) };
}

test("history waits while new mail is in hand, and goes on as soon as the last of it is not", async () => {
  const { clock, way, pass, passes } = await begin();
  const leave = [way.enter(), way.enter()];
  pass();
  await clock.untilSleeping();
  leave[0]?.();
  leave[0]?.();
  await clock.advance(1);
  expect(passes()).toBe(0);
  leave[1]?.();
  await clock.advance(0);
  expect(passes()).toBe(1);
  expect(clock.sleeping).toBe(0);
});

test("history does not wait where no new mail is in hand, or where the process has time for both", async () => {
  const alone = await begin();
  alone.pass();
  await alone.clock.advance(0);
  expect(alone.passes()).toBe(1);
  const idle = await begin({ isBusy: false });
  idle.way.enter();
  idle.pass();
  await idle.clock.advance(0);
  expect(idle.passes()).toBe(1);
});

test("history gets half of its time at least, whatever new mail comes", async () => {
  const { clock, way, pass, passes } = await begin();
  way.enter();
  let waitedMs = 0;
  for (let i = 0; i < 100; i++) {
    pass();
    while (passes() === i) {
      await clock.advance(10);
      if (passes() === i) waitedMs += 10;
    }
    // It works for as long as it does on a message.
    await clock.advance(1);
  }
  expect(waitedMs).toBeGreaterThan(5_000);
  expect(waitedMs).toBeLessThanOrEqual(clock.monotonic() / 2);
});

test("a session that is stopped waits no longer", async () => {
  const { clock, way, pass, passes } = await begin();
  way.enter();
  const stop = new AbortController();
  pass(stop.signal);
  await clock.untilSleeping();
  stop.abort(new Error("drained"));
  await clock.advance(0);
  expect(passes()).toBe(1);
});
