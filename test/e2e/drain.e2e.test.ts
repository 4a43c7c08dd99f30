import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createMailboxRegistry } from "@mailfleet/store";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readSums, type Role, root, startProgram, until } from "./fleet.ts";

let dir: string;
let sandbox: Sandbox;
const roles: Role[] = [];
const servers: RunningRedis[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-drain-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 4, messages: 2_000 }],
    trickle: 0,
    faults: false,
  });
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  for (const server of servers) await server.stop().catch(() => undefined);
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

function startRole(role: "producer" | "worker", server: RunningRedis): Role {
  const env = { MAILFLEET_REDIS_URL: server.url, MAILFLEET_DATA_DIR: dir, MAILFLEET_BLOBS_DIR: join(dir, "blobs") };
  const started = startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], env);
  roles.push(started);
  return started;
}

async function startBusyFleet(): Promise<{ server: RunningRedis; producer: Role; worker: Role }> {
  const server = await startRedis({ shared: false });
  servers.push(server);
  const redis = new Redis(server.url);
  redis.on("error", () => undefined);
  try {
    const left = { tenant: "contoso", address: "left@contoso.example", protocol: "imap" } as const;
    await createMailboxRegistry(redis, redisKeys()).register([left], 0);
    const producer = startRole("producer", server);
    const worker = startRole("worker", server);
    await until(
      () => readSums(redis),
      (sums) => sums.handedOff > 0,
      60_000,
      () => producer.output() + worker.output(),
    );
    return { server, producer, worker };
  } finally {
    redis.disconnect();
  }
}

const timed = async (role: Role): Promise<{ code: number | string; ms: number }> => {
  const startedAt = performance.now();
  const code = await role.stop();
  return { code, ms: performance.now() - startedAt };
};

test.each([
  ["frozen", (server: RunningRedis) => void process.kill(server.pid, "SIGSTOP")],
  ["dead", (server: RunningRedis) => server.kill()],
])("roles that are asked to stop while Redis is %s end in time, and say so", async (_, breakRedis) => {
  const { server, producer, worker } = await startBusyFleet();
  await breakRedis(server);
  try {
    const [ofProducer, ofWorker] = await Promise.all([timed(producer), timed(worker)]);
    expect([ofProducer.code, ofWorker.code], producer.output() + worker.output()).toEqual([0, 0]);
    expect(ofProducer.ms).toBeLessThan(10_000);
    expect(ofWorker.ms).toBeLessThan(10_000);
    expect(producer.output()).toContain('"msg":"producer stopped"');
    expect(worker.output()).toMatch(/"cut":\d+,"msg":"worker stopped"/);
    expect(producer.output()).toMatch(/"mailboxes":\["left@contoso.example"\],"msg":"mailboxes that are not in the configuration/);
  } finally {
    try {
      process.kill(server.pid, "SIGCONT");
    } catch {
      // The dead one.
    }
  }
});
