import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatAge,
  formatAgo,
  formatClock,
  formatDay,
  formatDeadline,
  formatDuration,
  formatIn,
  formatRoughly,
  formatUtc,
} from "./times.ts";

const now = Date.UTC(2026, 10, 23, 13, 3, 22);
const s = 1_000;
const min = 60 * s;
const h = 60 * min;
const d = 24 * h;
const cet = { now, zone: 60 } as const;

describe("times", () => {
  test.each([
    [formatDuration(0.35), "0.3 ms"],
    [formatDuration(212), "212 ms"],
    [formatDuration(3_149), "3.1 s"],
    [formatDuration(14_200), "14.2 s"],
    [formatDuration(59_999), "59.9 s"],
    [formatDuration(3 * min + 12 * s), "3 min 12 s"],
    [formatDuration(2 * h + 10 * min + 59 * s), "2 h 10 min"],
    [formatDuration(-5), "0 ms"],
    [formatAge(40 * s), "40 s"],
    [formatAge(22 * min + 50 * s), "22 min"],
    [formatAge(2 * h + 10 * min), "2 h 10 min"],
    [formatAge(2 * d), "2 d"],
    [formatAge(d + 5 * h), "1 d 5 h"],
    [formatAge(30 * d + 5 * h), "30 d"],
    [formatAgo(now - 40 * s, now), "40 s ago"],
    [formatAgo(now + 40 * s, now), "0 s ago"],
    [formatIn(now + 2 * min + 1, now), "in 3 min"],
    [formatIn(now + 39_001, now), "in 40 s"],
    [formatIn(now - 1, now), "now"],
    [formatRoughly(5_200), "6 s"],
    [formatRoughly(47 * s), "50 s"],
    [formatRoughly(58 * s), "1 min"],
    [formatRoughly(9 * min + 1), "10 min"],
    [formatRoughly(92 * min), "1 h 40 min"],
    [formatRoughly(2 * h + 30 * min), "3 h"],
    [formatRoughly(5 * d + h), "6 days"],
    [formatClock(now - 8 * s, { ...cet, seconds: true }), "14:03:14"],
    [formatClock(now, cet), "14:03"],
    [formatClock(now, { now, zone: "utc", seconds: true }), "13:03:22Z"],
    [formatClock(now + 6 * d, cet), "Sun 29 Nov 14:03"],
    [formatDeadline(now + 130 * s, cet), "14:06"],
    [formatDeadline(now + 14 * s, cet), "14:03:36"],
    [formatDeadline(now + 10 * s, { ...cet, seconds: true }), "14:03:32"],
    [formatDay(now + 6 * d, 60), "Sun 29 Nov"],
    [formatUtc(now), "2026-11-23T13:03:22Z"],
    [formatUtc(Number.NaN), "1970-01-01T00:00:00Z"],
  ])("%s", (said, expected) => {
    expect(said).toBe(expected);
  });

  test("local time is the clock of this machine", () => {
    const local = new Date(now);
    const expected = `${String(local.getHours()).padStart(2, "0")}:${String(local.getMinutes()).padStart(2, "0")}`;
    expect(formatClock(now, { now, zone: "local" })).toBe(expected);
  });

  test("no span has more than two units, and none is refused", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer({ min: 0, max: 10 * d }), fc.integer({ min: 0, max: 3 * min })), (ms) => {
        for (const text of [formatDuration(ms), formatAge(ms), formatRoughly(ms)]) expect(text.split(" ").length).toBeLessThanOrEqual(4);
        formatClock(ms, cet);
        formatIn(ms, now);
      }),
    );
  });
});
