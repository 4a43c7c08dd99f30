import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { openMessagesQueue } from "@mailfleet/queue";
import { createFleetReader, type FleetReader } from "@mailfleet/store";
import { type RedisOptions, type RunningRedis, silentLog, startRedis } from "@mailfleet/testkit";
import { readEvents, readSums, type Role, root, startProgram } from "../e2e/fleet.ts";
import { connectionTo, waitUntil, type World } from "./fault-bench.ts";

/** A Redis of its own with a producer and a worker, as processes, at the mailboxes of the file's sandbox. */
export interface Fleet {
  readonly server: RunningRedis;
  readonly redis: Redis;
  readonly queue: Queue;
  readonly reader: FleetReader;
  readonly producer: Role;
  readonly worker: Role;
  /** Delivers one message. @returns how long until it was handed off, ms */
  probe(withinMs?: number): Promise<number>;
  /** How many messages of the sandbox are in no event, and how many in two. */
  count(): Promise<{ readonly lost: number; readonly twice: number }>;
  handedOff(): Promise<number>;
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly redis?: RedisOptions;
  readonly env?: NodeJS.ProcessEnv;
  /** Of the worker, as `ulimit` takes them. */
  readonly workerLimits?: string;
}

export async function startFleet(world: World, options: FleetOptions = {}): Promise<Fleet> {
  const dir = await mkdtemp(join(world.dir, "fleet-"));
  const server = await startRedis({ ...options.redis, shared: false });
  const redis = new Redis(server.url);
  redis.on("error", () => undefined);
  const keys = redisKeys();
  const queue = openMessagesQueue({ connection: connectionTo(server.port), keys, log: silentLog });
  const env = {
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: dir,
    MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
    MAILFLEET_SYNC_POLL_SECONDS: "1",
    ...options.env,
  };
  const role = (name: string, limits?: string): Role =>
    startProgram([join(root, `apps/${name}/src/main.ts`), "--config", world.sandbox.configFile], env, limits);
  const producer = role("producer");
  const worker = role("worker", options.workerLimits);
  const [address = ""] = world.sandbox.tenants[0]?.addresses ?? [];
  const handedOff = async (): Promise<number> => (await readSums(redis)).handedOff;
  let probes = 0;
  return {
    server,
    redis,
    queue,
    reader: createFleetReader(redis, keys),
    producer,
    worker,
    handedOff,
    async probe(withinMs = 90_000) {
      const before = await handedOff();
      world.sandbox.deliver(address, "INBOX", Buffer.from(`Subject: probe ${probes++}\r\n\r\nx\r\n`));
      return waitUntil("the probe is handed off", async () => (await handedOff()) > before, withinMs);
    },
    async count() {
      const truth = [...world.sandbox.truth()].filter((one) => one.isMail).map((one) => `${one.address} ${one.folder} ${one.uid}`);
      const handed = (await readEvents(server.url)).flatMap((event) =>
        event.type === "message.added" || event.type === "message.quarantined"
          ? [`${event.mailbox} ${event.folder.path} ${event.uid}`]
          : [],
      );
      const found = new Set(handed);
      return { lost: truth.filter((one) => !found.has(one)).length, twice: handed.length - found.size };
    },
    async settled() {
      const expected = [...world.sandbox.truth()].filter((one) => one.isMail).length;
      await waitUntil(
        "everything is handed off",
        async () => {
          const { handedOff: done, quarantined, toDo } = await readSums(redis);
          return done + quarantined >= expected && toDo === 0;
        },
        200_000,
      ).catch((error: Error) => {
        throw new Error(`${error.message}\n${producer.output().slice(-1_000)}\n${worker.output().slice(-3_000)}`);
      });
    },
    async close() {
      for (const one of [producer, worker]) one.process.kill("SIGKILL");
      await Promise.all([producer.ended, worker.ended]);
      await queue.close().catch(() => undefined);
      redis.disconnect();
      await server.stop();
    },
  };
}
