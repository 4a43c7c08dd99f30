import { hostname } from "node:os";
import { type DownstreamMarks, type Log, sharded, shareOfMarks } from "@mailfleet/core";
import { createHoldTeller, createIntakeWatch, openMessagesQueue, openSyncQueues } from "@mailfleet/queue";
import { type RoleStart, type RunningRole, runRole } from "@mailfleet/role";
import { settlesWithin, systemClock } from "@mailfleet/runtime";
import {
  createDueIndex,
  createFleetReader,
  createHoldReader,
  createMailboxRegistry,
  type OpenShard,
  readUntold,
  shardedReader,
  shardedRegistry,
  shardProblems,
} from "@mailfleet/store";
import { type ProducerShard, runProducer } from "./run-producer.ts";
import { showProducer } from "./show-metrics.ts";

/** A round that runs, and closing, wait for Redis, which may not answer. Nothing is lost by leaving: what was taken falls due again. */
const lastRoundMs = 1_500;
const closeMs = 500;

async function begin({ config, log, shards, panel }: RoleStart): Promise<RunningRole> {
  const marks = shareOfMarks(config.downstream, shards.length);
  const wired = await Promise.all(shards.map((shard) => wireShard(shard, shards.length === 1, marks, log)));
  const reader = shardedReader(shards.map(({ redis, keys }) => createFleetReader(redis, keys)));
  const freshWithinMs = config.sync.freshWithinSeconds * 1_000;
  const signs = showProducer(panel, systemClock, { reader, shards: wired, freshWithinMs, marks });
  const controller = new AbortController();
  const registered = Promise.withResolvers<void>();
  const running = runProducer({
    config,
    log,
    clock: systemClock,
    name: `${hostname()}-${process.pid}`,
    shards: wired,
    registry: shardedRegistry(sharded(shards.map(({ redis, keys }) => createMailboxRegistry(redis, keys)))),
    reader,
    signs,
    signal: controller.signal,
    onReady: registered.resolve,
  });
  await Promise.race([registered.promise, running]);
  return {
    ended: running,
    async stop(why) {
      signs.drains();
      controller.abort(new Error(why));
      await settlesWithin(systemClock, lastRoundMs, running);
      const closing = Promise.allSettled(wired.map((shard) => shard.close()));
      await settlesWithin(systemClock, closeMs, closing);
      return {};
    },
  };
}

interface WiredShard extends ProducerShard {
  close(): Promise<unknown>;
}

async function wireShard(shard: OpenShard, isOnly: boolean, marks: DownstreamMarks, log: Log): Promise<WiredShard> {
  const { redis, keys, connection } = shard;
  const queues = openSyncQueues({ connection, keys, log });
  const messages = openMessagesQueue({ connection, keys, log });
  return {
    number: shard.number,
    queues,
    intake: createIntakeWatch({ redis, keys, clock: systemClock, marks }),
    inspect: () => shardProblems(shard, isOnly, systemClock),
    due: createDueIndex(redis, keys),
    teller: await createHoldTeller({
      queue: messages,
      keys,
      clock: systemClock,
      holds: createHoldReader(redis, keys),
      untold: (tenant, count) => readUntold(redis, keys, tenant, count),
    }),
    close: () => Promise.all([queues.close(), messages.close()]),
  };
}

const producer = {
  name: "producer",
  manifest: new URL("../package.json", import.meta.url),
  marksShards: true,
  ahead: () => undefined,
  begin,
} as const;
// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await runRole(producer, process.env));
