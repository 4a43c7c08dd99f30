import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Pace, packPace, unpackPace } from "./pace.ts";

const share = fc.double({ min: 0.0001, max: 1, noNaN: true });
const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
const anyPace: fc.Arbitrary<Pace> = fc.record({
  duty: share,
  ceiling: share,
  since: fc.integer({ min: 0, max: 4e12 }),
  sign: fc.constantFrom("slow", "hint"),
  spentMs: ms,
  countedFrom: fc.integer({ min: 0, max: 4e12 }),
  lookMs: ms,
  firstMs: ms,
  messageMs: ms,
});

describe("a stored pace", () => {
  test("comes back as it was, to four digits, and stays below 100 bytes", () => {
    fc.assert(
      fc.property(anyPace, (pace) => {
        const text = packPace(pace);
        expect(text.length).toBeLessThan(100);
        const back = unpackPace(text) as Pace;
        expect(back.sign).toBe(pace.sign);
        expect([back.since, back.countedFrom]).toEqual([pace.since, pace.countedFrom]);
        for (const key of ["duty", "ceiling", "spentMs", "lookMs", "firstMs", "messageMs"] as const)
          expect(Math.abs(back[key] - pace[key])).toBeLessThanOrEqual(Math.abs(pace[key]) * 1e-3);
      }),
    );
  });

  test("is none where it cannot be read", () => {
    fc.assert(fc.property(fc.string(), (text) => unpackPace(text) === undefined));
    for (const text of [
      "",
      "[]",
      "[2,0.5,0.5,1,1,0,0,0,0,0]",
      "[1,0,0.5,1,1,0,0,0,0,0]",
      "[1,2,0.5,1,1,0,0,0,0,0]",
      "[1,0.5,0.5,1,1,0,0,0,0,-1]",
    ])
      expect(unpackPace(text)).toBeUndefined();
    expect(unpackPace(undefined)).toBeUndefined();
  });
});
