import type { Lane } from "../ids.ts";
import type { UnservedLane } from "../lanes.ts";
import { formatCounted } from "./numbers.ts";
import { formatAge } from "./times.ts";

/** A lane that nobody serves, in the same words for status, panel, doctor and console. */
export interface LaneWords extends UnservedLane {
  /** What happened. */
  readonly happened: string;
  /** What mailfleet does next. */
  readonly next: string;
  readonly youCan: string;
  readonly command: string;
}

/** What is read in each lane. */
export const laneNames: Readonly<Record<Lane, string>> = { fresh: "new mail", backfill: "history" };

/**
 * `No worker has served history (lane backfill) for 12 min: 31 mailboxes wait.`
 * @param now epoch ms by Redis' clock
 * @param options what the command needs besides to reach the fleet; begins with a space, or is empty
 */
export function describeLane(unserved: UnservedLane, now: number, options = ""): LaneWords {
  const { lane, since, waiting } = unserved;
  const wait = `${formatCounted(waiting, "mailbox", "mailboxes")} ${waiting === 1 ? "waits" : "wait"}`;
  return {
    ...unserved,
    happened: `No worker has served ${laneNames[lane]} (lane ${lane}) for ${formatAge(Math.max(0, now - since))}: ${wait}.`,
    next: "It goes on when one runs. Nothing is lost; mail waits on the server.",
    youCan: "Start a worker for it, or one for both lanes.",
    command: `npx mailfleet worker --lane ${lane}${options}`,
  };
}
