import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root, runInForeground, workspaceEnv } from "./processes.mjs";
import { filesToTryAgain, namesOfFailed } from "./second-try.mjs";

/**
 * Runs vitest on our terminal and counts what it says in its JSON report. With `secondTry`, a few failures that may be a matter of the
 * machine are run once more, alone, and those that then pass are named (decision 38).
 * @returns {Promise<{ passed: number, failed: number, code: number }>} `failed` is at least 1 when vitest broke down or ran nothing
 */
export async function runVitest(node, args, { secondTry = false } = {}) {
  const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-report-"));
  const report = path.join(dir, "report.json");
  try {
    const searches = path.join(dir, "searches.jsonl");
    const run = (file, wanted) => {
      const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
      return runInForeground(node, [vitest, "run", ...reporters, ...wanted], {
        env: workspaceEnv({ MAILFLEET_SECRET_SEARCHES: searches }),
      });
    };
    const code = await run(report, args);
    let counts = countReport(report, code);
    const again = secondTry && counts.failed > 0 ? filesToTryAgain(readReport(report)) : [];
    if (again.length > 0) {
      const second = path.join(dir, "second.json");
      console.log(`\n${counts.failed} failed. Once more, alone: ${again.map((file) => path.relative(root, file)).join(", ")}`);
      counts = countSecondTry(counts, countReport(second, await run(second, again)));
      const names = namesOfFailed(readReport(report));
      console.log(
        `\nFailed at first${counts.failed === 0 ? ", passed when run alone" : ""}:\n${names.map((name) => `  ${name}`).join("\n")}`,
      );
    }
    const searched = readSearches(searches);
    const endCode = again.length > 0 && counts.failed === 0 ? 0 : code;
    if (searched === undefined) return { ...counts, code: endCode };
    console.log(`\nSearched for secrets and tokens: ${searched.places} outputs, logs and Redis files; found in ${searched.found.length}`);
    for (const { where, found } of searched.found) console.log(`  ${where}: ${found.join(", ")}`);
    return searched.found.length === 0
      ? { ...counts, passed: counts.passed + 1, code: endCode }
      : { ...counts, failed: counts.failed + 1, code: endCode || 1 };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the search over everything that the suite wrote has found (rule G6); undefined where nothing was searched. */
export function readSearches(file) {
  let lines;
  try {
    lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
  return { places: lines.length, found: lines.filter(({ found }) => found.length > 0) };
}

/** All that failed was in the files of the second try: what fails there is what failed. */
export function countSecondTry(first, second) {
  return { passed: first.passed + first.failed - second.failed, failed: second.failed };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // No report: vitest ended before it could write one.
    return { testResults: [] };
  }
}

/** A file that could not even be loaded has no tests in the report; it counts as one failure. */
export function countReport(file, code) {
  let counts = { passed: 0, failed: 0 };
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    const broken = report.testResults.filter(
      (result) => result.status === "failed" && !result.assertionResults.some((test) => test.status === "failed"),
    );
    counts = { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
  } catch {
    // No report: vitest ended before it could write one.
  }
  const ranNothing = counts.passed + counts.failed === 0;
  if (counts.failed === 0 && (code !== 0 || ranNothing)) counts.failed = 1;
  return counts;
}
