import type { CauseGroup } from "./group-causes.ts";
import { intakeSubject, type IntakeWords } from "./intake.ts";
import { laneNames, type LaneWords } from "./lane-words.ts";
import { formatCount, formatCounted, formatRate, formatCountedWord } from "./numbers.ts";
import { type StateCounts, stateWords } from "./states.ts";
import { formatAge } from "./times.ts";

export interface FleetFacts {
  readonly states: StateCounts;
  readonly causes: readonly CauseGroup[];
  /** What holds everybody's intake back; absent where nothing does. */
  readonly intake?: IntakeWords;
  /** Lanes that no worker serves though mailboxes wait in them. */
  readonly lanes?: readonly LaneWords[];
}

/**
 * The one sentence that status, console and alert begin with:
 * `9,931 of 10,000 mailboxes are fresh. One cause needs you; 31 mailboxes recover by themselves.`
 */
export function fleetSentence({ states, causes, intake, lanes = [] }: FleetFacts): string {
  const all = totalOf(states);
  if (all === 0) return "No mailboxes yet.";
  return `${freshPart(states.fresh + states.syncing, all)} ${restPart(states, causes, intake, lanes.length)}`;
}

function freshPart(fresh: number, all: number): string {
  if (all === 1) return `The only mailbox is ${fresh === 1 ? "fresh" : "not fresh"}.`;
  if (fresh === all) return `All ${formatCount(all)} mailboxes are fresh.`;
  if (fresh === 0) return `None of ${formatCount(all)} mailboxes is fresh.`;
  return `${formatCount(fresh)} of ${formatCount(all)} mailboxes ${fresh === 1 ? "is" : "are"} fresh.`;
}

function restPart(states: StateCounts, causes: readonly CauseGroup[], intake: IntakeWords | undefined, unserved: number): string {
  const yours = causes.filter((cause) => cause.owner === "you");
  // Those in a cause that a person must end are told with it, unless they only wait.
  const recovering = Math.min(
    states.waiting,
    causes.reduce((sum, cause) => sum + (cause.owner === "self" || cause.parkedCount > 0 ? cause.waitingCount : 0), 0),
  );
  const unexplained =
    states.waiting -
    Math.min(
      states.waiting,
      causes.reduce((sum, cause) => sum + cause.waitingCount, 0),
    );
  const parts: string[] = [];
  const needing = yours.length + (intake?.owner === "you" ? 1 : 0) + unserved;
  if (needing > 0) parts.push(`${formatCountedWord(needing, "cause")} need${needing === 1 ? "s" : ""} you`);
  else if (states.parked > 0) parts.push(`${formatCount(states.parked)} parked`);
  else if (states.behind === 0 && states.unknown === 0 && unexplained === 0) parts.push("Nothing needs you");
  const tell = (n: number, one: string, many: string): void => {
    if (n > 0) parts.push(`${formatCounted(n, "mailbox", "mailboxes")} ${n === 1 ? one : many}`);
  };
  if (intake?.owner === "self") parts.push("consumers are behind");
  tell(states.behind, "is behind", "are behind");
  tell(recovering, "recovers by itself", "recover by themselves");
  tell(unexplained, "waits for a reason that is not known", "wait for a reason that is not known");
  tell(states.new, "is still syncing for the first time", "are still syncing for the first time");
  tell(states["parked by operator"], "is parked by an operator", "are parked by an operator");
  tell(states.unknown, "is out of touch", "are out of touch");
  return `${parts.join("; ")}.`;
}

export interface NowFacts extends FleetFacts {
  /** Of the mailbox that was checked longest ago, ms; absent before all were checked. */
  readonly oldestCheckMs?: number;
  readonly messagesPerSecond: number;
}

/** The panel's last line: `59 of 60 mailboxes fresh, oldest check 38 s ago, 0.4 messages/s. 1 needs you: hr@contoso.example.` */
export function nowLine(facts: NowFacts): string {
  const fresh = facts.states.fresh + facts.states.syncing;
  const all = totalOf(facts.states);
  const check = facts.oldestCheckMs === undefined ? "" : `, oldest check ${formatAge(facts.oldestCheckMs)} ago`;
  const speed = formatRate(facts.messagesPerSecond).replace("/s", " messages/s");
  return `${formatCount(fresh)} of ${formatCounted(all, "mailbox", "mailboxes")} fresh${check}, ${speed}. ${needs(facts)}`;
}

function needs({ causes, intake, lanes = [] }: FleetFacts): string {
  const yours = causes.filter((cause) => cause.owner === "you");
  const all = [...(intake?.owner === "you" ? [intakeSubject(intake)] : []), ...lanes.map(({ lane }) => `a worker for ${laneNames[lane]}`)];
  if (yours.length === 0 && all.length === 0) return "Nothing needs you.";
  const whom = (cause: CauseGroup): string =>
    cause.mailboxCount === 1 ? (cause.mailboxes[0] ?? "a mailbox") : (cause.tenant ?? formatCounted(cause.tenantCount ?? 0, "tenant"));
  const names = [...all, ...yours.slice(0, 3).map(whom)];
  const count = yours.length + all.length;
  const more = count > names.length ? ` and ${formatCount(count - names.length)} more` : "";
  return `${formatCount(count)} need${count === 1 ? "s" : ""} you: ${names.join(", ")}${more}.`;
}

function totalOf(states: StateCounts): number {
  return stateWords.reduce((sum, word) => sum + states[word], 0);
}
