import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mailFaults } from "../faults/mail-faults.ts";
import { pop3Faults } from "../faults/pop3-faults.ts";

/** The tests that speak to the server without a library in between. */
function wireTests(): string {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  return files.map((name) => readFileSync(new URL(name, import.meta.url), "utf8")).join("\n");
}

test("every fault that the POP3 server has is ordered in a test at the wire, and says in sentences what a client sees", () => {
  const tests = wireTests();
  for (const [name, { says }] of Object.entries({ ...mailFaults, ...pop3Faults })) {
    expect(tests.includes(`"${name}"`), `${name} has no test`).toBe(true);
    expect(says, name).toMatch(/[.`]$/);
  }
});
