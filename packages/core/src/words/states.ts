import type { Cause, OperatorPark } from "../cause.ts";
import { describeCause } from "./causes.ts";
import { formatCount } from "./numbers.ts";
import { formatAgo, formatClock, type Zone } from "./times.ts";

/** In the order of the rule: the first that fits is the mailbox's state, so that the counts add up to all mailboxes. */
export const stateWords = ["unknown", "parked by operator", "parked", "waiting", "behind", "new", "syncing", "fresh"] as const;

export type StateWord = (typeof stateWords)[number];

/** Who must act, said by colour: nobody (off, calm), mailfleet (moving), look (late), a person (yours). */
export type StateRole = "off" | "yours" | "moving" | "late" | "calm";

/** What is known of a mailbox. Times are epoch ms of the same clock as `now`. */
export interface MailboxFacts {
  readonly tenant: string;
  readonly address: string;
  /** Last time the server's lists were compared and everything new was handed off; absent before the first. */
  readonly checkedAt?: number;
  /** What stops it. */
  readonly cause?: Cause;
  /** A session works on it. */
  readonly isSyncing: boolean;
  /** An operator stopped it. */
  readonly parkedBy?: OperatorPark;
  /** Folders of the running session. */
  readonly folders?: { readonly done: number; readonly all: number };
  /** Mailboxes that come before it in the first sync. */
  readonly ahead?: number;
}

export interface StateQuestion {
  readonly now: number;
  /** Not checked for this long is behind. */
  readonly freshWithinMs: number;
  /** When the facts were read; left out where that was at `now`. */
  readonly factsAt?: number;
}

/** Facts older than this say nothing about now. */
const outOfTouchMs = 10_000;

/** The one state of a mailbox. Pure and total; the counts of all mailboxes add up to the fleet. */
export function stateOf(facts: MailboxFacts, question: StateQuestion): StateWord {
  const { now, freshWithinMs, factsAt = now } = question;
  const { cause, checkedAt } = facts;
  // Comparisons with what may be no number are written so that it falls on the side that is not fresh.
  if (!(now - factsAt < outOfTouchMs)) return "unknown";
  if (facts.parkedBy !== undefined) return "parked by operator";
  if (cause?.state === "parked") return "parked";
  // A promised time that went by long ago is no promise, and what has a cause is not fresh.
  if (cause !== undefined) return now - cause.nextAt <= freshWithinMs ? "waiting" : "behind";
  if (checkedAt !== undefined && !(now - checkedAt <= freshWithinMs)) return "behind";
  if (checkedAt === undefined) return "new";
  return facts.isSyncing ? "syncing" : "fresh";
}

export type StateShape = "dashed ring" | "two bars" | "octagon" | "clock" | "triangle" | "ring" | "two arrows" | "check";

export interface StateStyle {
  readonly role: StateRole;
  /** The console's icon: tells the states apart without colour. */
  readonly shape: StateShape;
  /** One column wide in a terminal with UTF-8. */
  readonly mark: string;
  /** Without UTF-8. */
  readonly plainMark: string;
}

const styles: Record<StateWord, StateStyle> = {
  unknown: { role: "off", shape: "dashed ring", mark: "?", plainMark: "?" },
  "parked by operator": { role: "off", shape: "two bars", mark: "=", plainMark: "=" },
  parked: { role: "yours", shape: "octagon", mark: "✗", plainMark: "FAIL" },
  waiting: { role: "moving", shape: "clock", mark: "~", plainMark: "~" },
  behind: { role: "late", shape: "triangle", mark: "!", plainMark: "!" },
  new: { role: "moving", shape: "ring", mark: "·", plainMark: "." },
  syncing: { role: "moving", shape: "two arrows", mark: "~", plainMark: "~" },
  fresh: { role: "calm", shape: "check", mark: "✓", plainMark: "ok" },
};

export function stateStyle(state: StateWord): StateStyle {
  return styles[state];
}

/** `fresh: checked 40 s ago`, `waiting: throttled by the server until 14:05`, `parked by anna, 2 d ago`. */
export function stateSentence(facts: MailboxFacts, question: StateQuestion & { readonly zone: Zone }): string {
  const { now, zone, factsAt = now } = question;
  const state = stateOf(facts, question);
  switch (state) {
    case "unknown":
      return `unknown since ${formatClock(factsAt, { now, zone, seconds: true })}`;
    case "parked by operator":
      return facts.parkedBy === undefined ? state : `parked by ${facts.parkedBy.name}, ${formatAgo(facts.parkedBy.at, now)}`;
    case "parked":
    case "waiting":
      return facts.cause === undefined ? state : `${state}: ${describeCause(causeOf(facts, facts.cause), { now, zone }).label}`;
    case "behind":
      return facts.checkedAt === undefined ? "behind: never checked" : `behind: checked ${formatAgo(facts.checkedAt, now)}`;
    case "new":
      return facts.ahead === undefined ? "new: not checked yet" : `new: ${formatCount(facts.ahead)} ahead of it`;
    case "syncing":
      return facts.folders === undefined
        ? "syncing"
        : `syncing: ${formatCount(facts.folders.done)} of ${formatCount(facts.folders.all)} folders`;
    case "fresh":
      return facts.checkedAt === undefined ? state : `fresh: checked ${formatAgo(facts.checkedAt, now)}`;
  }
}

function causeOf(facts: MailboxFacts, cause: Cause) {
  return { ...cause, tenant: facts.tenant, mailboxes: [facts.address], mailboxCount: 1 };
}

export type StateCounts = Readonly<Record<StateWord, number>>;

/** How many mailboxes are in each state. */
export function countStates(states: Iterable<StateWord>): StateCounts {
  const counts: Record<StateWord, number> = {
    unknown: 0,
    "parked by operator": 0,
    parked: 0,
    waiting: 0,
    behind: 0,
    new: 0,
    syncing: 0,
    fresh: 0,
  };
  for (const state of states) counts[state] += 1;
  return counts;
}
