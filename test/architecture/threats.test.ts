import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "./workspace.ts";

/** Rows of the threat model: T01 to T75. */
const threats = Array.from({ length: 75 }, (_, i) => `T${String(i + 1).padStart(2, "0")}`);

const text = readFileSync(path.join(repository, "docs/threats-coverage.md"), "utf8");
const rows = new Map([...text.matchAll(/^\| (T\d\d) +\| (.*?) +\| (.*?) +\|$/gm)].map(([, id = "", , shown = ""]) => [id, shown]));

/** `` `file` "title", "title" `` */
function claims(shown: string): { readonly file: string; readonly titles: readonly string[] }[] {
  return [...shown.matchAll(/`([^`]+\.(?:test\.)?(?:ts|mjs))`((?:,? "[^"]+")+)/g)].map(([, file = "", list = ""]) => ({
    file,
    titles: [...list.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title),
  }));
}

test("every threat has a row, in order, and no row is of none", () => {
  expect([...rows.keys()]).toEqual(threats);
});

describe("a row", () => {
  test.each([...rows])("of %s names tests that are there, or says what was decided and why", (_, shown) => {
    const named = claims(shown);
    if (named.length === 0) expect(shown).toMatch(/Decision: .{60,}/);
    for (const { file, titles } of named) {
      const source = existsSync(path.join(repository, file)) ? readFileSync(path.join(repository, file), "utf8") : "";
      expect([file, titles.filter((title) => !source.includes(title))]).toEqual([file, []]);
    }
  });
});

test("a title that is nowhere is found", () => {
  expect(claims('`test/a.test.ts` "one", "two"; `b.test.mjs` "three". Decision: none')).toEqual([
    { file: "test/a.test.ts", titles: ["one", "two"] },
    { file: "b.test.mjs", titles: ["three"] },
  ]);
});
