import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, formatProblems, loadConfig, secretsOf } from "@mailfleet/config";
import { growingScrubber, isSyncError } from "@mailfleet/core";
import { stopSignals, systemClock } from "@mailfleet/runtime";
import { inspectShards, readPrivateRedis } from "@mailfleet/store";
import { createLog } from "@mailfleet/telemetry";
import { runWorker, type RunningWorker } from "./run-worker.ts";
import { showWorker } from "./show-metrics.ts";
import { wireWorker } from "./wire.ts";

/** Exit codes: 0 drained, 1 failed, 2 bad usage or configuration. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const file = values.config ?? "mailfleet.yaml";
  const loaded = loadConfig({ file, env: process.env, cwd: process.cwd() });
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems(loaded.problems, file)}\n`);
    return 2;
  }
  const signals = stopSignals({ leaveInterrupt: process.env["MAILFLEET_MANAGED"] === "1" });
  return work(loaded.config, signals.asked);
}

async function work(config: Config, stop: Promise<string>): Promise<number> {
  const { scrub, hide } = growingScrubber(secretsOf(config));
  const log = createLog({
    level: "info",
    destination: process.stdout,
    scrub,
    clock: systemClock,
    base: { role: "worker", pid: process.pid },
  });
  const redisTarget = config.redis ?? readPrivateRedis(join(config.dataDir, "redis"));
  if (!redisTarget) {
    process.stderr.write(
      "No Redis is configured and no private one runs. Set redis.url in the configuration, or start with: mailfleet up\n",
    );
    return 2;
  }
  try {
    const wiring = wireWorker({ config, redisTarget, log, scrub, hide, env: process.env }).then(async (parts) => ({
      parts,
      health: await inspectShards(parts.shards.map(({ shard }) => shard)),
    }));
    // A Redis that freezes in between would hold the start, and with it the stop, for ever.
    const wired = await Promise.race([wiring, stop]);
    if (typeof wired === "string") {
      log.info({ why: wired, finished: 0, cut: 0 }, "worker stopped");
      return 0;
    }
    const { parts } = wired;
    const { problems, version } = wired.health;
    if (problems.length > 0) {
      process.stderr.write(`${problems.join("\n")}\nNothing was started.\n`);
      await parts.close();
      return 2;
    }
    const shown = showWorker(config, systemClock, log);
    let worker: RunningWorker | undefined;
    await shown.open({
      tenants: parts.tenants,
      tokens: parts.tokenStats,
      active: () => worker?.active() ?? { fresh: 0, backfill: 0 },
      push: () => worker?.push(),
    });
    worker = runWorker(config, parts, shown.signs);
    parts.credentialDesk.start();
    log.info({ redis: version, node: process.versions.node, name: parts.name }, "worker started");
    process.send?.({ type: "ready" });
    const why = await stop;
    const { finished, cut } = await worker.drain();
    log.info({ why, finished, cut }, "worker stopped");
    shown.close();
    await parts.close();
    return 0;
  } catch (error) {
    if (!isSyncError(error)) throw error;
    log.error({ code: error.failure.code }, "worker failed");
    process.stderr.write(`${error.message}\n`);
    return error.failure.code === "CONFIG_INVALID" ? 2 : 1;
  } finally {
    await log.close();
  }
}

// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await main());
