import { describe, expect, test } from "vitest";
import { claimsOf, missingOf, readCoverage } from "./coverage.ts";

const { rows } = readCoverage("docs/experience-coverage.md", /\d\d?/);

test("each of the 30 checks has a row, in order", () => {
  expect([...rows.keys()]).toEqual(Array.from({ length: 30 }, (_, i) => String(i + 1)));
});

describe("a row", () => {
  test.each([...rows])("of check %s names tests that are there", (_, shown) => {
    const named = claimsOf(shown);
    expect(named.length).toBeGreaterThan(0);
    for (const claim of named) expect([claim.file, missingOf(claim)]).toEqual([claim.file, []]);
  });
});

test("a title that is nowhere is found, and so is a file", () => {
  expect(claimsOf('`test/a.test.ts` "one", "two"; `b.test.mjs` "three". Seen: none')).toEqual([
    { file: "test/a.test.ts", titles: ["one", "two"] },
    { file: "b.test.mjs", titles: ["three"] },
  ]);
  expect(missingOf({ file: "test/architecture/threats.test.ts", titles: ["every threat has a row", "no such title"] })).toEqual([
    "no such title",
  ]);
  expect(missingOf({ file: "test/gone.test.ts", titles: ["one"] })).toEqual(["one"]);
});
