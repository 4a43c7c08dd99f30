import { join } from "node:path";
import { Queue, type QueueOptions } from "bullmq";
import { Redis } from "ioredis";
import { queueNames, redisKeys } from "@mailfleet/core";
import { workerNodeFlags } from "@mailfleet/runtime";
import { type Sandbox, type SandboxOptions, startSandbox } from "@mailfleet/sandbox";
import { redisOptions } from "@mailfleet/store";
import { startRedis } from "@mailfleet/testkit/servers";
import { watch, type Watched } from "../throughput/processes.ts";

/** A sandbox, a Redis, and a producer and a worker as processes of their own. */
interface BenchFleet {
  readonly sandbox: Sandbox;
  readonly redis: Redis;
  readonly connection: ReturnType<typeof redisOptions>;
  /** How long each mailbox has been in a job slot by now, ms. */
  slots(): Promise<readonly number[]>;
  /** What the processes said, for when something went wrong. */
  output(): string;
  close(): Promise<void>;
}

/** @param env settings such as MAILFLEET_SYNC_PUSH */
export async function startFleet(
  dir: string,
  options: Omit<SandboxOptions, "dataDir">,
  env: Readonly<Record<string, string>>,
  prepare: (sandbox: Sandbox) => void,
): Promise<BenchFleet> {
  const [sandbox, server] = await Promise.all([
    startSandbox({ dataDir: join(dir, "sandbox"), trickle: 0, faults: false, ...options }),
    startRedis({ shared: false }),
  ]);
  prepare(sandbox);
  const redis = new Redis(server.url);
  const { hostname: host, port } = new URL(server.url);
  const connection = redisOptions({ host, port: Number(port), db: 0, tls: false });
  const { bullPrefix: prefix } = redisKeys();
  const lanes = [queueNames.fresh, queueNames.backfill].map(
    (name) => new Queue(name, { connection: connection as QueueOptions["connection"], prefix }),
  );
  const root = join(import.meta.dirname, "../..");
  const all = {
    PATH: process.env["PATH"],
    NODE_COMPILE_CACHE: join(dir, "compile-cache"),
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: join(dir, "data"),
    ...env,
  };
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...flags, join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], all);
  const roles = [start("producer", []), start("worker", workerNodeFlags)];
  return {
    sandbox,
    redis,
    connection,
    async slots() {
      const jobs = (await Promise.all(lanes.map((lane) => lane.getActive()))).flat();
      return jobs.flatMap((job) => (job?.processedOn === undefined ? [] : [Date.now() - job.processedOn]));
    },
    output: () => roles.map((role) => role.output()).join("\n"),
    async close() {
      await Promise.all(roles.map((role) => role.stop()));
      await Promise.all(lanes.map((lane) => lane.close()));
      redis.disconnect();
      await server.stop();
      await sandbox.close();
    },
  };
}
