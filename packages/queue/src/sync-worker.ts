import { type Job, Queue, UnrecoverableError, Worker, type WorkerOptions } from "bullmq";
import { type Lane, type Log, queueNames, type RedisKeys, syncError } from "@mailfleet/core";
import { logConnection } from "./connection-log.ts";
import type { RedisClientOptions } from "./queues.ts";
import type { SharedSlots } from "./shared-slots.ts";
import { SlotWorker } from "./slot-worker.ts";
import { readSyncJob } from "./sync-jobs.ts";

export interface SyncWorkerOptions {
  readonly lane: Lane;
  readonly connection: RedisClientOptions;
  readonly keys: RedisKeys;
  readonly log: Log;
  /** Mailboxes at once. */
  readonly concurrency: number;
  /** Shared with the workers of other shards: then `concurrency` is of all of them together. */
  readonly slots?: SharedSlots;
  /**
   * Syncs one mailbox. Failures of the mailbox are settled inside and do not throw; what throws is a fault of ours.
   * The result stays in Redis and in traces: counts only, never mail (T62).
   */
  readonly process: (mailboxId: string, signal: AbortSignal) => Promise<Record<string, number | string>>;
}

export interface SyncWorker {
  /** Takes no new job; resolves when the running ones ended. */
  drain(): Promise<void>;
  /** Aborts the signals of all running jobs with INTERRUPTED. */
  interrupt(): void;
  /** Takes no new job while held; the running ones go on. */
  hold(isHeld: boolean): void;
  /**
   * One mailbox more at once, until it is given back: for a job that will move one large message for a while. At most as many again as
   * `concurrency`: then it is undefined.
   */
  lendSlot(): (() => void) | undefined;
  /** Jobs in the queue that no worker has taken yet. */
  waiting(): Promise<number>;
  readonly active: number;
}

/** The worker's side of one sync queue. Losing the job's lock aborts the job: BullMQ itself would let it run on. */
export function startSyncWorker(options: SyncWorkerOptions): SyncWorker {
  const { lane, log } = options;
  const running = new Set<AbortController>();
  const byJob = new Map<string, AbortController>();
  const processor = async (job: Job): Promise<Record<string, number | string>> => {
    const id = readSyncJob(job.data);
    if (id === undefined) {
      log.error({ jobId: job.id }, "a sync job was refused: JOB_PAYLOAD_INVALID");
      throw new UnrecoverableError("JOB_PAYLOAD_INVALID: the job does not name exactly one mailbox");
    }
    const controller = new AbortController();
    running.add(controller);
    byJob.set(job.id ?? "", controller);
    try {
      return await options.process(id, controller.signal);
    } finally {
      running.delete(controller);
      byJob.delete(job.id ?? "");
    }
  };
  const { connection, keys, slots } = options;
  const workerOptions: WorkerOptions = {
    connection,
    prefix: keys.bullPrefix,
    // With shared slots these are what bounds; all of them may be lent as well.
    concurrency: slots ? 2 * slots.size : options.concurrency,
    // A killed worker's job is taken up again after lock and two sweeps; its mailbox is protected by the lease, not by this lock.
    lockDuration: 20_000,
    stalledInterval: 5_000,
    maxStalledCount: 5,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 1_000 },
  };
  const worker = slots
    ? new SlotWorker(queueNames[lane], processor, workerOptions, slots)
    : new Worker(queueNames[lane], processor, workerOptions);
  const queue = new Queue(queueNames[lane], { connection, prefix: keys.bullPrefix });
  queue.on("error", () => undefined);
  worker.on("closed", () => void queue.close());
  worker.on("lockRenewalFailed", (ids: string[]) => {
    for (const id of ids) {
      log.warn({ jobId: id, lane }, "the job's lock is lost, its session stops");
      byJob.get(id)?.abort(syncError("LEASE_LOST", "The lock of the sync job is lost. Another worker goes on.", { layer: "redis" }));
    }
  });
  logConnection(worker, log, { lane });
  worker.on("failed", (job, error) => log.error({ jobId: job?.id, lane, err: error }, "a sync job failed"));

  let lent = 0;
  const resize = (by: 1 | -1): void => {
    lent += by;
    worker.concurrency = options.concurrency + lent;
  };

  return {
    get active() {
      return running.size;
    },
    lendSlot() {
      if (slots) return slots.lend();
      if (lent >= options.concurrency) return undefined;
      resize(1);
      let isBack = false;
      return () => {
        if (!isBack) resize(-1);
        isBack = true;
      };
    },
    drain: () => worker.close(),
    interrupt() {
      const reason = syncError("INTERRUPTED", "The worker stops. The mailbox goes on with the next one.", { layer: "engine" });
      for (const controller of running) controller.abort(reason);
    },
    hold(isHeld) {
      if (isHeld && !worker.isPaused()) worker.pause(true).catch(() => undefined);
      if (!isHeld && worker.isPaused()) void worker.resume();
    },
    waiting: () => queue.getJobCountByTypes("waiting", "prioritized"),
  };
}
