import type { Cause, OperatorPark } from "./cause.ts";
import type { Lane } from "./ids.ts";
import { limits } from "./limits.ts";

export const lanes: readonly Lane[] = ["fresh", "backfill"];

/** A process that reported lately. A worker of an earlier version does not name its lanes: it serves both. */
export interface LaneServer {
  readonly role: string;
  readonly lanes?: readonly Lane[];
}

/** What is known of a mailbox, as far as it waits. Times are epoch ms by Redis' clock. */
export interface LaneGuest {
  readonly nextAt?: number;
  readonly hasHistory: boolean;
  readonly isSyncing: boolean;
  readonly cause?: Cause;
  readonly parkedBy?: OperatorPark;
}

/** When a worker of the lane reported last, or from when on it is known that none did. Epoch ms by Redis' clock. */
export type LanesServedAt = Readonly<Partial<Record<Lane, number>>>;

/** A lane that none of the workers serves. */
export interface IdleLane {
  readonly lane: Lane;
  readonly since: number;
}

/** One in which mailboxes wait. */
export interface UnservedLane extends IdleLane {
  readonly waiting: number;
}

/** Workers that serve the lane. */
export function laneWorkers(processes: readonly LaneServer[], lane: Lane): number {
  return processes.filter((one) => one.role === "worker" && (one.lanes ?? lanes).includes(lane)).length;
}

/** Mailboxes that are due and not worked on (fresh), or have history left to read (backfill). */
export function laneWaiting(mailboxes: Iterable<LaneGuest>, lane: Lane, now: number): number {
  let count = 0;
  for (const mailbox of mailboxes) if (waitsIn(lane, mailbox, now)) count++;
  return count;
}

function waitsIn(lane: Lane, { nextAt, hasHistory, isSyncing, cause, parkedBy }: LaneGuest, now: number): boolean {
  if (parkedBy !== undefined) return false;
  switch (lane) {
    case "fresh":
      // A session for history looks at new mail as well, between two batches.
      return !isSyncing && (nextAt === undefined || nextAt <= now);
    case "backfill":
      return hasHistory && cause === undefined;
  }
}

/**
 * None while no worker at all is alive, which is another trouble; nor for a worker that left just now: it may be a restart.
 * @param now epoch ms by Redis' clock
 */
export function idleLanes(processes: readonly LaneServer[], servedAt: LanesServedAt, now: number): readonly IdleLane[] {
  if (!processes.some(({ role }) => role === "worker")) return [];
  return lanes.flatMap((lane) => {
    const since = servedAt[lane] ?? now;
    return now - since < limits.aliveMs || laneWorkers(processes, lane) > 0 ? [] : [{ lane, since }];
  });
}

/** Those in which mailboxes wait: nobody misses the others. @param mailboxes gone through once for each */
export function unservedLanes(idle: readonly IdleLane[], mailboxes: () => Iterable<LaneGuest>, now: number): readonly UnservedLane[] {
  return idle.flatMap((one) => {
    const waiting = laneWaiting(mailboxes(), one.lane, now);
    return waiting === 0 ? [] : [{ ...one, waiting }];
  });
}
