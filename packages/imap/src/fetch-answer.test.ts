import { expect, test } from "vitest";
import { readInternalDate } from "./fetch-answer.ts";
import { readListLine } from "./list-answer.ts";

test.each([
  ["17-Jul-2026 02:44:25 -0700", "2026-07-17T09:44:25.000Z"],
  [" 1-Jan-2026 00:00:00 +0530", "2025-12-31T18:30:00.000Z"],
  ["1-jan-2026 00:00:00 +0000", "2026-01-01T00:00:00.000Z"],
])("the date %s is %s", (text, iso) => {
  expect(new Date(readInternalDate(text) ?? Number.NaN).toISOString()).toBe(iso);
});

test.each([
  ...["", "yesterday", "17-Foo-2026 02:44:25 -0700", "17-anF-2026 02:44:25 +0000", "2026-07-17T02:44:25Z"],
  ...[
    "  1-Jan-2026 00:00:00 +0000",
    "17-Jul-2026 02:44:25 0700",
    "17-Jul-2026 02:44:25 -070",
    "17-Jul-2026 02:44:25 -07000",
    "-Jul-2026 02:44:25 -0700",
  ],
])("%j is no date", (text) => {
  expect(readInternalDate(text)).toBeUndefined();
});

test.each([
  ['* LIST (\\HasNoChildren) "/" tab\there', "tab\there", "/"],
  ['* LIST (\\Marked) NIL "a\\"b"', 'a"b', undefined],
  ['* LIST () "\\\\" x]y', "x]y", "\\"],
])("the line %j, which the parser gives up on, is read", (line, wireName, delimiter) => {
  expect(readListLine(line)).toMatchObject({ wireName, delimiter });
});

test("a line that is no list is none", () => {
  expect(readListLine("* STATUS x (MESSAGES 1)")).toBeUndefined();
});
