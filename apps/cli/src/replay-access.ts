import { createFileStore } from "@mailfleet/blobs";
import type { Config } from "@mailfleet/config";
import { type ReplayCounts, type ReplayPorts } from "@mailfleet/engine";
import { createMimeParser } from "@mailfleet/mime";
import { createIntakeWatch, openMessagesQueue, openReissue } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { createMailboxStore } from "@mailfleet/store";
import { type Fleet, silentLog } from "./wire.ts";

/** What a replay needs: the stored bytes, the parser, and the queue. No token and no mail server. */
export interface ReplayAccess {
  readonly ports: ReplayPorts;
  close(): Promise<void>;
}

export async function openReplay(config: Config, { redis, keys, connection }: Fleet): Promise<ReplayAccess> {
  const clock = systemClock;
  const chance = systemChance;
  const queue = openMessagesQueue({ connection, keys, log: silentLog });
  const intake = createIntakeWatch({ redis, keys, clock, marks: config.downstream });
  const mime = createMimeParser({ threads: config.worker.parseThreads });
  return {
    ports: {
      clock,
      mime,
      blobs: createFileStore({ dir: config.blobs.dir, clock, chance }),
      store: createMailboxStore({ redis, keys, clock, chance, log: silentLog, worker: "replay" }),
      reissue: await openReissue(queue, clock),
      room: async () => {
        const { intake: now, load } = await intake.look();
        const { state, pauseMs } = now.lanes.backfill;
        const events = load.waiting + load.active + load.delayed + load.failed;
        return { isOpen: state !== "closed", pauseMs, events };
      },
    },
    async close() {
      await Promise.allSettled([mime.close(), queue.close()]);
    },
  };
}

/** Many mailboxes' counts as one. */
export function addCounts(sum: ReplayCounts, one: ReplayCounts): void {
  sum.chosen += one.chosen;
  for (const outcome of ["added", "retried", "waiting"] as const) sum.outcomes[outcome] += one.outcomes[outcome];
  sum.quarantined += one.quarantined;
  sum.readNow += one.readNow;
  sum.failed += one.failed;
  sum.failures.push(...one.failures);
  sum.leftOut += one.leftOut;
}

export function noCounts(): ReplayCounts {
  return { chosen: 0, outcomes: { added: 0, retried: 0, waiting: 0 }, quarantined: 0, readNow: 0, failed: 0, failures: [], leftOut: 0 };
}
