import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliExamples } from "./cli-examples.ts";
import { cliReference, commandTree } from "./cli-reference.ts";
import { configReference } from "./config-reference.ts";
import { verbName, verbsOf } from "../../apps/cli/src/exit-codes.ts";

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");

test("docs/configuration.md says what the schema does; npm run docs writes it", () => {
  expect(page("configuration")).toBe(configReference());
});

test("docs/cli.md says what the commands do; npm run docs writes it", () => {
  expect(page("cli")).toBe(cliReference());
});

test("every verb has an example, and it is of that verb", () => {
  const verbs = verbsOf(commandTree())
    .map(verbName)
    .filter((name) => !name.startsWith("bench "));
  expect(Object.keys(cliExamples).toSorted()).toEqual(verbs.toSorted());
  for (const [name, { args }] of Object.entries(cliExamples)) expect(`${args} `.startsWith(`${name} `), args).toBe(true);
});
