import { formatAge, formatClock, formatDay, formatRate } from "@mailfleet/core/browser";
import type { HistoryColumns, HistorySpan, Zone } from "@mailfleet/core/console";

export type ChartName = "rate" | "age";

export const chartTitles: Readonly<Record<ChartName, string>> = {
  rate: "Messages handed off",
  age: "Age of the last check",
};

interface Style {
  readonly now: number;
  readonly zone: Zone;
}

type Values = readonly (number | null)[];

const spanWords: Readonly<Record<HistorySpan, string>> = {
  "1h": "In the last hour",
  "24h": "In the last 24 hours",
  "7d": "In the last 7 days",
};

/** What the chart shows, for who does not see it, and for who does. */
export function chartSentence(name: ChartName, columns: HistoryColumns, { now, zone }: Style): string {
  const most = name === "rate" ? highest(sumOf(columns)) : highest(columns.worst);
  if (most === undefined) return `Nothing was recorded yet; a point comes every ${formatAge(columns.stepMs)}.`;
  const at = columns.at[most.index] ?? now;
  const when = formatClock(at, { now, zone });
  if (name === "rate") {
    const last = lastOf(sumOf(columns));
    return `${spanWords[columns.span]}: ${formatRate(last ?? 0)} now, at most ${formatRate(most.value)} at ${when}.`;
  }
  const half = lastOf(columns.p50);
  return `${spanWords[columns.span]}: half were checked within ${formatAge(half ?? 0)} now; the worst was ${formatAge(most.value)} at ${when}.`;
}

export interface ChartTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Enough to read, not every point. */
const tableRows = 24;

/** Newest first; a gap is said to be one. */
export function chartTable(name: ChartName, columns: HistoryColumns, { now, zone }: Style): ChartTable {
  const every = Math.max(1, Math.ceil(columns.at.length / tableRows));
  const picked = columns.at.map((_, i) => i).filter((i) => (columns.at.length - 1 - i) % every === 0);
  const cell = (value: number | null | undefined, format: (value: number) => string): string =>
    value == null ? "not recorded" : format(value);
  const time = (i: number): string => formatClock(columns.at[i] ?? 0, { now, zone });
  return name === "rate"
    ? {
        head: ["From", "Fresh", "History"],
        rows: picked.map((i) => [time(i), cell(columns.fresh[i], formatRate), cell(columns.history[i], formatRate)]).reverse(),
      }
    : {
        head: ["From", "Half of them", "99 of 100", "The worst"],
        rows: picked
          .map((i) => [time(i), cell(columns.p50[i], formatAge), cell(columns.p99[i], formatAge), cell(columns.worst[i], formatAge)])
          .reverse(),
      };
}

/** Stacked: fresh from 0, history on top of it. A gap of one is a gap of both. */
export function sumOf({ fresh, history }: Pick<HistoryColumns, "fresh" | "history">): (number | null)[] {
  return fresh.map((value, i) => {
    const other = history[i];
    return value === null || other == null ? null : value + other;
  });
}

/** Ages in minutes on a logarithmic scale have no zero: a second is the least that is told apart. */
export function toMinutes(values: Values): (number | null)[] {
  return values.map((value) => (value === null ? null : Math.max(value, 1_000) / 60_000));
}

/** Of the time axis: hours of the day, and the day where it begins. */
export function tickWords(at: number, span: HistorySpan, style: Style): string {
  const time = formatClock(at, { now: at, zone: style.zone }).replace("Z", "");
  if (span !== "7d" && time !== "00:00") return time;
  return time === "00:00" ? formatDay(at, style.zone) : time;
}

/** Less than a quarter of the span is recorded: a shorter one shows more. */
export function isYoung({ fresh }: Pick<HistoryColumns, "fresh">): boolean {
  return fresh.filter((value) => value !== null).length < fresh.length / 4;
}

function highest(values: Values): { readonly value: number; readonly index: number } | undefined {
  let found: { value: number; index: number } | undefined;
  for (const [index, value] of values.entries()) {
    if (value !== null && (found === undefined || value > found.value)) found = { value, index };
  }
  return found;
}

function lastOf(values: Values): number | undefined {
  return values.findLast((value) => value !== null) ?? undefined;
}
