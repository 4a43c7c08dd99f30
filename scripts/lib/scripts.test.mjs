import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isNewEnough } from "./node.mjs";
import { arePackagesInstalled } from "./packages.mjs";
import { countReport, readSearches } from "./test-run.mjs";

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
