import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitLine, line, lineText, shortenAddress, textWidth, wholeLine, wrapSum, wrapText } from "./text-layout.ts";

describe("widths", () => {
  test.each([
    ["abc", 3],
    ["日本語", 6],
    ["e\u0301", 1],
    ["✓ ░", 3],
    ["😀", 2],
  ])("%s takes %i columns", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  test("a fitted line is never wider than the terminal, and one that fits stays as it is", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 4, max: 100 }), (spans, width) => {
        const fitted = fitLine(line(...spans), width);
        expect(textWidth(lineText(fitted))).toBeLessThanOrEqual(width);
        if (textWidth(spans.join("")) <= width) expect(lineText(fitted)).toBe(spans.join(""));
      }),
    );
  });

  test("a command to paste is never cut", () => {
    const command = "npx mailfleet try a.very.long.name@contoso.example";
    expect(lineText(fitLine(wholeLine(command), 10))).toBe(command);
  });
});

test.each([
  ["support@contoso.example", 30, "support@contoso.example"],
  ["support@contoso.example", 21, "supp…@contoso.example"],
  ["support@contoso.example", 12, "suppo…xample"],
])("%s in %i columns is %s", (address, width, short) => {
  expect(shortenAddress(address, width)).toBe(short);
});

test("wrapped text loses no word", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z@.]{1,30}$/)), fc.integer({ min: 20, max: 100 }), (words, columns) => {
      const lines = wrapText(words.join(" "), columns, 4);
      expect(lines.join(" ")).toBe(words.join(" "));
      for (const one of lines) if (one.includes(" ")) expect(textWidth(one)).toBeLessThanOrEqual(columns - 4);
    }),
  );
});

test("a ledger breaks between its terms only", () => {
  const text = "listed 12,475 = handed off 7,557 + excluded 15 + quarantined 5 + to do 4,898        unaccounted 0";
  expect(wrapSum(text, 80, 9)).toEqual([
    "listed 12,475 = handed off 7,557 + excluded 15 + quarantined 5",
    "+ to do 4,898",
    "unaccounted 0",
  ]);
  expect(wrapSum(text, 200, 9)).toHaveLength(2);
});
