import { expect, test } from "vitest";
import { startFailure } from "./start-roles.ts";
import { ProcessFailure } from "./supervised-process.ts";

const whatOf = (reason: string): string => startFailure(new ProcessFailure("sandbox", "exit code 2", 2, reason), "sandbox", "/log").message;

test("a role that names itself is not named twice", () => {
  expect(whatOf("sandbox: port 993 is in use")).toContain("The sandbox could not start: port 993 is in use");
});

test("a role that says nothing is still said to have ended", () => {
  expect(whatOf("")).toContain("The sandbox could not start: sandbox ended with exit code 2");
});
