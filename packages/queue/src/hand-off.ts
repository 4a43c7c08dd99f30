import type { Queue } from "bullmq";
import {
  type Clock,
  type CommitResult,
  type FolderLedger,
  type HandOff,
  type Lane,
  mailboxId,
  outgoing,
  packCheckpoint,
  packListing,
  packPace,
  packRhythm,
  type RedisKeys,
} from "@mailfleet/core";
import { commitScript, settleScript } from "./commit-script.ts";
import { readJobTemplate } from "./event-jobs.ts";
import { defineScript, jobArguments, runScript } from "./event-script.ts";

export interface HandOffOptions {
  /** The `messages` queue; its connection carries the scripts. */
  readonly queue: Queue;
  readonly keys: RedisKeys;
  readonly clock: Clock;
}

/** The atomic commit (docs/decisions/0001-one-script-for-the-commit.md): events, ledger and checkpoint in one script, fenced and versioned. */
export async function createHandOff(options: HandOffOptions): Promise<HandOff> {
  const { queue, keys, clock } = options;
  const commit = await defineScript(queue, commitScript());
  const settle = await defineScript(queue, settleScript());
  const template = await readJobTemplate(queue);

  return {
    async commit(step): Promise<CommitResult> {
      const own = step.traceparent === undefined ? template : await readJobTemplate(queue, step.traceparent);
      // After a stall of the process no timer of the lease fired yet: its age is looked at here, before anything is sent (F03).
      if (!step.lease.isHeld()) return { kind: "fenced" };
      const { mailbox, token } = step.lease;
      const id = mailboxId(mailbox);
      const answer = await runScript(commit, "commit", [
        [keys.lease(id), keys.checkpoints(id), keys.mailbox(id), keys.tenantLedger(mailbox.tenant), keys.fleetLedger, ...template.keys],
        [
          token,
          step.id,
          step.folder,
          step.expectedVersion,
          packLedger(step.ledger),
          packCheckpoint(step.checkpoint),
          ...jobArguments(own, clock),
        ],
        step.events,
      ]);
      return readCommitAnswer(answer);
    },

    async settle(lease, settlement) {
      if (!lease.isHeld()) return false;
      const { mailbox, token } = lease;
      const id = mailboxId(mailbox);
      const answer = await runScript(settle, "settle", [
        [
          keys.lease(id),
          keys.mailbox(id),
          keys.due("fresh", mailbox.tenant),
          keys.due("backfill", mailbox.tenant),
          keys.inFlight("fresh", mailbox.tenant),
          keys.inFlight("backfill", mailbox.tenant),
          ...template.keys,
          keys.tenantsDue("fresh"),
          keys.tenantsDue("backfill"),
        ],
        [
          token,
          id,
          settlement.checked ? 1 : 0,
          settlement.opened ? 1 : 0,
          Math.max(0, Math.round(settlement.freshDueInMs)),
          settlement.backfillDueInMs === undefined ? -1 : Math.max(0, Math.round(settlement.backfillDueInMs)),
          settlement.cause ? JSON.stringify(settlement.cause) : "",
          settlement.pace ? packPace(settlement.pace) : "",
          settlement.listing ? packListing(settlement.listing) : "",
          settlement.rhythm ? packRhythm(settlement.rhythm) : "",
          ...jobArguments(template, clock),
        ],
        settlement.events.map(outgoing),
      ]);
      return answer === 1;
    },
  };
}

/**
 * Each lane by a hand-off of its own, which means a connection of its own: a commit of history is half a megabyte, and one of new mail
 * behind it would wait until all of it was sent and carried out.
 */
export function handOffByLane(lanes: Readonly<Record<Lane, HandOff>>): HandOff {
  return {
    commit: (commit) => lanes[commit.lease.lane].commit(commit),
    settle: (lease, settlement) => lanes[lease.lane].settle(lease, settlement),
  };
}

function packLedger(ledger: FolderLedger): string {
  return [ledger.listed, ledger.handedOff, ledger.excluded, ledger.quarantined, ledger.toDo].join(" ");
}

function readCommitAnswer(answer: unknown): CommitResult {
  const [status, version, poked] = answer as [string, number, number];
  switch (status) {
    case "applied":
      return { kind: "applied", version, isPoked: poked === 1 };
    case "fenced":
      return { kind: "fenced" };
    case "stale":
      return { kind: "stale" };
    default:
      throw new Error(`the commit script answered ${JSON.stringify(status)}`);
  }
}
