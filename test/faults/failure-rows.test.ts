import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { classifyImap, classifyPop3, decideRetry, describeCause, type ErrorFacts, type FailureCode, taxonomy } from "@mailfleet/core";
import { classifyTokenError } from "@mailfleet/entra";
import type { FailureRow } from "./failure-row.ts";
import { failureRows } from "./failure-rows.ts";

type Decided = Extract<FailureRow, { by: "token" | "imap" | "pop3" }>;
type Shown = Extract<FailureRow, { by: "test" }>;

const isDecided = (row: FailureRow): row is Decided => row.by !== "test" && row.by !== "nothing";
const isShown = (row: FailureRow): row is Shown => row.by === "test";

const classify: Readonly<Record<Decided["by"], (facts: ErrorFacts) => FailureCode>> = {
  token: classifyTokenError,
  imap: (facts) => classifyImap(facts).code,
  pop3: (facts) => classifyPop3(facts).code,
};

function wait(code: FailureCode, facts: ErrorFacts, tries: number, random: number) {
  const decision = decideRetry({ code, facts, tries, since: 0, now: 0, opened: true, random });
  return { ...decision, seconds: decision.inMs / 1_000 };
}

test("all 52 rows of the field guide's failure catalogue are here", () => {
  expect([...new Set(failureRows.map((row) => row.row))].sort((a, b) => a - b)).toEqual(Array.from({ length: 52 }, (_, i) => i + 1));
});

describe.each(failureRows.filter(isDecided))("row $row, $symptom", ({ by, facts, code, waits, advice }) => {
  test.each(facts.map((one) => [JSON.stringify(one), one] as const))("%s", (_, one) => {
    expect(classify[by](one)).toBe(code);
    for (const random of [0, 0.5, 0.999]) {
      const first = wait(code, one, 1, random);
      expect(first.seconds).toBeGreaterThanOrEqual(waits.first[0]);
      expect(first.seconds).toBeLessThanOrEqual(waits.first[1]);
      expect(first.state).toBe(waits.parks === "at once" ? "parked" : "waiting");
      const later = wait(code, one, 50, random);
      if (waits.later) {
        expect(later.seconds).toBeGreaterThanOrEqual(waits.later[0]);
        expect(later.seconds).toBeLessThanOrEqual(waits.later[1]);
      }
      expect(later.state).toBe(waits.parks === "never" ? "waiting" : "parked");
    }
  });

  test("says what the operator can do", () => {
    const words = describeCause(
      {
        code,
        scope: taxonomy[code].scope,
        state: "parked",
        tenant: "contoso",
        mailboxes: ["a@contoso.com"],
        mailboxCount: 1,
        since: 0,
        nextAt: 0,
        tries: 1,
        text: "",
      },
      { now: 0, zone: "utc" },
    );
    expect(`${words.youCan} ${words.command ?? ""}`).toMatch(advice);
  });
});

test.each(failureRows.filter(isShown))("row $row, $symptom, is shown by a test that exists", ({ proof: [file, name] }) => {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  expect(source.toLowerCase()).toContain(name.toLowerCase());
});
