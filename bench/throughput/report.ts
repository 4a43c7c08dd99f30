import { median } from "../kit/statistics.ts";

/** One contestant's run. */
export interface Result {
  readonly name: string;
  readonly messages: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Of its own processes; the mail server's and Redis' are not in it. */
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

/** Medians over the runs of one contestant. */
export interface Figures {
  readonly name: string;
  readonly runs: number;
  readonly messagesPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly cpuMsPerMessage: number;
  readonly peakRssMb: number;
  readonly seconds: number;
}

export function figuresOf(results: readonly Result[]): Figures {
  const pick = (of: (result: Result) => number): number => median(results.map(of));
  return {
    name: results[0]?.name ?? "",
    runs: results.length,
    messagesPerSecond: pick((one) => one.messages / one.seconds),
    megabytesPerSecond: pick((one) => one.bytes / one.seconds / 1e6),
    cpuMsPerMessage: pick((one) => one.cpuMs / one.messages),
    peakRssMb: Math.max(...results.map((one) => one.peakRssMb)),
    seconds: pick((one) => one.seconds),
  };
}

/** How often one contestant's messages per second are another's: the median of the ratios run by run, because machines drift. */
export function ratioOf(ours: readonly Result[], theirs: readonly Result[]): number {
  return median(ours.map((one, i) => one.messages / one.seconds / ((theirs[i] as Result).messages / (theirs[i] as Result).seconds)));
}

export function formatTable(rows: readonly Figures[], ratios: Readonly<Record<string, number>>): string {
  const head = ["", "messages/s", "MB/s", "CPU ms/message", "peak MB", "s", "mailfleet is"];
  const body = rows.map((row) => [
    row.name,
    Math.round(row.messagesPerSecond).toLocaleString("en-US"),
    row.megabytesPerSecond.toFixed(1),
    row.cpuMsPerMessage.toFixed(2),
    Math.round(row.peakRssMb).toString(),
    row.seconds.toFixed(1),
    ratios[row.name] === undefined ? "" : `${(ratios[row.name] as number).toFixed(2)} x`,
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => (cells[i] as string).length)));
  return [head, ...body]
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join("  "))
    .join("\n");
}
