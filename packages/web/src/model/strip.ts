import { formatClock, formatDay, stateStyle, stateWords } from "@mailfleet/core/browser";
import type { StateRole, StateStrip, StateWord, Zone } from "@mailfleet/core/console";

export interface StripCell {
  readonly at: number;
  /** Absent where nobody looked. */
  readonly state?: StateWord;
  readonly role: StateRole;
  readonly isHatched: boolean;
  /** What changed in this hour. */
  readonly marks: readonly string[];
}

export interface StripDay {
  readonly label: string;
  readonly cells: readonly StripCell[];
}

export interface StripMark {
  readonly at: number;
  readonly words: string;
}

const hourMs = 3_600_000;

/** A row a day, a cell an hour, the newest day last. Hours before the first and after the last are gaps, so that all rows are full. */
export function stripDays(strip: StateStrip, marks: readonly StripMark[], zone: Zone): readonly StripDay[] {
  const days = new Map<string, StripCell[]>();
  for (const [i, index] of strip.hours.entries()) {
    const at = strip.from + i * hourMs;
    const label = formatDay(at, zone);
    const cells = days.get(label) ?? emptyDay(at, zone);
    days.set(label, cells);
    cells[hourOf(at, zone)] = cellOf(at, index, marks);
  }
  return [...days].map(([label, cells]) => ({ label, cells }));
}

function emptyDay(at: number, zone: Zone): StripCell[] {
  const begin = at - hourOf(at, zone) * hourMs;
  return Array.from({ length: 24 }, (_, hour) => ({ at: begin + hour * hourMs, role: "off", isHatched: false, marks: [] }));
}

function hourOf(at: number, zone: Zone): number {
  return Number(formatClock(at, { now: at, zone }).slice(0, 2));
}

function cellOf(at: number, index: number | null, marks: readonly StripMark[]): StripCell {
  const state = index === null ? undefined : stateWords[index];
  const words = marks.filter((mark) => mark.at >= at && mark.at < at + hourMs).map((mark) => mark.words);
  if (state === undefined) return { at, role: "off", isHatched: false, marks: words };
  return { at, state, role: stateStyle(state).role, isHatched: state === "waiting" || state === "new", marks: words };
}

/** `In 14 days: 318 hours fresh, 3 hours waiting, 15 hours not recorded.` */
export function stripSentence({ hours }: StateStrip): string {
  const counts = new Map<string, number>();
  for (const index of hours) {
    const word = index === null ? "not recorded" : (stateWords[index] ?? "not recorded");
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([word, n]) => `${n} ${n === 1 ? "hour" : "hours"} ${word}`);
  return `The worst state of each hour: ${parts.join(", ")}.`;
}
