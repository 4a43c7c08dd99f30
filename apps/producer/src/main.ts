import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, formatProblems, loadConfig, secretsOf } from "@mailfleet/config";
import { createScrubber, type DownstreamMarks, isSyncError, type Log, sharded, shareOfMarks } from "@mailfleet/core";
import { createHoldTeller, createIntakeWatch, openMessagesQueue, openSyncQueues } from "@mailfleet/queue";
import { settlesWithin, stopSignals, systemClock } from "@mailfleet/runtime";
import {
  claimShards,
  closeShards,
  createDueIndex,
  createFleetReader,
  createHoldReader,
  createMailboxRegistry,
  inspectShards,
  type OpenShard,
  openShards,
  readPrivateRedis,
  readUntold,
  shardedReader,
  shardedRegistry,
  shardProblems,
} from "@mailfleet/store";
import { createLog } from "@mailfleet/telemetry";
import { type ProducerShard, runProducer } from "./run-producer.ts";
import { showProducer } from "./show-metrics.ts";

/** A round that runs, and closing, wait for Redis, which may not answer. Nothing is lost by leaving: what was taken falls due again. */
const lastRoundMs = 1_500;
const closeMs = 500;

/** Exit codes: 0 stopped, 1 failed, 2 bad usage or configuration. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const file = values.config ?? "mailfleet.yaml";
  const loaded = loadConfig({ file, env: process.env, cwd: process.cwd() });
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems(loaded.problems, file)}\n`);
    return 2;
  }
  const signals = stopSignals({ leaveInterrupt: process.env["MAILFLEET_MANAGED"] === "1" });
  return produce(loaded.config, signals.asked);
}

async function produce(config: Config, stop: Promise<string>): Promise<number> {
  const scrub = createScrubber(secretsOf(config));
  const log = createLog({
    level: "info",
    destination: process.stdout,
    scrub,
    clock: systemClock,
    base: { role: "producer", pid: process.pid },
  });
  const target = config.redis ?? readPrivateRedis(join(config.dataDir, "redis"));
  if (!target) {
    process.stderr.write(
      "No Redis is configured and no private one runs. Set redis.url in the configuration, or start with: mailfleet up\n",
    );
    return 2;
  }
  try {
    const ca = config.redis?.caFile === undefined ? undefined : await readFile(config.redis.caFile, "utf8");
    const connecting = openShards(config, target, log, ca).then(async (shards) => ({ shards, health: await inspectShards(shards) }));
    // A Redis that freezes in between would hold the start, and with it the stop, for ever.
    const connected = await Promise.race([connecting, stop]);
    if (typeof connected === "string") {
      log.info({ why: connected }, "producer stopped");
      return 0;
    }
    const { shards } = connected;
    const { problems, version } = connected.health;
    if (problems.length > 0) {
      process.stderr.write(`${problems.join("\n")}\nNothing was started.\n`);
      closeShards(shards);
      return 2;
    }
    await claimShards(config.name, shards);
    const marks = shareOfMarks(config.downstream, shards.length);
    const wired = await Promise.all(shards.map((shard) => wireShard(shard, shards.length === 1, marks, log)));
    const reader = shardedReader(shards.map(({ redis, keys }) => createFleetReader(redis, keys)));
    const freshWithinMs = config.sync.freshWithinSeconds * 1_000;
    const shown = await showProducer(config, systemClock, log, { reader, shards: wired, freshWithinMs });
    const controller = new AbortController();
    const running = runProducer({
      config,
      log,
      clock: systemClock,
      name: `${hostname()}-${process.pid}`,
      shards: wired,
      registry: shardedRegistry(sharded(shards.map(({ redis, keys }) => createMailboxRegistry(redis, keys)))),
      reader,
      signs: shown.signs,
      signal: controller.signal,
      onReady: () => {
        log.info({ redis: version }, "producer started");
        process.send?.({ type: "ready" });
      },
    });
    const why = await Promise.race([stop, running.then(() => "failure")]);
    shown.signs.drains();
    controller.abort(new Error(why));
    await settlesWithin(systemClock, lastRoundMs, running);
    await settlesWithin(
      systemClock,
      closeMs,
      Promise.all(wired.map((shard) => shard.close())).catch(() => undefined),
    );
    shown.close();
    closeShards(shards);
    log.info({ why }, "producer stopped");
    return 0;
  } catch (error) {
    if (!isSyncError(error)) throw error;
    log.error({ code: error.failure.code }, "producer failed");
    process.stderr.write(`${error.message}\n`);
    return error.failure.code === "CONFIG_INVALID" ? 2 : 1;
  } finally {
    await log.close();
  }
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

// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await main());
