import { type DownstreamLoad, type DownstreamMarks, eventsOf, type Intake, type IntakeCause } from "../intake.ts";
import { formatBytes, formatCount, formatCounted } from "./numbers.ts";
import { formatAge } from "./times.ts";

/** Why intake is held back, in the same words for status, panel, log and alert. */
export interface IntakeWords {
  readonly code: "DOWNSTREAM_BACKPRESSURE" | "DEAD_LETTERS_FULL" | "REDIS_FULL" | "REDIS_UNSAFE";
  /** Who ends it: `self` when consumers only have to go on. */
  readonly owner: "you" | "self";
  /** What happened. */
  readonly happened: string;
  /** What mailfleet does next. */
  readonly next: string;
  readonly youCan: string;
  readonly command?: string;
}

const codes: Readonly<Record<IntakeCause, IntakeWords["code"]>> = {
  events: "DOWNSTREAM_BACKPRESSURE",
  bytes: "DOWNSTREAM_BACKPRESSURE",
  "redis-memory": "REDIS_FULL",
  "dead-letters": "DEAD_LETTERS_FULL",
  "redis-unsafe": "REDIS_UNSAFE",
};

/** Undefined while everything comes in as it should. @param now epoch ms by Redis' clock */
export function describeIntake(intake: Intake, load: DownstreamLoad, marks: DownstreamMarks, now: number): IntakeWords | undefined {
  const { cause } = intake;
  if (cause === undefined) return undefined;
  return { code: codes[cause], ...entryOf(cause, load, marks, now), next: `${nextOf(intake)} Nothing is lost; mail waits on the server.` };
}

/** Whom it is about, where names are listed. */
export function intakeSubject({ code }: IntakeWords): string {
  return code === "REDIS_FULL" || code === "REDIS_UNSAFE" ? "Redis" : "consumers";
}

/** One line: what happened and what comes next. */
export function intakeSentence({ happened, next }: IntakeWords): string {
  return `${happened} ${next}`;
}

type Entry = Omit<IntakeWords, "code" | "next">;

function entryOf(cause: IntakeCause, load: DownstreamLoad, marks: DownstreamMarks, now: number): Entry {
  switch (cause) {
    case "events":
      return behind(load, `${formatCounted(eventsOf(load), "event")} in the queue, the limit is ${formatCount(marks.highWater)}`, now);
    case "bytes":
      return behind(load, `about ${formatBytes(load.bytes)} in the queue, the limit is ${formatBytes(marks.highWaterBytes)}`, now);
    case "dead-letters":
      return {
        owner: "you",
        happened: `Consumers fail: ${formatCount(load.failed)} events are dead letters, the limit is ${formatCount(marks.deadLetters)}.`,
        youCan: "Look at the consumers' errors, mend them, and replay or discard the dead letters.",
        command: "npx mailfleet dead-letters list",
      };
    case "redis-memory":
      return {
        owner: "you",
        happened: `Redis is nearly full: ${Math.floor(load.memoryShare * 100)} % of its maxmemory are in use, ${formatCounted(eventsOf(load), "event")} in the queue.`,
        youCan: "Start more consumers, or give Redis more memory (maxmemory).",
      };
    case "redis-unsafe":
      return {
        owner: "you",
        happened: load.problems[0] ?? "Redis may not be used as it is set up.",
        youCan: "Set Redis up again as it says.",
      };
  }
}

/** Consumers that take nothing, that fail, or that are only slow: each asks for something else. */
function behind(load: DownstreamLoad, what: string, now: number): Entry {
  const isFailing = load.failed + load.delayed > load.waiting;
  const age = load.oldestAt === undefined ? "" : ` ${formatAge(Math.max(0, now - load.oldestAt))}`;
  if (isFailing) {
    return {
      owner: "you",
      happened: `Consumers fail: ${formatCount(load.delayed)} events wait for another try, ${formatCount(load.failed)} are dead letters; ${what}.`,
      youCan: "Look at the consumers' errors.",
      command: "npx mailfleet dead-letters list",
    };
  }
  if (load.active === 0) {
    return { owner: "you", happened: `No consumer is at work${age === "" ? "" : `, for${age}`}: ${what}.`, youCan: "Start a consumer." };
  }
  return {
    owner: "self",
    happened: `Consumers are${age} behind: ${what}.`,
    youCan: "Start more consumers, or look at their errors.",
  };
}

function nextOf({ lanes, cause }: Intake): string {
  const ends = cause === "redis-unsafe" ? "when that is mended" : "as the queue empties";
  if (lanes.fresh.state === "closed") return `Nothing comes in; goes on by itself ${ends}.`;
  if (lanes.fresh.state === "slow") return `History waits and new mail comes in slower; goes on by itself ${ends}.`;
  if (lanes.backfill.state === "closed") return `History waits, new mail comes in; goes on by itself ${ends}.`;
  return `History comes in slower; goes on by itself ${ends}.`;
}
