import { describe, expect, test } from "vitest";
import { claimsOf, missingOf, readCoverage } from "./coverage.ts";

/** Rows of the threat model: T01 to T75. */
const threats = Array.from({ length: 75 }, (_, i) => `T${String(i + 1).padStart(2, "0")}`);

const { rows } = readCoverage("docs/threats-coverage.md", /T\d\d/);

test("every threat has a row, in order, and no row is of none", () => {
  expect([...rows.keys()]).toEqual(threats);
});

describe("a row", () => {
  test.each([...rows])("of %s names tests that are there, or says what was decided and why", (_, shown) => {
    const named = claimsOf(shown);
    if (named.length === 0) expect(shown).toMatch(/Decision: .{60,}/);
    for (const claim of named) expect([claim.file, missingOf(claim)]).toEqual([claim.file, []]);
  });
});
