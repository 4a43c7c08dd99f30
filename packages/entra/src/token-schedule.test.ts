import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refreshAt, renewableFrom, usableMarginMs } from "./token-schedule.ts";

const anyRandom = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);
const life = (seconds: number) => ({ obtainedAt: 0, expiresAt: seconds * 1000 });

describe("a token's life", () => {
  test.each([
    [60, 33, 42],
    [300, 165, 210],
    [3600, 3060, 3240],
    [86_400, 73_440, 77_760],
  ])("of %i s is renewed early between %i s and %i s", (seconds, from, to) => {
    expect(refreshAt(life(seconds), 0) / 1000).toBeCloseTo(to, 0);
    expect(refreshAt(life(seconds), 0.9999) / 1000).toBeCloseTo(from, 0);
  });

  test("is renewed in the background before callers have to wait for it, at every length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 100_800 }), anyRandom, (seconds, random) => {
        const some = life(seconds);
        const at = refreshAt(some, random);
        expect(at).toBeLessThan(some.expiresAt - usableMarginMs(some));
        expect(at).toBeGreaterThan(some.expiresAt / 2);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is renewed when the login service wishes, where that is sooner", () => {
    expect(refreshAt({ ...life(86_400), refreshOn: 43_200_000 }, 0)).toBe(43_200_000);
    expect(refreshAt({ ...life(3600), refreshOn: 3_599_000 }, 0)).toBe(3_240_000);
  });

  test("counts a first refusal at once, and those of renewed tokens less and less often", () => {
    expect([0, 1, 2, 3, 50].map((renewals) => renewableFrom(life(3600), renewals))).toEqual([0, 60_000, 240_000, 900_000, 900_000]);
  });
});
