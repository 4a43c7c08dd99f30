import { expect, test } from "vitest";
import { startFailure, workersOf } from "./start-roles.ts";
import { ProcessFailure } from "./supervised-process.ts";

const whatOf = (reason: string): string => startFailure(new ProcessFailure("sandbox", "exit code 2", 2, reason), "sandbox", "/log").message;

test("a role that names itself is not named twice", () => {
  expect(whatOf("sandbox: port 993 is in use")).toContain("The sandbox could not start: port 993 is in use");
});

test("a role that says nothing is still said to have ended", () => {
  expect(whatOf("")).toContain("The sandbox could not start: sandbox ended with exit code 2");
});

test("lanes that are apart have so many workers each; else worker.lane says what a worker serves", () => {
  expect(workersOf({ workers: 2, lanes: "together" })).toEqual(["as configured", "as configured"]);
  expect(workersOf({ workers: 1, lanes: "apart" })).toEqual(["fresh", "backfill"]);
  expect(workersOf({ workers: 2, lanes: "apart" })).toEqual(["fresh", "backfill", "fresh", "backfill"]);
});
