import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasSlope, leastSquares, median, percentile } from "./statistics.ts";

const numbers = fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
  minLength: 1,
  maxLength: 50,
});

describe("percentile", () => {
  test.each([
    [0.5, 3],
    [0.99, 5],
    [0.2, 1],
    [0.21, 2],
    [0, 1],
    [1, 5],
  ])("the share %d of 1 to 5 is %d", (share, expected) => {
    expect(percentile([5, 3, 1, 4, 2], share)).toBe(expected);
  });

  test("it is one of the values, with at least that share of them at or below it", () => {
    fc.assert(
      fc.property(
        numbers,
        fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000),
        (values, share) => {
          const found = percentile(values, share);
          expect(values).toContain(found);
          expect(values.filter((one) => one <= found).length).toBeGreaterThanOrEqual(share * values.length);
        },
      ),
    );
  });

  test("of nothing it is no number", () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

test("the median of an even number is between the two in the middle", () => {
  expect([median([4, 1, 3, 2]), median([3, 1, 2]), median([7])]).toEqual([2.5, 2, 7]);
  expect(median([])).toBeNaN();
});

describe("leastSquares", () => {
  test("a straight line is found as it is, without an error", () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), fc.integer({ min: 3, max: 40 }), (a, b, n) => {
        const line = leastSquares(Array.from({ length: n }, (_, x) => [x, a + b * x] as const));
        expect(line.slope).toBeCloseTo(b, 6);
        expect(line.intercept).toBeCloseTo(a, 6);
        expect(line.slopeError).toBeCloseTo(0, 6);
      }),
    );
  });

  test("slope and error are those of a worked example", () => {
    // Residuals -0.2, 0.6, -0.6, 0.2 around 1 + 0.8 x; their neighbours have opposite signs, so nothing is widened.
    const line = leastSquares([
      [0, 0.8],
      [1, 2.4],
      [2, 2],
      [3, 3.6],
    ]);
    expect(line.slope).toBeCloseTo(0.8, 10);
    expect(line.slopeError).toBeCloseTo(Math.sqrt(0.8 / 2 / 5), 10);
    expect(line.autocorrelation).toBe(0);
  });

  test("residuals that resemble their neighbours widen the error", () => {
    const slow = leastSquares(Array.from({ length: 40 }, (_, x) => [x, x % 20 < 10 ? 1 : -1] as const));
    const fast = leastSquares(Array.from({ length: 40 }, (_, x) => [x, x % 2 === 0 ? 1 : -1] as const));
    expect(slow.autocorrelation).toBeGreaterThan(0.7);
    expect(slow.slopeError).toBeGreaterThan(2 * fast.slopeError);
  });

  test("too few points, or all at one place, say nothing, and nothing is no flat line", () => {
    for (const points of [
      [],
      [[1, 1]],
      [
        [1, 1],
        [2, 2],
      ],
      [
        [1, 1],
        [1, 2],
        [1, 3],
      ],
    ] as [number, number][][]) {
      expect(leastSquares(points).slope).toBeNaN();
      expect(hasSlope(leastSquares(points))).toBe(true);
    }
  });

  test("noise has no slope, and growth in the same noise has one", () => {
    const noise = (x: number): number => ((x * 7_919) % 13) - 6;
    const flat = Array.from({ length: 60 }, (_, x) => [x, noise(x)] as const);
    expect(hasSlope(leastSquares(flat))).toBe(false);
    expect(hasSlope(leastSquares(flat.map(([x, y]) => [x, y + x / 2] as const)))).toBe(true);
  });
});
