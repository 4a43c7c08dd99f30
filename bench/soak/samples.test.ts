import { describe, expect, test } from "vitest";
import { compareProbes, growthOfLastHalf } from "./samples.ts";

/** Sixty minutes, six samples each, in a noise of some megabytes. */
function hour(at: (minute: number) => number): [number, number][] {
  return Array.from({ length: 360 }, (_, i) => [i / 6, at(i / 6) + ((i * 7_919) % 11) - 5]);
}

describe("growth of the last half", () => {
  test("a start that grows and then stays is no growth", () => {
    const growth = growthOfLastHalf(hour((minute) => Math.min(300, 200 + minute * 5)));
    expect(growth.isGrowing).toBe(false);
    expect(growth.samples).toBe(180);
  });

  test("ten megabytes an hour are found in the noise", () => {
    const growth = growthOfLastHalf(hour((minute) => 300 + minute / 6));
    expect(growth.isGrowing).toBe(true);
    expect(Math.abs(growth.mbPerHour - 10)).toBeLessThan(3 * growth.standardError);
  });

  test("memory that falls is not held against anybody", () => {
    expect(growthOfLastHalf(hour((minute) => 300 - minute / 6)).isGrowing).toBe(false);
  });

  test("too few samples are not taken for flat", () => {
    expect(
      growthOfLastHalf([
        [0, 100],
        [1, 100],
      ]).isGrowing,
    ).toBe(true);
  });
});

test("the first probe stands beside the last, also for what one of them does not have", () => {
  const probe = (functions: number, resources: Record<string, number>) => ({ heapMb: 40.123, resources, objects: { functions } });
  expect(compareProbes([probe(10, { Timeout: 3 }), probe(99, {}), probe(12, { TLSSocketWrap: 1 })])).toEqual({
    heapMb: [40.12, 40.12],
    functions: [10, 12],
    Timeout: [3, 0],
    TLSSocketWrap: [0, 1],
  });
});
