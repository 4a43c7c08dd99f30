import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Pace, packPace, unpackPace } from "./pace.ts";

// Of the doubles in a range most are next to nought: those alone would be looked at.
const share = fc.integer({ min: 1, max: 10_000 }).map((parts) => parts / 10_000);
const ms = fc.oneof(
  fc.double({ min: 0, max: 1e9, noNaN: true }),
  fc.integer({ min: 0, max: 1e9 }).map((thousandths) => thousandths / 1_000),
);
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
