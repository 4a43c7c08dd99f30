import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { producerNodeFlags, workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { startRedis } from "@mailfleet/testkit/servers";
import { watch } from "./processes.ts";
import type { Result } from "./report.ts";
import { type World, writeConfig } from "./world.ts";

const giveUpMs = 10 * 60_000;
const lookMs = 50;

export interface MailfleetOptions {
  readonly parseThreads: number;
  /** Of the built programs. */
  readonly programs: string;
}

/**
 * The whole pipeline as it is shipped: a producer and a worker as processes of their own, private Redis with AOF, blobs on disk.
 * The clock runs from the start of the worker, start-up included, until the last message is committed. Events stay in the queue.
 */
export async function runMailfleet(world: World, { parseThreads, programs }: MailfleetOptions): Promise<Result> {
  const dir = await mkdtemp(join(world.dir, "mailfleet-"));
  const server = await startRedis({ shared: false });
  const config = await writeConfig(world, dir, server.url, parseThreads);
  // As `mailfleet up` starts its roles.
  const env = { ...workerEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(world.dir, "compile-cache") };
  const redis = new Redis(server.url);
  const keys = redisKeys();
  try {
    const startedAt = performance.now();
    const start = (role: string, flags: readonly string[]) =>
      watch(process.execPath, [...flags, join(programs, `${role}.mjs`), "--config", config], env);
    const roles = [start("producer", producerNodeFlags), start("worker", workerNodeFlags)];
    try {
      await untilHandedOff(redis, keys.fleetLedger, world.messages, () => roles.map((role) => role.output()).join("\n"));
      const seconds = (performance.now() - startedAt) / 1_000;
      await Promise.all(roles.map((role) => role.stop()));
      return {
        name: "mailfleet",
        messages: world.messages,
        seconds,
        bytes: world.bytes,
        cpuMs: roles.reduce((sum, role) => sum + role.usage.cpuMs, 0),
        peakRssMb: roles.reduce((sum, role) => sum + role.usage.peakRssMb, 0),
      };
    } finally {
      for (const role of roles) role.process.kill("SIGKILL");
    }
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function untilHandedOff(redis: Redis, ledger: string, wanted: number, logs: () => string): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const [handedOff, quarantined] = (await redis.hmget(ledger, "h", "q")).map(Number);
    if ((handedOff ?? 0) + (quarantined ?? 0) >= wanted) return;
    if (performance.now() > deadline)
      throw new Error(`only ${handedOff} of ${wanted} messages after ${giveUpMs / 60_000} min\n${logs().slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
