import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { readMeasured } from "../faults/measured.ts";
import { printProofs, printTable } from "../faults/print-table.ts";

let file = "";

export function setup(project: TestProject): void {
  file = path.join(mkdtempSync(path.join(tmpdir(), "mailfleet-faults-")), "measured.jsonl");
  writeFileSync(file, "");
  project.provide("faultsFile", file);
}

/** Shows the table; with FAULTS_DOC=1 it also goes into docs/faults.md. */
export function teardown(): void {
  const measured = readMeasured(file);
  rmSync(path.dirname(file), { recursive: true, force: true });
  if (measured.length === 0) return;
  const table = printTable(measured);
  process.stdout.write(`\n${table}\n`);
  if (process.env["FAULTS_DOC"] !== "1") return;
  const doc = path.join(import.meta.dirname, "../../docs/faults.md");
  const text = readFileSync(doc, "utf8");
  const [before = ""] = text.split("<!-- table -->");
  const after = text.split("<!-- end of table -->")[1] ?? "";
  writeFileSync(doc, `${before}<!-- table -->\n\n${table}\n\n${printProofs()}\n\n<!-- end of table -->${after}`);
}
