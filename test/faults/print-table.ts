import type { Measured } from "./measured.ts";
import { type FaultRow, faultTable } from "./table.ts";

const seconds = (ms: number | undefined): string => (ms === undefined ? "" : ms < 100 ? "< 0.1 s" : `${(ms / 1_000).toFixed(1)} s`);
const bound = (s: number | undefined): string => (s === undefined ? "" : ` (${s} s)`);

/** The fault table with what a run measured, as Markdown; bounds in brackets. */
export function printTable(measured: readonly Measured[]): string {
  const cells = faultTable.map((row) => cellsOf(row, measured.filter((one) => one.id === row.id).at(-1)));
  const head = ["", "fault", "lost", "again", "detect (bound)", "recover (bound)", ""];
  const widths = head.map((title, i) => Math.max(title.length, 3, ...cells.map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}

function cellsOf(row: FaultRow, figures: Measured | undefined): string[] {
  const withBound = (ms: number | undefined, s: number | undefined): string => `${seconds(ms)}${bound(s)}`.trim();
  return [
    row.id,
    row.fault,
    figures === undefined ? "" : String(figures.lost),
    figures === undefined ? "" : String(figures.again),
    withBound(figures?.detectMs, row.detectS),
    withBound(figures?.recoverMs, row.recoverS),
    figures?.note ?? (row.proof.length === 0 ? (row.rest ?? "") : ""),
  ];
}

/** What shows each row, and what that leaves out. */
export function printProofs(): string {
  return faultTable
    .filter((row) => row.proof.length > 0)
    .map((row) => {
      const files = [...new Set(row.proof.map(([file]) => `\`${file}\``))].join(", ");
      return `- ${row.id}: ${files}${row.rest === undefined ? "" : `. ${row.rest[0]?.toUpperCase()}${row.rest.slice(1)}`}.`;
    })
    .join("\n");
}
