import { formatCount, stateStyle } from "@mailfleet/core/browser";
import type { StateCounts, StateRole, StateWord } from "@mailfleet/core/console";

export interface Segment {
  readonly state: StateWord;
  readonly role: StateRole;
  readonly count: number;
  /** Waiting differs from syncing without colour. */
  readonly isHatched: boolean;
}

/** From calm to what needs somebody, so that trouble stands at the end of every bar. */
const barOrder: readonly StateWord[] = ["fresh", "syncing", "new", "waiting", "behind", "parked by operator", "unknown", "parked"];

/** Of the legend under the fleet's bar; those that are zero and only seldom of interest are left out. */
const legendOrder: readonly StateWord[] = ["fresh", "syncing", "waiting", "new", "behind", "parked by operator", "unknown", "parked"];
const alwaysShown: ReadonlySet<StateWord> = new Set(["fresh", "syncing", "waiting", "behind", "parked"]);

/** Parts of a bar that are not empty. */
export function segmentsOf(states: StateCounts): readonly Segment[] {
  return barOrder.filter((state) => states[state] > 0).map((state) => segment(state, states));
}

export function legendOf(states: StateCounts): readonly Segment[] {
  return legendOrder.filter((state) => states[state] > 0 || alwaysShown.has(state)).map((state) => segment(state, states));
}

function segment(state: StateWord, states: StateCounts): Segment {
  return { state, role: stateStyle(state).role, count: states[state], isHatched: state === "waiting" || state === "new" };
}

/** For who does not see the bar: `9,640 fresh, 291 syncing, 38 parked`. */
export function barWords(states: StateCounts): string {
  const parts = segmentsOf(states).map(({ state, count }) => `${formatCount(count)} ${state}`);
  return parts.length === 0 ? "No mailboxes" : parts.join(", ");
}
