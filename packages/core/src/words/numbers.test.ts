import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatBytes, formatCount, formatCounted, formatCountedWord, formatPercent, formatRate, formatTotal } from "./numbers.ts";

describe("numbers read the same in every locale", () => {
  test.each([
    [formatCount(0), "0"],
    [formatCount(999), "999"],
    [formatCount(12_480), "12,480"],
    [formatCount(41_203_118), "41,203,118"],
    [formatCount(-1_234), "-1,234"],
    [formatTotal(12_480, true), "12,480"],
    [formatTotal(12_480, false), "12,480+"],
    [formatCounted(1, "mailbox", "mailboxes"), "1 mailbox"],
    [formatCounted(0, "message"), "0 messages"],
    [formatCounted(1_300, "mailbox", "mailboxes"), "1,300 mailboxes"],
    [formatCountedWord(1, "cause"), "One cause"],
    [formatCountedWord(2, "cause"), "Two causes"],
    [formatCountedWord(14, "cause"), "14 causes"],
    [formatPercent(7_610, 12_480), "60 %"],
    [formatPercent(12_479, 12_480), "99 %"],
    [formatPercent(12_480, 12_480), "100 %"],
    [formatPercent(0, 0), "100 %"],
    [formatPercent(0, 0, false), "0 %"],
    [formatPercent(500, 500, false), "99 %"],
    [formatPercent(Number.NaN, 10), "?"],
    [formatCount(Number.NaN), "?"],
    [formatRate(Number.POSITIVE_INFINITY), "?"],
    [formatBytes(Number.NaN), "?"],
    [formatRate(912.4), "912/s"],
    [formatRate(18.2), "18.2/s"],
    [formatRate(0.4), "0.4/s"],
    [formatRate(0.01), "<0.1/s"],
    [formatRate(0), "0/s"],
    [formatRate(12_345), "12,345/s"],
    [formatBytes(0), "0 B"],
    [formatBytes(999), "999 B"],
    [formatBytes(23_400), "23.4 kB"],
    [formatBytes(999_960), "1 MB"],
    [formatBytes(412_000_000), "412 MB"],
    [formatBytes(1_600_000_000), "1.6 GB"],
    [formatBytes(2_000_000_000), "2 GB"],
  ])("%s", (said, expected) => {
    expect(said).toBe(expected);
  });
});

test("100 % means done, and less is never said as 100 %", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1 }), (done, all) => {
      expect(formatPercent(done, all) === "100 %").toBe(done >= all);
    }),
  );
});
