import { openBlobStore } from "@mailfleet/blobs";
import type { Fleet } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { type BlobEraser, type MailboxRef, purgeMark, type PurgePlace, type PurgeSums, sharded } from "@mailfleet/core";
import { purgeMailbox, weighMailbox } from "@mailfleet/engine";
import { type MailboxDesk, purgeMessages, purgeSyncJobs } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { cleanRedis, createPurgeHold, type OpenShard, purgeActivity, purgeDiscards, purgeQueueEvents, purgeState } from "@mailfleet/store";
import { localTraces } from "./local-traces.ts";

export interface MailboxPurge {
  weigh(mailbox: MailboxRef): Promise<PurgeSums>;
  purge(mailbox: MailboxRef, onWait: (ms: number) => void): Promise<PurgeSums>;
  /** What the servers keep beside their keys. @returns sentences: what is left, and what removes it */
  finish(mailboxes: readonly MailboxRef[]): Promise<readonly string[]>;
}

/** @param logsIn the folder in which `up` logs */
export function wirePurge(config: Config, fleet: Fleet, desk: MailboxDesk, logsIn = config.dataDir): MailboxPurge {
  const blobs = openBlobStore(config.blobs, { clock: systemClock, chance: systemChance });
  const { first } = fleet;
  const ofFleet = [purgeActivity(first.redis, first.keys), localTraces(config.dataDir, logsIn)];
  const shards = sharded(
    fleet.shards.map((shard) => {
      const { redis, keys } = shard;
      const state = purgeState(redis, keys);
      const queues = [purgeMessages(redis, keys), purgeSyncJobs(redis, keys, "fresh"), purgeSyncJobs(redis, keys, "backfill")];
      // What queues told comes behind the queues, which tell of each job.
      const places = [
        state,
        ...queues,
        ...purgeQueueEvents(redis, keys),
        purgeDiscards(first, shard),
        blobPlace(blobs, config.blobs.s3?.bucket ?? config.blobs.dir),
        ...ofFleet,
      ];
      return { state, places, hold: createPurgeHold(redis, keys) };
    }),
  );
  return {
    weigh: (mailbox) => weighMailbox(shards.of(mailbox.tenant), mailbox),
    purge(mailbox, onWait) {
      const { state, ...ports } = shards.of(mailbox.tenant);
      const remove = async (): Promise<PurgeSums> => {
        const { folders = 0 } = await state.weigh(mailbox);
        await desk.remove(mailbox, true);
        return { folders };
      };
      return purgeMailbox({ ...ports, remove, clock: systemClock }, mailbox, `${purgeMark}${systemChance.uuid()}`, onWait);
    },
    async finish(mailboxes) {
      const left = await Promise.all(serversOf(fleet.shards).map(({ redis }) => cleanRedis(redis, mailboxes, systemClock)));
      return [...new Set(left.flat())];
    },
  };
}

function blobPlace(blobs: BlobEraser, where: string): PurgePlace {
  return { name: `the blob store ${where}`, weigh: (mailbox) => blobs.weigh(mailbox), purge: (mailbox) => blobs.erase(mailbox) };
}

/** One shard of each server. Shards of a cluster may share one, which is then rewritten twice. */
function serversOf(shards: readonly OpenShard[]): readonly OpenShard[] {
  return [...new Map(shards.map((shard) => [JSON.stringify(shard.target), shard])).values()];
}
