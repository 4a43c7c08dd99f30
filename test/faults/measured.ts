import { appendFileSync, readFileSync } from "node:fs";
import { expect, inject } from "vitest";
import { faultTable } from "./table.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the run collects what its fault tests measured. */
    faultsFile: string;
  }
}

export interface Measured {
  readonly id: string;
  readonly lost: number;
  /** Handed to the queue again, or fetched again where the test counts that. */
  readonly again: number | string;
  readonly detectMs?: number;
  readonly recoverMs?: number;
  readonly note?: string;
}

/** Beside all else that runs, a bound of the table holds with this much on top: less than a lease, which is the shortest wait that a fault could add. */
const slackMs = 20_000;

/** Notes a row, and holds it against the bounds of the table. */
export function noteRow(row: Measured): void {
  appendFileSync(inject("faultsFile"), `${JSON.stringify(row)}\n`);
  const { detectS, recoverS } = faultTable.find((one) => one.id === row.id) ?? {};
  expect(row.lost, `${row.id}: lost`).toBe(0);
  if (detectS !== undefined && row.detectMs !== undefined)
    expect(row.detectMs, `${row.id}: time to detect`).toBeLessThan(detectS * 1_000 + slackMs);
  if (recoverS !== undefined && row.recoverMs !== undefined) {
    expect(row.recoverMs, `${row.id}: time to recover`).toBeLessThan(recoverS * 1_000 + slackMs);
  }
}

export function readMeasured(file: string): Measured[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((text) => JSON.parse(text) as Measured);
}
