import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { limits, mailboxId, type MailboxRef, queueNames, redisKeys } from "@mailfleet/core";
import { openMessagesQueue } from "@mailfleet/queue";
import { createFleetReader, createMailboxRegistry, readPrivateRedis } from "@mailfleet/store";
import { recordingLog, silentLog, startRedis } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Role, root, startProgram } from "../e2e/fleet.ts";
import { calm, connectionTo, startBench, startWorld, waitUntil, type World } from "./fault-bench.ts";
import { noteRow } from "./measured.ts";

let world: World;
const roles: Role[] = [];
beforeAll(async () => {
  world = await startWorld(3, 240);
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  await world.close();
});

const small = { ...calm, slice: { ...calm.slice, messages: 20 } };
const mailbox: MailboxRef = { tenant: "contoso", address: "held@contoso.example", protocol: "imap" };
const keys = redisKeys();

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Role {
  const role = startProgram(args, env);
  roles.push(role);
  return role;
}

/** One Redis with one mailbox, and processes that take its lease. */
async function startHolders() {
  const server = await startRedis({ shared: false });
  const redis = new Redis(server.url);
  await createMailboxRegistry(redis, keys).register([mailbox], 0);
  const queue = openMessagesQueue({ connection: connectionTo(server.port), keys, log: silentLog });
  const said = (role: Role): { is: string; version?: number; at?: number; ms?: number }[] =>
    role
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { is: string });
  const applied = (role: Role): number => said(role).filter((one) => one.is === "applied").length;
  const hold = (...more: string[]): Role =>
    start([join(root, "test/faults/lease-holder.ts"), String(server.port), "mailfleet", mailbox.address, ...more]);
  return {
    server,
    redis,
    queue,
    said,
    applied,
    hold,
    /** Starts one holder after the other until one gets the lease; resolves once it committed. */
    async takeOver(): Promise<Role> {
      for (;;) {
        const role = hold();
        await waitUntil("the next one is let in or sent away", () => said(role).length > 0, 30_000);
        if (said(role)[0]?.is !== "busy") return role;
        await role.ended;
        // Not before the lease can be over: each try is a process.
        const left = await redis.pttl(keys.lease(mailboxId(mailbox)));
        await waitUntil("the lease is over", async () => (await redis.exists(keys.lease(mailboxId(mailbox)))) === 0, left + 5_000);
      }
    },
    /** Each commit adds one event: as many are queued as the checkpoint has versions, whoever wrote them. */
    async expectOnceEach(): Promise<void> {
      const stored = await redis.hget(keys.checkpoints(mailboxId(mailbox)), "INBOX");
      const ids = new Set((await queue.getJobs(["waiting"], 0, -1)).map((job) => job.id));
      expect(ids.size).toBe(Number(stored?.split("\n")[0]));
      expect(await queue.getWaitingCount()).toBe(ids.size);
    },
    async close(): Promise<void> {
      await queue.close();
      redis.disconnect();
      await server.stop();
    },
  };
}

test("F01 a worker that is killed leaves its mailbox to another one", async () => {
  const bench = await startHolders();
  const first = bench.hold();
  await waitUntil("the first one works", () => bench.applied(first) >= 5);
  first.process.kill("SIGKILL");
  await first.ended;
  const killedAt = performance.now();
  const over = waitUntil("its lease is over", async () => (await bench.redis.exists(keys.lease(mailboxId(mailbox)))) === 0);
  const second = await bench.takeOver();
  await waitUntil("the second one works", () => bench.applied(second) >= 3);
  const recoverMs = performance.now() - killedAt;
  second.process.kill("SIGKILL");
  await second.ended;
  await bench.expectOnceEach();
  noteRow({ id: "F01", lost: 0, again: "1 batch", detectMs: await over, recoverMs });
  await bench.close();
});

test("F02 a worker that was stopped for longer than its lease writes nothing once it wakes", async () => {
  const bench = await startHolders();
  const first = bench.hold();
  await waitUntil("the first one works", () => bench.applied(first) >= 5);
  first.process.kill("SIGSTOP");
  const stoppedAt = performance.now();
  const second = await bench.takeOver();
  await waitUntil("the second one works", () => bench.applied(second) >= 3);
  const detectMs = performance.now() - stoppedAt;
  const before = bench.applied(first);
  const wokenAt = Date.now();
  first.process.kill("SIGCONT");
  await first.ended;
  const end = bench.said(first).find((one) => one.is === "fenced" || one.is === "lost");
  expect(end, first.output().slice(-500)).toBeDefined();
  expect(bench.applied(first) - before).toBeLessThanOrEqual(1);
  second.process.kill("SIGKILL");
  await second.ended;
  await bench.expectOnceEach();
  noteRow({ id: "F02", lost: 0, again: "1 batch", detectMs, recoverMs: (end?.at ?? Date.now()) - wokenAt });
  await bench.close();
});

test("F03 a process whose event loop was blocked tries no commit, by the monotonic clock", async () => {
  const bench = await startHolders();
  const first = bench.hold(String(limits.leaseSelfStopMs + 1_000));
  await waitUntil("it stalls", () => bench.said(first).some((one) => one.is === "stalling"));
  const calls = async (): Promise<string> => /cmdstat_evalsha:calls=(\d+)/.exec(await bench.redis.info("commandstats"))?.[1] ?? "";
  const before = await calls();
  await first.ended;
  const last = bench.said(first).find((one) => one.is === "fenced");
  expect(last, first.output().slice(-500)).toBeDefined();
  // Nothing was sent: Redis saw no script, and the answer took no time.
  expect(await calls()).toBe(before);
  // Whoever is next need not wait for it to run out.
  expect(await bench.redis.exists(keys.lease(mailboxId(mailbox)))).toBe(0);
  await bench.expectOnceEach();
  noteRow({ id: "F03", lost: 0, again: "1 batch", detectMs: last?.ms ?? 0 });
  await bench.close();
});

test("F05 mailboxes that a killed producer had taken are due again within a minute", async () => {
  const server = await startRedis({ shared: false });
  const redis = new Redis(server.url);
  const boxes = Array.from({ length: 300 }, (_, i): MailboxRef => ({
    tenant: "contoso",
    address: `m${i}@contoso.example`,
    protocol: "imap",
  }));
  await createMailboxRegistry(redis, keys).register(boxes, 0);
  await createFleetReader(redis, keys).heartbeat({ id: "slots", role: "worker", concurrency: 40 });
  const seen = new Set<string>();
  const worker = new Worker(queueNames.fresh, async (job) => void seen.add(String(job.data.mailbox)), {
    connection: { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null },
    prefix: keys.bullPrefix,
    concurrency: 8,
  });
  const env = { MAILFLEET_REDIS_URL: server.url, MAILFLEET_DATA_DIR: world.dir, MAILFLEET_SYNC_PER_TENANT_IN_FLIGHT: "10000" };
  const producer = (): Role => start([join(root, "apps/producer/src/main.ts"), "--config", world.sandbox.configFile], env);
  let kills = 0;
  let running = producer();
  for (; kills < 4; kills++) {
    await waitUntil("it takes", async () => seen.size > kills * 40 || /producer started/.test(running.output()));
    running.process.kill("SIGKILL");
    await running.ended;
    running = producer();
  }
  const recoverMs = await waitUntil("each mailbox was given to a worker", () => boxes.every((box) => seen.has(mailboxId(box))), 100_000);
  noteRow({ id: "F05", lost: 0, again: 0, recoverMs, note: `${kills} kills, ${boxes.length} mailboxes` });
  await running.stop();
  await worker.close(true);
  redis.disconnect();
  await server.stop();
});

test("F08 a Redis that is frozen is noticed by its silence, and work goes on once it thaws", async () => {
  const bench = await startBench(world);
  const log = recordingLog();
  const worker = await bench.worker({ log });
  const work = worker.finish(small);
  work.catch(() => undefined);
  await waitUntil("it works", async () => (await bench.handedOff()) > 0);
  process.kill(bench.server.pid, "SIGSTOP");
  let detectMs: number;
  try {
    detectMs = await waitUntil("the silence is logged", () => log.messages("warn").some((text) => text.startsWith("connection")), 60_000);
  } finally {
    process.kill(bench.server.pid, "SIGCONT");
  }
  const before = await bench.handedOff();
  const recoverMs = await waitUntil("it goes on", async () => (await bench.handedOff()) > before, 60_000);
  await work;
  const found = await bench.audit();
  expect(found).toMatchObject({ lost: 0, twice: 0, unexpected: 0 });
  noteRow({ id: "F08", lost: found.lost, again: found.offeredAgain, detectMs, recoverMs });
  await bench.close();
});

test("F27 twenty starts after kill -9 of the parent find one Redis and everything in it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-parent-"));
  const pids = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const parent = start([join(root, "test/faults/private-redis-parent.ts"), dir]);
    await waitUntil("the parent has its Redis", () => parent.output().includes("\n"), 60_000);
    const { pid, adopted } = JSON.parse(parent.output()) as { pid: number; adopted: boolean };
    pids.add(pid);
    expect(adopted).toBe(round > 0);
    const target = readPrivateRedis(dir);
    const redis = new Redis({ host: "127.0.0.1", port: target?.port ?? 0, password: target?.password?.reveal() ?? "" });
    expect(await redis.rpush("queue", String(round))).toBe(round + 1);
    redis.disconnect();
    parent.process.kill("SIGKILL");
    await parent.ended;
  }
  expect(pids.size).toBe(1);
  const servers = [];
  for (const name of await readdir("/proc")) {
    const command = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "") : "";
    if (command.includes("redis-server") && command.includes(dir)) servers.push(name);
  }
  for (const pid of pids) process.kill(pid, "SIGKILL");
  expect(servers.length).toBeLessThanOrEqual(1);
  await rm(dir, { recursive: true, force: true });
  noteRow({ id: "F27", lost: 0, again: 0, note: "20 kills, 1 Redis" });
});

test("F38 a producer that stands still is missed by status though its process lives", async () => {
  const server = await startRedis({ shared: false });
  const redis = new Redis(server.url);
  const reader = createFleetReader(redis, keys);
  const env = { MAILFLEET_REDIS_URL: server.url, MAILFLEET_DATA_DIR: world.dir };
  const producer = start([join(root, "apps/producer/src/main.ts"), "--config", world.sandbox.configFile], env);
  const reports = async (): Promise<boolean> => (await reader.processes()).some((one) => one.role === "producer");
  await waitUntil("it reports", reports);
  producer.process.kill("SIGSTOP");
  const detectMs = await waitUntil("it is missed", async () => !(await reports()), 60_000);
  producer.process.kill("SIGCONT");
  const recoverMs = await waitUntil("it reports again", reports);
  noteRow({ id: "F38", lost: 0, again: 0, detectMs, recoverMs });
  expect(await producer.stop()).toBe(0);
  redis.disconnect();
  await server.stop();
});
