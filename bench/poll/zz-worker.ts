import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { mailboxId, redisKeys } from "@mailfleet/core";
import { workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import type { Sandbox } from "@mailfleet/sandbox";
import { startRedis } from "@mailfleet/testkit/servers";
import { type CountingProxy, startCountingProxy } from "../counting-proxy.ts";
import { readUsage, watch, type Watched } from "../throughput/processes.ts";

/** Of one poll in which nothing was new, on average over all polls: also of those that list the folders again. */
export interface FleetPoll {
  readonly polls: number;
  readonly workerCpuMs: number;
  readonly producerCpuMs: number;
  readonly redisCpuMs: number;
  readonly roundTrips: number;
  readonly bytes: number;
}

const giveUpMs = 5 * 60_000;
const lookMs = 200;
const keys = redisKeys();

/** Producer and worker as shipped, with a Redis of their own, over many idle polls of a whole fleet. */
export async function measureFleet(dir: string, sandbox: Sandbox, pollSeconds: number, seconds: number): Promise<FleetPoll> {
  await mkdir(dir, { recursive: true });
  const proxy = await startCountingProxy(sandbox.imap.port);
  const server = await startRedis({ shared: false });
  const redis = new Redis(server.url);
  let roles: readonly Watched[] = [];
  try {
    roles = startRoles(dir, await writeConfig(dir, sandbox, server.url, proxy.port, pollSeconds));
    await untilIdle(redis, sandbox, roles);
    // Two polls of each: after the first that finds nothing, the numbers alone are asked for.
    await pause(3 * pollSeconds * 1_000);
    await redis.config("RESETSTAT");
    const before = await readAll(redis, roles, proxy);
    await pause(seconds * 1_000);
    const after = await readAll(redis, roles, proxy);
    const polls = after.connections - before.connections;
    if (process.env["STATS"]) { const t = await redis.info("commandstats"); for (const m of t.matchAll(/cmdstat_(\S+?):calls=(\d+),usec=(\d+)/g)) if (Number(m[2]) > polls / 10) console.error(m[1], (Number(m[2]) / polls).toFixed(2), "calls/poll", (Number(m[3]) / polls).toFixed(1), "us/poll"); }
    const each = (of: keyof typeof before): number => Number(((after[of] - before[of]) / polls).toFixed(3));
    return {
      polls,
      workerCpuMs: each("worker"),
      producerCpuMs: each("producer"),
      redisCpuMs: each("redis"),
      // TCP's own, which the proxy does not see.
      roundTrips: Number((each("roundTrips") + 1).toFixed(2)),
      bytes: Math.round(each("bytes")),
    };
  } finally {
    await Promise.all(roles.map((role) => role.stop()));
    redis.disconnect();
    await server.stop();
    await proxy.close();
  }
}

async function readAll(redis: Redis, [producer, worker]: readonly Watched[], proxy: CountingProxy) {
  const { connections, roundTrips, received, sent } = proxy.traffic();
  const cpu = await redis.info("cpu");
  const seconds = [...cpu.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, one]) => Number(one));
  const cpuOf = (role: Watched | undefined): number => readUsage(role?.process.pid ?? 0)?.cpuMs ?? 0;
  return {
    connections,
    roundTrips,
    bytes: received + sent,
    producer: cpuOf(producer),
    worker: cpuOf(worker),
    redis: seconds.reduce((sum, one) => sum + one, 0) * 1_000,
  };
}

async function untilIdle(redis: Redis, sandbox: Sandbox, roles: readonly Watched[]): Promise<void> {
  const ids = (sandbox.tenants[0]?.addresses ?? []).map((address) => mailboxId({ tenant: "contoso", address }));
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const states = await Promise.all(ids.map((id) => redis.hmget(keys.mailbox(id), "checkedAt", "history", "t", "listing")));
    if (states.every(([checkedAt, history, toDo, listing]) => checkedAt && history === "0" && Number(toDo ?? 0) === 0 && listing)) return;
    if (performance.now() > deadline)
      throw new Error(`the fleet does not come to rest\n${roles.map((role) => role.output().slice(-2_000)).join("\n")}`);
    await pause(lookMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function startRoles(dir: string, config: string): readonly Watched[] {
  const root = (process.env["ROOT"] ?? join(import.meta.dirname, "../.."));
  const env = { ...workerEnvironment, PATH: process.env["PATH"], NODE_COMPILE_CACHE: join(dir, "compile-cache") };
  const start = (role: string, flags: readonly string[]): Watched =>
    watch(process.execPath, [...(role === "worker" && process.env["PROF"] ? ["--cpu-prof", `--cpu-prof-dir=${process.env["PROF"]}`] : []), ...flags, join(root, `apps/${role}/src/main.ts`), "--config", config], env);
  return [start("producer", []), start("worker", workerNodeFlags)];
}

async function writeConfig(dir: string, sandbox: Sandbox, redisUrl: string, port: number, pollSeconds: number): Promise<string> {
  const [tenant] = sandbox.tenants;
  const file = join(dir, "mailfleet.yaml");
  await writeFile(join(dir, "secret"), sandbox.secretOf("contoso"), { mode: 0o600 });
  await writeFile(
    file,
    `redis: { url: ${redisUrl} }
dataDir: ${dir}
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${sandbox.authority}
      scope: https://outlook.office365.com/.default
      imap: { host: localhost, port: ${port}, tls: true }
      caFile: ${sandbox.caFile}
    mailboxes: [${(tenant?.addresses ?? []).join(", ")}]
sync: { pollSeconds: ${pollSeconds}, push: none }
blobs: { dir: ${join(dir, "blobs")} }
`,
  );
  return file;
}
