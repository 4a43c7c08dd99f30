import { expect, test } from "vitest";
import { decideIntake, type DownstreamLoad } from "./intake.ts";
import { fullest, shareOfMarks, sumLoads } from "./intake-of-shards.ts";

const marks = { highWater: 1_000, highWaterBytes: 1_000_000, deadLetters: 10 };
const load = (waiting: number, more: Partial<DownstreamLoad> = {}): DownstreamLoad => ({
  waiting,
  active: 0,
  delayed: 0,
  failed: 0,
  bytes: 0,
  memoryShare: 0,
  problems: [],
  ...more,
});

test("the marks of all shards together are those of the fleet, and one shard has them all", () => {
  expect(shareOfMarks(marks, 1)).toEqual(marks);
  expect(shareOfMarks(marks, 3)).toEqual({ highWater: 334, highWaterBytes: 333_334, deadLetters: 4 });
});

test("what waits in several shards is put together", () => {
  const one = load(3, { failed: 1, oldestAt: 50, memoryShare: 0.2, problems: ["a"] });
  const two = load(4, { bytes: 9, oldestAt: 40, memoryShare: 0.4, problems: ["a", "b"] });
  expect(sumLoads([one, two, load(0)])).toEqual(load(7, { failed: 1, bytes: 9, oldestAt: 40, memoryShare: 0.4, problems: ["a", "b"] }));
  expect(sumLoads([load(1)])).toEqual(load(1));
});

test("of several shards the one is told that is held back most", () => {
  const intakes = [load(100), load(1_300), load(900), load(0, { failed: 10 })].map((one) => decideIntake(one, marks));
  expect(fullest(intakes)).toBe(intakes[1]);
  expect(fullest(intakes.slice(2))).toBe(intakes[3]);
  expect(fullest([intakes[0], intakes[2]].flatMap((one) => one ?? []))).toBe(intakes[2]);
});
