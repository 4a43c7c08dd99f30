import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compare } from "./audit.ts";
import { printTable } from "./print-table.ts";
import { faultTable } from "./table.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

describe("the fault table", () => {
  test("has a row for every fault of the threat model, in order", () => {
    expect(faultTable.map((row) => row.id)).toEqual(Array.from({ length: 38 }, (_, i) => `F${String(i + 1).padStart(2, "0")}`));
  });

  test.each(faultTable.map((row) => [row.id, row] as const))(
    "%s is proven by tests that exist under their names, or says whose it is",
    (_, row) => {
      for (const [file, name] of row.proof) {
        const quoted = ['"', "'", "`"].some((quote) => read(file).includes(`${quote}${name}${quote}`));
        expect(quoted, `${file} has no test "${name}"`).toBe(true);
      }
      if (row.proof.length === 0) expect(row.rest).toMatch(/^issue \d$/);
    },
  );

  test("claims every test of its own that there is", () => {
    const files = ["redis", "network", "fleet", "slow"].map((name) => `test/faults/${name}.fault.test.ts`);
    const names = files.flatMap((file) => [...read(file).matchAll(/"([FT]\d\d [^"]+)"/g)].map((match) => match[1] as string));
    const claimed = faultTable.flatMap((row) => row.proof.map(([, name]) => name));
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !claimed.includes(name))).toEqual([]);
  });

  test("stands in the documentation, row by row", () => {
    const doc = read("docs/faults.md");
    for (const { id, fault } of faultTable)
      expect(doc, id).toMatch(new RegExp(`\\| ${id} +\\| ${fault.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")} `));
  });

  test("prints what was measured, the latest where a row ran twice", () => {
    const text = printTable([
      { id: "F06", lost: 1, again: 0, detectMs: 9_000 },
      { id: "F06", lost: 0, again: 3, detectMs: 1_234, recoverMs: 50 },
    ]);
    expect(text).toMatch(/\| F06 \| [^|]+ \| 0 +\| 3 +\| 1\.2 s \(5 s\) +\| < 0\.1 s \(20 s\) +\|/);
  });
});

describe("the audit", () => {
  const truth = ["INBOX 1 a", "INBOX 2 b", "INBOX 3 c"];
  test.each([
    ["nothing", truth, { lost: 0, twice: 0, unexpected: 0 }],
    ["a lost message", truth.slice(1), { lost: 1, twice: 0, unexpected: 0 }],
    ["a message that was handed off twice", [...truth, "INBOX 2 b"], { lost: 0, twice: 1, unexpected: 0 }],
    ["a message that is not on the server", [...truth, "INBOX 9 z"], { lost: 0, twice: 0, unexpected: 1 }],
    ["other bytes than the server's", [...truth.slice(1), "INBOX 1 x"], { lost: 1, twice: 0, unexpected: 1 }],
  ])("finds %s", (_, handed, found) => {
    expect(compare(truth, handed, 0)).toEqual({ ...found, offeredAgain: 0 });
  });
});
