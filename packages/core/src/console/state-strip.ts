import { type StateWord, stateWords } from "../words/states.ts";
import type { StateStrip } from "./page-data.ts";

/** A strip shows 14 days, a cell an hour. */
export const stripHours = 14 * 24;
export const hourMs = 3_600_000;

/** Recorded hours of one mailbox. */
export interface RecordedHours {
  /** Of the last state: epoch ms divided by {@link hourMs}. */
  readonly lastHour: number;
  /** Index in `stateWords`, null where nobody looked; the oldest first, at most {@link stripHours}. */
  readonly states: readonly (number | null)[];
}

/** From the best to the worst: an hour is shown by the worst that was seen in it. */
const severity: readonly StateWord[] = ["unknown", "fresh", "syncing", "new", "waiting", "parked by operator", "behind", "parked"];
const ranks = stateWords.map((word) => severity.indexOf(word));

/** Of two states of one hour, by their index in `stateWords`. */
export function worseState(a: number, b: number): number {
  return (ranks[a] ?? 0) >= (ranks[b] ?? 0) ? a : b;
}

/** With one hour more. What was missed between is a gap; the same hour again keeps its worst; an hour before the last changes nothing. */
export function withHour(recorded: RecordedHours | undefined, hour: number, state: number): RecordedHours {
  if (recorded === undefined || hour - recorded.lastHour >= stripHours) return { lastHour: hour, states: [state] };
  const { lastHour, states } = recorded;
  if (hour < lastHour) return recorded;
  if (hour === lastHour) {
    const last = states.at(-1) ?? null;
    return { lastHour, states: [...states.slice(0, -1), last === null ? state : worseState(last, state)] };
  }
  const missed = Array.from({ length: hour - lastHour - 1 }, () => null);
  return { lastHour: hour, states: [...states, ...missed, state].slice(-stripHours) };
}

/** Letters for the states by their index, so that a quiet fortnight is a few bytes. */
const letters = "abcdefgh";
const gap = "-";

/** `q9wz:h300-12bh23`: the last hour in base 36, then each run of one state with its length, where that is more than one. */
export function packHours({ lastHour, states }: RecordedHours): string {
  const runs: string[] = [];
  for (let i = 0; i < states.length;) {
    const state = states[i] ?? null;
    let end = i + 1;
    while (end < states.length && (states[end] ?? null) === state) end++;
    runs.push(`${state === null ? gap : (letters[state] ?? gap)}${end - i === 1 ? "" : end - i}`);
    i = end;
  }
  return `${lastHour.toString(36)}:${runs.join("")}`;
}

/** Undefined for what no version of ours wrote. */
export function unpackHours(text: string): RecordedHours | undefined {
  const [, last, runs] = /^([0-9a-z]{1,8}):((?:[a-h-]\d{0,3}){1,336})$/.exec(text) ?? [];
  if (last === undefined || runs === undefined) return undefined;
  const states: (number | null)[] = [];
  for (const [, letter = gap, length] of runs.matchAll(/([a-h-])(\d*)/g)) {
    const state = letter === gap ? null : letters.indexOf(letter);
    for (let n = length === "" ? 1 : Number(length); n > 0 && states.length <= stripHours; n--) states.push(state);
  }
  return states.length === 0 || states.length > stripHours ? undefined : { lastHour: Number.parseInt(last, 36), states };
}

/** Fourteen days up to the hour of `now`, with gaps for what is not recorded. */
export function stripUpTo(recorded: RecordedHours | undefined, now: number): StateStrip {
  const last = Math.floor(now / hourMs);
  const first = last - stripHours + 1;
  const begin = recorded === undefined ? 0 : recorded.lastHour - recorded.states.length + 1;
  const hours = Array.from({ length: stripHours }, (_, i) => recorded?.states[first + i - begin] ?? null);
  return { from: first * hourMs, hours };
}
