import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isNewEnough } from "./node.mjs";
import { arePackagesInstalled } from "./packages.mjs";
import { filesToTryAgain, maxSecondTries } from "./second-try.mjs";
import { countReport, countSecondTry, readSearches } from "./test-run.mjs";

let dir;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "mailfleet-scripts-"));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

test.each([
  ["20.20.2", false],
  ["24.13.9", false],
  ["24.14.0", false],
  ["24.14.1", true],
  ["24.21.0", true],
  ["26.0.0", true],
])("Node %s is new enough: %s", (version, isEnough) => {
  expect(isNewEnough(version)).toBe(isEnough);
});

describe("installed packages", () => {
  const one = { version: "1.0.0", integrity: "sha512-a" };
  const lockOf = (packages) => JSON.stringify({ packages: { "": {}, "packages/core": {}, ...packages } });

  function write(wanted, installed) {
    writeFileSync(path.join(dir, "package-lock.json"), lockOf(wanted));
    mkdirSync(path.join(dir, "node_modules"), { recursive: true });
    if (installed !== undefined) writeFileSync(path.join(dir, "node_modules", ".package-lock.json"), lockOf(installed));
  }

  test.each([
    ["are missing before any install", { "node_modules/a": one }, undefined, false],
    ["are there when both locks agree", { "node_modules/a": one }, { "node_modules/a": one }, true],
    [
      "are there without an optional part for another platform",
      { "node_modules/a": one, "node_modules/b": { ...one, optional: true } },
      { "node_modules/a": one },
      true,
    ],
    ["are stale when a version moved", { "node_modules/a": { ...one, version: "1.0.1" } }, { "node_modules/a": one }, false],
    ["are stale when only the hash moved", { "node_modules/a": { ...one, integrity: "sha512-b" } }, { "node_modules/a": one }, false],
    ["are stale when one was added", { "node_modules/a": one, "node_modules/c": one }, { "node_modules/a": one }, false],
  ])("%s", (_name, wanted, installed, expected) => {
    write(wanted, installed);
    expect(arePackagesInstalled(dir)).toBe(expected);
  });
});

describe("the closing count", () => {
  const report = (content) => {
    const file = path.join(dir, "report.json");
    writeFileSync(file, JSON.stringify(content));
    return file;
  };

  test("adds up tests, and a file that could not be loaded as one failure", () => {
    const testResults = [
      { status: "passed", assertionResults: [{ status: "passed" }] },
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
      { status: "failed", assertionResults: [] },
    ];
    expect(countReport(report({ numPassedTests: 2, numFailedTests: 1, testResults }), 1)).toEqual({ passed: 2, failed: 2 });
  });

  test("has a failure when vitest failed for another reason than a test", () => {
    const testResults = [{ status: "passed", assertionResults: [{ status: "passed" }] }];
    expect(countReport(report({ numPassedTests: 1, numFailedTests: 0, testResults }), 1)).toEqual({ passed: 1, failed: 1 });
  });

  test("has a failure when nothing ran or no report was written", () => {
    expect(countReport(report({ numPassedTests: 0, numFailedTests: 0, testResults: [] }), 0)).toEqual({ passed: 0, failed: 1 });
    expect(countReport(path.join(dir, "missing.json"), 134)).toEqual({ passed: 0, failed: 1 });
  });
});

test("what the searches for secrets found is read back; a run that searched nothing says so", () => {
  const file = path.join(dir, "searches.jsonl");
  expect(readSearches(file)).toBeUndefined();
  const bad = { where: "Redis on port 1", found: ["a token"] };
  writeFileSync(file, `${JSON.stringify({ where: "output of up", found: [] })}\n${JSON.stringify(bad)}\n`);
  expect(readSearches(file)).toEqual({ places: 2, found: [bad] });
});

describe("a second try", () => {
  const failedTest = (message = "expected 5 to be 6") => ({ status: "failed", failureMessages: [message] });
  const fileOf = (name, ...assertionResults) => ({ name, status: "failed", assertionResults });
  const fine = { name: "/a/fine.test.ts", status: "passed", assertionResults: [{ status: "passed" }] };

  test("is given to the files of a few failed tests, and to nothing else", () => {
    const testResults = [
      fine,
      fileOf("/a/one.redis.test.ts", failedTest(), { status: "passed" }),
      fileOf("/a/two.e2e.test.ts", failedTest()),
    ];
    expect(filesToTryAgain({ testResults })).toEqual(["/a/one.redis.test.ts", "/a/two.e2e.test.ts"]);
  });

  test.each([
    [
      "to more failures than a loaded machine makes",
      fileOf("/a/one.test.ts", ...Array.from({ length: maxSecondTries + 1 }, () => failedTest())),
    ],
    ["where a property found a counterexample", fileOf("/a/one.test.ts", failedTest("Error: Property failed after 3 tests"))],
    ["to a simulated crash", fileOf("/a/one.crash.test.ts", failedTest())],
    ["where a file could not be loaded", fileOf("/a/one.test.ts")],
  ])("is not given %s, nor then to any other", (_name, broken) => {
    expect(filesToTryAgain({ testResults: [fine, fileOf("/a/two.test.ts", failedTest()), broken] })).toEqual([]);
  });

  test("decides what failed: what passes in it has passed, and a second try that broke down is a failure", () => {
    expect(countSecondTry({ passed: 98, failed: 2 }, { passed: 12, failed: 0 })).toEqual({ passed: 100, failed: 0 });
    expect(countSecondTry({ passed: 98, failed: 2 }, { passed: 11, failed: 1 })).toEqual({ passed: 99, failed: 1 });
  });
});
