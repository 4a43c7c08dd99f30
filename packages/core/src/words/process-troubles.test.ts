import { expect, test } from "vitest";
import { describeMachine, describeUnknown, isDiskLow } from "./process-troubles.ts";

const gb = 1_000_000_000;

test.each([
  ["a small disk at nine tenths", 0.09 * gb, gb, true],
  ["a small disk below that", 0.11 * gb, gb, false],
  ["a large disk with a gigabyte left", 0.99 * gb, 2_000 * gb, true],
  ["a large disk that is 98 % full", 40 * gb, 2_000 * gb, false],
])("%s is low: %d of %d bytes left", (_, free, total, isLow) => {
  expect(isDiskLow({ disk: { free, total }, clockAheadMs: 0 })).toBe(isLow);
});

test("what is wrong with the machine is said, with what to do; what is not is not", () => {
  expect(describeMachine({ disk: { free: 50 * gb, total: 100 * gb }, clockAheadMs: -1_900 })).toEqual([]);
  expect(describeMachine({ clockAheadMs: 0 })).toEqual([]);
  expect(describeMachine({ disk: { free: 0.04 * gb, total: gb }, clockAheadMs: 600_000 })).toEqual([
    "The disk of the blob store is nearly full, 40 MB of 1 GB left: this worker takes no mail until there is room. Nothing is lost; mail waits on the server. Make room.",
    "This machine's clock is 10 min ahead of Redis' clock. Leases and due times do not mind; times in events and retries are off by as much. Set it, or start a time service.",
  ]);
});

test("answers that have no name are counted for status; none are not mentioned", () => {
  expect(describeUnknown(0)).toBeUndefined();
  expect(describeUnknown(1)).toMatch(/^1 answer of servers .* UNCLASSIFIED/);
  expect(describeUnknown(1_234)).toMatch(/^1,234 answers /);
});
