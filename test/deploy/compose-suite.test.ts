import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { againstCompose, notAgainstCompose } from "../compose/suite.ts";
import { root } from "../e2e/fleet.ts";

const folder = path.join(root, "test/e2e");
const files = readdirSync(folder).filter((name) => name.endsWith(".e2e.test.ts"));

test("every end-to-end test runs against the compose file, or it is said why it does not", () => {
  expect([...againstCompose, ...Object.keys(notAgainstCompose)].sort()).toEqual([...files].sort());
});

test.each(againstCompose)("%s brings its fleet up in the way that has both kinds", (file) => {
  const text = readFileSync(path.join(folder, file), "utf8");
  expect(text).toMatch(/startFleet|useConsole/);
  // What is ours alone: a process of this machine, or a sandbox in this one.
  expect(text).not.toMatch(/startProgram|startRole|startSandbox|process\.kill/);
});
