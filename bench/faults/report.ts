import type { FaultsResult, Judged } from "./run-faults.ts";

/** The summary as people read it: one line a fault, what is wrong below it. */
export function renderJudged({ judged, incident, lost, unaccounted }: FaultsResult): string {
  const head = ["", "fault", "class", "stops", "again in", "doctor", "back"];
  const rows = judged.map((one) => [
    one.problems.length === 0 ? "ok" : "WRONG",
    one.name,
    one.code,
    one.scope,
    one.wait,
    one.step,
    one.back,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const wrong = judged.flatMap(({ name, problems }: Judged) => problems.map((problem) => `  ${name}: ${problem}`));
  const right = judged.length + 1 - judged.filter(({ problems }) => problems.length > 0).length - Number(!incident.isRight);
  return [
    line(head),
    ...rows.map(line),
    `${incident.isRight ? "ok   " : "WRONG"}  an incident over all tenants: ${incident.text}`,
    ...wrong,
    `${right} of ${judged.length + 1} right (${((100 * right) / (judged.length + 1)).toFixed(1)} %); lost ${lost}, unaccounted ${unaccounted}`,
  ].join("\n");
}
