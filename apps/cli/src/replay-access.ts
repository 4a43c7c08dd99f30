import { openBlobStore } from "@mailfleet/blobs";
import { type Fleet, openStore } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { eventsOf, fullest, shareOfMarks, sumLoads } from "@mailfleet/core";
import { type ReplayCounts, type ReplayPorts } from "@mailfleet/engine";
import { createMimeParser } from "@mailfleet/mime";
import { createIntakeWatch, openReissue, shardedReissue } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { eachShard } from "./wire.ts";

/** What a replay needs: the stored bytes, the parser, and the queue. No token and no mail server. */
export interface ReplayAccess {
  readonly ports: ReplayPorts;
  close(): Promise<void>;
}

export async function openReplay(config: Config, fleet: Fleet): Promise<ReplayAccess> {
  const clock = systemClock;
  const chance = systemChance;
  const marks = shareOfMarks(config.downstream, fleet.shards.length);
  const watches = fleet.shards.map(({ redis, keys }) => createIntakeWatch({ redis, keys, clock, marks }));
  const reissues = await eachShard(fleet, (_shard, queue) => openReissue(queue, clock));
  const mime = createMimeParser({ threads: config.worker.parseThreads });
  return {
    ports: {
      clock,
      mime,
      blobs: openBlobStore(config.blobs, { clock, chance }),
      store: openStore(fleet, "replay"),
      reissue: shardedReissue(reissues.parts),
      room: async () => {
        const watched = await Promise.all(watches.map((watch) => watch.look()));
        const { state, pauseMs } = fullest(watched.map(({ intake }) => intake)).lanes.backfill;
        return { isOpen: state !== "closed", pauseMs, events: eventsOf(sumLoads(watched.map(({ load }) => load))) };
      },
    },
    async close() {
      await Promise.allSettled([mime.close(), reissues.close()]);
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
