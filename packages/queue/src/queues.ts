import { type JobsOptions, Queue } from "bullmq";
import { type Lane, type Log, queueNames, type RedisKeys } from "@mailfleet/core";
import { logConnection } from "./connection-log.ts";

/** Options of an ioredis client, as the store makes them; two versions of one type would not meet under exactOptionalPropertyTypes. */
export type RedisClientOptions = object;

export interface QueueOptions {
  /** Options for a client of its own, as the store makes them. */
  readonly connection: RedisClientOptions;
  readonly keys: RedisKeys;
  readonly log: Log;
}

/** The producer's side of the two sync queues. Kept short: order and fairness are the due index's. */
export interface SyncQueues {
  /** Adds mailboxes. One that is queued already stays as it is; one that is being worked on comes again right behind that. */
  add(lane: Lane, mailboxes: readonly SyncOrder[]): Promise<void>;
  /** Jobs that no worker has taken yet. */
  waiting(lane: Lane): Promise<number>;
  close(): Promise<void>;
}

export interface SyncOrder {
  readonly id: string;
  /** Before those of the queue that are not; among its like in turn. */
  readonly isAhead: boolean;
}

/** BullMQ takes jobs without a priority before all that have one. */
const behind = { priority: 1 };

const syncJobOptions: JobsOptions = { attempts: 1, removeOnComplete: true, removeOnFail: { count: 1_000 }, stackTraceLimit: 5 };

export function openSyncQueues(options: QueueOptions): SyncQueues {
  const queues = { fresh: openQueue(options, queueNames.fresh), backfill: openQueue(options, queueNames.backfill) };
  return {
    async add(lane, mailboxes) {
      await queues[lane].addBulk(
        mailboxes.map(({ id: mailbox, isAhead }) => ({
          name: "sync",
          data: { mailbox },
          // A mailbox can be due again between its settlement and the end of its job: dropped then, it would come a minute later.
          opts: {
            ...syncJobOptions,
            ...(!isAhead && behind),
            deduplication: { id: mailbox.replaceAll(":", "%3A"), keepLastIfActive: true },
          },
        })),
      );
    },
    waiting: (lane) => queues[lane].getJobCountByTypes("waiting", "prioritized"),
    async close() {
      await Promise.all([queues.fresh.close(), queues.backfill.close()]);
    },
  };
}

export function openMessagesQueue(options: QueueOptions): Queue {
  return openQueue(options, queueNames.messages);
}

/** All three as they lie in Redis, to look at: nothing is written, not even that they exist. */
export function openQueuesToLookAt(options: QueueOptions): readonly Queue[] {
  return Object.values(queueNames).map((name) => openQueue(options, name, { skipMetasUpdate: true }));
}

function openQueue({ connection, keys, log }: QueueOptions, name: string, more: { readonly skipMetasUpdate?: true } = {}): Queue {
  const queue = new Queue(name, { connection, prefix: keys.bullPrefix, skipVersionCheck: false, ...more });
  logConnection(queue, log, { queue: name });
  return queue;
}
