import { expect, test } from "vitest";
import { fakeClock } from "./fake-clock.ts";

test("sleepers wake in the order of their times and see the time they asked for", async () => {
  const clock = fakeClock(1_000);
  const seen: [string, number][] = [];
  const sleepThenNote = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    seen.push([name, clock.now()]);
  };
  const all = Promise.all([sleepThenNote("late", 200), sleepThenNote("early", 50)]);
  await clock.advance(500);
  await all;
  expect(seen).toEqual([
    ["early", 1_050],
    ["late", 1_200],
  ]);
  expect(clock.now()).toBe(1_500);
});

test("a sleep begun by a woken sleeper ends within the same advance", async () => {
  const clock = fakeClock();
  let rounds = 0;
  const loop = async (): Promise<void> => {
    while (rounds < 3) {
      await clock.sleep(10);
      rounds += 1;
    }
  };
  const running = loop();
  await clock.advance(30);
  await running;
  expect(rounds).toBe(3);
});

test("an abort ends a sleep with its reason", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(1_000, stop.signal);
  await clock.untilSleeping();
  stop.abort(new Error("drained"));
  await expect(sleeping).rejects.toThrow("drained");
  expect(clock.sleeping).toBe(0);
});

test("moving the wall clock leaves the monotonic one alone", async () => {
  const clock = fakeClock();
  await clock.advance(5);
  clock.setWallClock(42);
  expect([clock.now(), clock.monotonic()]).toEqual([42, 5]);
});
