import { expect, test } from "vitest";
import { addAllVerbs } from "./all-verbs.ts";
import { failureOf, verbName, verbsOf } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

const stream = process.stdout;
const terminal = createTerminal({ stdout: stream, stderr: stream, env: {}, color: "never", progress: "none" });
const program = createProgram(
  () => () => Promise.resolve(),
  terminal,
  addAllVerbs,
  () => undefined,
);

test("every verb says what exit code 1 means, and no verb is told of that there is not", () => {
  const told = verbsOf(program)
    .map(verbName)
    .filter((name) => !name.startsWith("bench "));
  expect(Object.keys(failureOf).toSorted()).toEqual(told.toSorted());
});
