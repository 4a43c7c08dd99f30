import type { Queue } from "bullmq";
import {
  type Clock,
  type CommitResult,
  type FolderLedger,
  type HandOff,
  mailboxId,
  outgoing,
  type OutgoingEvent,
  packCheckpoint,
  packPace,
  redisErrorWord,
  type RedisKeys,
  redisRefusal,
  syncError,
} from "@mailfleet/core";
import { commitScript, settleScript } from "./commit-script.ts";
import { eventJobId, type JobTemplate, readJobTemplate } from "./event-jobs.ts";

export interface HandOffOptions {
  /** The `messages` queue; its connection carries the scripts. */
  readonly queue: Queue;
  readonly keys: RedisKeys;
  readonly clock: Clock;
}

/** BullMQ's client, as far as it is needed. */
interface ScriptClient {
  defineCommand(name: string, definition: { lua: string }): void;
  runCommand(name: string, args: unknown[]): Promise<unknown>;
}

type Run = (keys: readonly string[], args: readonly (string | number | Buffer)[]) => Promise<unknown>;

/** The atomic commit (design.md section 4): events, ledger and checkpoint in one script, fenced and versioned. */
export async function createHandOff(options: HandOffOptions): Promise<HandOff> {
  const { queue, keys, clock } = options;
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as ScriptClient;
  const commit = defineScript(client, "mailfleetCommit", commitScript());
  const settle = defineScript(client, "mailfleetSettle", settleScript());
  const template = await readJobTemplate(queue);

  return {
    async commit(step): Promise<CommitResult> {
      // After a stall of the process no timer of the lease fired yet: its age is looked at here, before anything is sent (F03).
      if (!step.lease.isHeld()) return { kind: "fenced" };
      const { mailbox, token } = step.lease;
      const id = mailboxId(mailbox);
      const answer = await run(commit, "commit", [
        [keys.lease(id), keys.checkpoints(id), keys.mailbox(id), keys.tenantLedger(mailbox.tenant), keys.fleetLedger, ...template.keys],
        [
          token,
          step.id,
          step.folder,
          step.expectedVersion,
          packLedger(step.ledger),
          packCheckpoint(step.checkpoint),
          ...jobArguments(template, clock, step.events),
        ],
      ]);
      return readCommitAnswer(answer);
    },

    async settle(lease, settlement) {
      if (!lease.isHeld()) return false;
      const { mailbox, token } = lease;
      const id = mailboxId(mailbox);
      const answer = await run(settle, "settle", [
        [
          keys.lease(id),
          keys.mailbox(id),
          keys.due("fresh", mailbox.tenant),
          keys.due("backfill", mailbox.tenant),
          keys.inFlight("fresh", mailbox.tenant),
          keys.inFlight("backfill", mailbox.tenant),
          ...template.keys,
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
          ...jobArguments(template, clock, settlement.events.map(outgoing)),
        ],
      ]);
      return answer === 1;
    },
  };
}

function jobArguments(template: JobTemplate, clock: Clock, events: readonly OutgoingEvent[]): (string | number | Buffer)[] {
  const args: (string | number | Buffer)[] = [template.prefix, template.options, clock.now()];
  for (const event of events) args.push(eventJobId(event.id), event.type, event.json);
  return args;
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

/** Sent as EVALSHA, and again as EVAL where Redis forgot the script: ioredis does that outside of MULTI. */
function defineScript(client: ScriptClient, name: string, lua: string): Run {
  client.defineCommand(name, { lua });
  return (keys, args) => client.runCommand(name, [keys.length, ...keys, ...args]);
}

/** Foreign errors carry the whole command, mail text included (T02): only the first word of Redis' answer goes on. */
async function run(script: Run, what: string, [keys, args]: Parameters<Run>): Promise<unknown> {
  try {
    return await script(keys, args);
  } catch (error) {
    if (redisErrorWord(error) !== "MAILFLEET") throw redisRefusal(error, what);
    const text = (error as Error).message.slice(10, 200);
    throw syncError("CHECKPOINT_CORRUPT", `Redis holds something else where mailfleet keeps its state: ${text}.`, {
      layer: "redis",
      code: "MAILFLEET",
    });
  }
}
