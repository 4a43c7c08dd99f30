import type { ConfigProblem } from "./config.ts";

const maxListed = 200;

/**
 * All problems as the terminal shows them: where each is, what stands there, what was expected. Without a newline at the end.
 * @param mark `✗`, or `FAIL` where the terminal has no UTF-8
 */
export function formatProblems(problems: readonly ConfigProblem[], fileName: string, mark = "✗"): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length.toLocaleString("en-US")} problems`;
  const lines = [`${mark} ${fileName} has ${count}. Nothing was started.`];
  const listed = problems.slice(0, maxListed);
  const digits = Math.max(2, ...listed.map((problem) => (typeof problem.line === "number" ? String(problem.line).length : 0)));
  for (const problem of listed) lines.push(...formatOne(problem, digits));
  if (problems.length > maxListed) lines.push(`  and ${(problems.length - maxListed).toLocaleString("en-US")} more`);
  return lines.join("\n");
}

/** `sync.pollSecond is not known; did you mean pollSeconds?` */
export function problemSentence(problem: ConfigProblem): string {
  return `${problem.path} ${problemText(problem)}`.trim();
}

function formatOne(problem: ConfigProblem, digits: number): string[] {
  const width = "line ".length + digits;
  const where = typeof problem.line === "number" ? `line ${String(problem.line).padStart(digits)}` : (problem.line ?? "");
  const head = `  ${where.padEnd(width)}   `;
  const text = problemText(problem);
  if (problem.path === "") return [`${head}${text}`];
  return [`${head}${problem.path}`, `${" ".repeat(width + 5)}${text}`];
}

function problemText(problem: ConfigProblem): string {
  return problem.expected === undefined ? problem.found : `${problem.found}; ${problem.expected}`;
}
