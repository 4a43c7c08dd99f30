import type { Lane } from "./ids.ts";
import { limits } from "./limits.ts";

/** What waits for consumers, and where it waits. Everything that fills Redis counts, dead letters included (T46). */
export interface DownstreamLoad {
  readonly waiting: number;
  readonly active: number;
  /** Failed once or more, to be tried again. */
  readonly delayed: number;
  /** Dead letters: failed for good. */
  readonly failed: number;
  /** Of all of these, estimated from a sample. */
  readonly bytes: number;
  /** Epoch ms when the event was made that waits longest; absent when none waits. */
  readonly oldestAt?: number;
  /** Of Redis' own memory limit; 0 where it has none. */
  readonly memoryShare: number;
  /** Sentences: why Redis may not be used as it is set up now (F15). */
  readonly problems: readonly string[];
}

/** What the configuration allows to wait downstream. */
export interface DownstreamMarks {
  /** Events. */
  readonly highWater: number;
  readonly highWaterBytes: number;
  readonly deadLetters: number;
}

/** What holds intake back, strongest first. */
export type IntakeCause = "redis-unsafe" | "dead-letters" | "redis-memory" | "bytes" | "events";

export interface LaneIntake {
  readonly state: "open" | "slow" | "closed";
  /** Mailboxes at work at once, over the whole fleet; absent where nothing limits it. */
  readonly inFlight?: number;
  /** What a session waits after each batch. */
  readonly pauseMs: number;
}

/** How much may come in. Decided from what Redis says, by every process for itself: nobody has to be told. */
export interface Intake {
  readonly lanes: Readonly<Record<Lane, LaneIntake>>;
  /** 1 is the mark. */
  readonly fill: number;
  /** Absent while both lanes are open. */
  readonly cause?: IntakeCause;
}

const open: LaneIntake = { state: "open", pauseMs: 0 };
const closed: LaneIntake = { state: "closed", inFlight: 0, pauseMs: 0 };

/**
 * History slows from eight tenths of the mark on and stops at it; new mail slows from the mark on and stops a fifth above it. Between
 * the two ends it is a straight line: the fuller, the fewer mailboxes at once and the longer the pause after each batch. So intake
 * settles where it brings what consumers take, instead of swinging between full speed and nothing; and because each mailbox at work may
 * bring one batch before it looks again, as many as still have room for one never lead above the end by more than that.
 */
export function decideIntake(load: DownstreamLoad, marks: DownstreamMarks): Intake {
  const shares: readonly (readonly [IntakeCause, number])[] = [
    ["redis-memory", load.memoryShare / limits.redisMemoryShare],
    ["bytes", load.bytes / marks.highWaterBytes],
    ["events", eventsOf(load) / marks.highWater],
  ];
  const isUnknown = shares.some(([, share]) => Number.isNaN(share));
  const [fullest, most] = shares.reduce((a, b) => (b[1] > a[1] ? b : a));
  const fill = isUnknown ? Number.POSITIVE_INFINITY : most;
  if (load.problems.length > 0) return { lanes: { fresh: closed, backfill: closed }, fill, cause: "redis-unsafe" };
  if (load.failed >= marks.deadLetters) return { lanes: { fresh: closed, backfill: closed }, fill, cause: "dead-letters" };
  const lane = (from: number, to: number): LaneIntake => {
    if (!(fill < to)) return closed;
    if (fill < from) return open;
    const rest = (to - fill) / (to - from);
    return {
      state: "slow",
      inFlight: Math.max(1, Math.floor(((to - fill) * marks.highWater) / limits.batchMessages)),
      pauseMs: Math.round(limits.intakePauseMs * (1 - rest)),
    };
  };
  const lanes = { fresh: lane(1, limits.freshHighWaterFactor), backfill: lane(limits.backfillSlowFrom, 1) };
  return lanes.backfill.state === "open" ? { lanes, fill } : { lanes, fill, cause: fullest };
}

export function eventsOf(load: DownstreamLoad): number {
  return load.waiting + load.active + load.delayed + load.failed;
}
