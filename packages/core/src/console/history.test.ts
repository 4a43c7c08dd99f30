import fc from "fast-check";
import { expect, test } from "vitest";
import { agePercentiles, historyColumns, type HistoryPoint, historyRings, stepOf } from "./history.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 7);
const point = (at: number, fresh: number): HistoryPoint => ({ at, fresh, history: 0, p50: 1, p99: 2, worst: 3 });

test("a step that nobody looked at stays a gap, and zero stays zero", () => {
  const ring = historyRings["1h"];
  const columns = historyColumns("1h", [point(now, 0), point(now - 3 * ring.stepMs, 5)], [], now);
  expect(columns.fresh.slice(-4)).toEqual([5, null, null, 0]);
  expect(columns.at).toHaveLength(ring.points);
  expect(columns.at.at(-1)).toBe(stepOf(now, ring));
});

test("columns are of one length and one step, whatever points there are, and older ones are left out", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: now - 30 * 86_400_000, max: now })), fc.constantFrom("1h", "24h", "7d"), (times, span) => {
      const ring = historyRings[span];
      const columns = historyColumns(
        span,
        times.map((at) => point(at, 1)),
        times.map((at) => ({ at, words: "parked" })),
        now,
      );
      for (const column of [columns.fresh, columns.p50, columns.p99, columns.worst]) expect(column).toHaveLength(ring.points);
      expect(columns.at.every((at, i) => i === 0 || at - (columns.at[i - 1] ?? 0) === ring.stepMs)).toBe(true);
      expect(columns.marks.every(({ at }) => at >= (columns.at[0] ?? 0))).toBe(true);
    }),
  );
});

test("percentiles are ages that occur, in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), (ages) => {
      const { p50, p99, worst } = agePercentiles(ages);
      expect(ages).toEqual(expect.arrayContaining([p50, p99, worst]));
      expect(p50 <= p99 && p99 <= worst).toBe(true);
      expect(worst).toBe(Math.max(...ages));
    }),
  );
  expect(agePercentiles([])).toEqual({ p50: 0, p99: 0, worst: 0 });
});
