import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root, runInForeground, workspaceEnv } from "./processes.mjs";

/**
 * Runs vitest on our terminal and counts what it says in its JSON report.
 * @returns {Promise<{ passed: number, failed: number, code: number }>} `failed` is at least 1 when vitest broke down or ran nothing
 */
export async function runVitest(node, args) {
  const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-report-"));
  const report = path.join(dir, "report.json");
  try {
    const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const searches = path.join(dir, "searches.jsonl");
    const env = workspaceEnv({ MAILFLEET_SECRET_SEARCHES: searches });
    const code = await runInForeground(node, [vitest, "run", ...reporters, ...args], { env });
    const counts = countReport(report, code);
    const searched = readSearches(searches);
    if (searched === undefined) return { ...counts, code };
    console.log(`\nSearched for secrets and tokens: ${searched.places} outputs, logs and Redis files; found in ${searched.found.length}`);
    for (const { where, found } of searched.found) console.log(`  ${where}: ${found.join(", ")}`);
    return searched.found.length === 0
      ? { ...counts, passed: counts.passed + 1, code }
      : { ...counts, failed: counts.failed + 1, code: code || 1 };
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
