import { cp, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createS3Store } from "@mailfleet/blobs";
import { limits, mailboxId, Secret, syncError, uidSetOf } from "@mailfleet/core";
import { createDueIndex } from "@mailfleet/store";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { pointersOf, recordingLog, type S3Fault, seededChance, startS3Server } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { calm, type FaultBench, keys, startBench, waitUntil, type World, startWorld } from "./fault-bench.ts";
import { noteRow } from "./measured.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld(9, 240);
});
afterAll(() => world.close());

/** Commits of 20 messages, so that a mailbox has a dozen of them. */
const small = { ...calm, slice: { ...calm.slice, messages: 20 } };
const nothing = { lost: 0, twice: 0, unexpected: 0 };

/** Runs `fault` again and again until `work` is done. */
async function during(work: Promise<void>, fault: () => Promise<void>): Promise<void> {
  const state = { isDone: false };
  const watched = work.finally(() => (state.isDone = true));
  watched.catch(() => undefined);
  while (!state.isDone) await fault();
  await watched;
}

test("F06 a Redis that is killed again and again, and starts from its AOF, loses nothing", async () => {
  const bench = await startBench(world);
  const log = recordingLog();
  const worker = await bench.worker({ log });
  const times: { detectMs: number; recoverMs: number }[] = [];
  const state = { isDone: false };
  const work = worker.finish(small).finally(() => (state.isDone = true));
  work.catch(() => undefined);
  while (times.length < 8) {
    const before = await bench.handedOff();
    await waitUntil("it moves on", async () => state.isDone || (await bench.handedOff()) > before, 60_000);
    if (state.isDone) break;
    const seen = log.records.length;
    await bench.server.kill();
    const detectMs = await waitUntil("the loss is logged", () => log.records.length > seen, 20_000);
    await bench.restart();
    const handed = await bench.handedOff();
    const recoverMs = await waitUntil("it goes on", async () => state.isDone || (await bench.handedOff()) > handed, 60_000);
    times.push({ detectMs, recoverMs });
  }
  await work;
  expect(times.length).toBeGreaterThan(2);
  const found = await bench.audit();
  expect(found).toMatchObject(nothing);
  noteRow({
    id: "F06",
    lost: found.lost,
    again: found.offeredAgain,
    detectMs: Math.max(...times.map((one) => one.detectMs)),
    recoverMs: Math.max(...times.map((one) => one.recoverMs)),
    note: `${times.length} kills`,
  });
  await bench.close();
});

/** The AOF of a stopped server: what was written since it started lies in its incremental file. */
async function aofOf(dir: string): Promise<string> {
  const names = await readdir(join(dir, "appendonlydir"));
  return join(dir, "appendonlydir", names.find((name) => name.endsWith(".incr.aof")) ?? "");
}

/** Every checkpoint's messages are in the queue, and nothing else is: commits are there as wholes or not at all. */
async function expectWholeCommits(bench: FaultBench): Promise<void> {
  const worker = await bench.worker();
  const { folders } = await worker.ports.store.load(bench.mailbox);
  const jobs = await bench.queue.getJobs(["waiting"], 0, -1, true);
  for (const [folder, { checkpoint }] of folders) {
    const handed = jobs.map((job) => job.data).filter((event) => event.folder?.path === folder && event.type === "message.added");
    expect(checkpoint?.handedOff, folder).toEqual(uidSetOf(handed.map((event) => event.uid)));
  }
  await worker.close();
}

test("F07 an AOF that ends at any byte holds whole commits only, and what is missing is handed off again", async () => {
  const bench = await startBench(world);
  const worker = await bench.worker();
  await worker.finish(small);
  await worker.close();
  await bench.server.stop();
  const whole = `${bench.redisDir}-whole`;
  await cp(bench.redisDir, whole, { recursive: true });
  const { size } = await stat(await aofOf(whole));
  const chance = seededChance(7);
  const cuts = Number(process.env["FAULT_CUTS"] ?? 16);
  let again = 0;
  for (let cut = 0; cut < cuts; cut++) {
    await rm(bench.redisDir, { recursive: true, force: true });
    await cp(whole, bench.redisDir, { recursive: true });
    const at = Math.floor(chance.random() * size);
    await truncate(await aofOf(bench.redisDir), at);
    await bench.restart();
    await bench.redis.ping();
    const kept = await bench.handedOff();
    await expectWholeCommits(bench);
    // To its end only sometimes: each costs a whole sync.
    if (cut % 4 === 0 && (await bench.redis.exists(keys.mailbox(mailboxId(bench.mailbox)))) === 1) {
      const next = await bench.worker();
      await next.finish(small);
      const found = await bench.audit();
      expect(found, `cut at byte ${at} of ${size}`).toMatchObject(nothing);
      again = Math.max(again, (await bench.handedOff()) - kept);
      await next.close();
    }
    await bench.server.stop();
  }
  noteRow({ id: "F07", lost: 0, again: `up to ${again}`, note: `${cuts} cuts` });
  await bench.close();
});

test("F12 scripts that are forgotten and connections that are killed ten times a second change no result", async () => {
  const bench = await startBench(world);
  const worker = await bench.worker();
  let storms = 0;
  await during(worker.finish(small), async () => {
    storms++;
    await bench.redis.script("FLUSH");
    await bench.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  expect(storms).toBeGreaterThan(5);
  const found = await bench.audit();
  expect(found).toMatchObject(nothing);
  noteRow({ id: "F12", lost: found.lost, again: found.offeredAgain });
  await bench.close();
});

test("F18 a blob store that is slow makes it slower; one that is gone lets nothing be handed off", async () => {
  const bench = await startBench(world);
  const state = { isGone: true, flushes: 0 };
  const worker = await bench.worker({
    blobs: (store) => ({
      ...store,
      startBatch(mailbox) {
        const batch = store.startBatch(mailbox);
        return new Proxy(batch, {
          get(target, name) {
            if (name !== "flush") {
              const value: unknown = Reflect.get(target, name, target);
              return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
            }
            return async () => {
              state.flushes++;
              if (state.isGone) throw syncError("BLOB_UNAVAILABLE", "The blob store does not answer.", { layer: "blobs", code: "EIO" });
              await new Promise((resolve) => setTimeout(resolve, 1_500));
              return target.flush();
            };
          },
        });
      },
    }),
  });
  const startedAt = performance.now();
  expect(await worker.sync("backfill", small)).toMatchObject({ kind: "failed", failure: { code: "BLOB_UNAVAILABLE" } });
  const detectMs = performance.now() - startedAt;
  expect(await bench.handedOff()).toBe(0);
  expect(await bench.queue.getWaitingCount()).toBe(0);
  const { cause } = await worker.ports.store.load(bench.mailbox);
  expect((cause?.nextAt ?? 0) - Date.now()).toBeLessThan(30_000);
  state.isGone = false;
  const backAt = performance.now();
  const work = worker.finish({ ...calm, slice: { ...calm.slice, messages: 100 } });
  work.catch(() => undefined);
  await waitUntil("the first batch is handed off", async () => (await bench.handedOff()) > 0);
  const recoverMs = performance.now() - backAt;
  await work;
  const found = await bench.audit();
  expect(found).toMatchObject(nothing);
  expect(state.flushes).toBeGreaterThan(2);
  noteRow({ id: "F18", lost: found.lost, again: "1 batch", detectMs, recoverMs });
  await bench.close();
});

test("F18 a bucket that refuses lets nothing be handed off; one that is overloaded and cut loses and doubles nothing", async () => {
  const bench = await startBench(world);
  const server = await startS3Server();
  const { bucket, region, endpoint, accessKeyId } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(server.secretAccessKey) };
  const place = { bucket, region, endpoint, prefix: "", forcePathStyle: true, credentials };
  const store = createS3Store({ place, scratchDir: join(world.dir, "scratch"), clock: systemClock, chance: systemChance });
  const worker = await bench.worker({ blobs: () => store });
  server.break(() => ({ kind: "status", status: 403, code: "AccessDenied" }));
  expect(await worker.sync("backfill", small)).toMatchObject({
    kind: "failed",
    failure: { code: "BLOB_UNAVAILABLE", facts: { code: "AccessDenied" } },
  });
  expect([await bench.handedOff(), await bench.queue.getWaitingCount(), server.objects.size]).toEqual([0, 0, 0]);
  const faults: readonly (S3Fault | undefined)[] = [
    undefined,
    { kind: "status", status: 503, code: "SlowDown" },
    undefined,
    { kind: "reset", applied: true },
    undefined,
    { kind: "status", status: 500, code: "InternalError" },
    { kind: "reset" },
  ];
  let met = 0;
  server.break(() => faults[met++ % faults.length]);
  await worker.finish({ ...calm, slice: { ...calm.slice, messages: 40 } });
  server.break(undefined);
  expect(met).toBeGreaterThan(faults.length);
  expect(await bench.audit()).toMatchObject(nothing);
  const jobs = await bench.queue.getJobs(["waiting"]);
  for (const pointer of jobs.flatMap((job) => pointersOf(job.data))) expect(await store.read(pointer)).toHaveLength(pointer.size);
  await server.stop();
  await bench.close();
});

test("F25 two workers whose clocks are 20 minutes apart never hold one mailbox together, and due times are Redis' own", async () => {
  const bench = await startBench(world);
  const offsets = [-600_000, 600_000];
  const workers = await Promise.all(offsets.map((offset) => bench.worker({ clock: { ...systemClock, now: () => Date.now() + offset } })));
  let holders = 0;
  let most = 0;
  let held = 0;
  const until = performance.now() + 3_000;
  const contend = async (worker: (typeof workers)[number]): Promise<void> => {
    while (performance.now() < until || held < 10) {
      const lease = await worker.ports.store.acquire(bench.mailbox, "fresh");
      if (!lease) continue;
      held++;
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders--;
      await worker.ports.handOff.settle(lease, { checked: true, opened: true, freshDueInMs: 10_000, events: [] });
      lease.stop();
      const [seconds, micros] = await bench.redis.time();
      const now = Number(seconds) * 1_000 + Number(micros) / 1_000;
      const due = Number(await bench.redis.zscore(keys.due("fresh", "contoso"), mailboxId(bench.mailbox)));
      // The other one may have looked in between: then it is due once its lease or its patience is over.
      if (!(await bench.redis.exists(keys.lease(mailboxId(bench.mailbox)))))
        expect(Math.abs(due - now)).toBeLessThan(limits.leaseMs + 1_000);
    }
  };
  await Promise.all(workers.map(contend));
  expect(most).toBe(1);
  const last = await workers[1]?.ports.store.acquire(bench.mailbox, "fresh");
  if (!last) throw new Error("somebody still holds the mailbox");
  await workers[1]?.ports.handOff.settle(last, { checked: true, opened: true, freshDueInMs: 10_000, events: [] });
  last.stop();
  const [seconds] = await bench.redis.time();
  const dueIn = Number(await bench.redis.zscore(keys.due("fresh", "contoso"), mailboxId(bench.mailbox))) - Number(seconds) * 1_000;
  // Redis' own clock, whole seconds of it, and what passed since on a machine that does other things too; the workers' are 10 minutes off.
  expect(dueIn).toBeGreaterThan(0);
  expect(dueIn).toBeLessThan(20_000);
  expect(await createDueIndex(bench.redis, keys).take({ lane: "fresh", count: 9, perTenant: 9 })).toEqual([]);
  noteRow({ id: "F25", lost: 0, again: 0, note: `${held} sessions in turn` });
  await bench.close();
});

test("F37 a Redis that is restored from an older copy offers the same keys again and skips nothing", async () => {
  const bench = await startBench(world);
  const worker = await bench.worker();
  await worker.sync(
    "backfill",
    { ...small, slice: { ...small.slice, messages: 100, seconds: 1 } },
    {
      gate: { shouldYield: () => Promise.resolve(true), isDraining: () => false },
    },
  );
  const kept = await bench.handedOff();
  expect(kept).toBeGreaterThan(0);
  await bench.redis.call("WAITAOF", 1, 0, 5_000).catch(() => undefined);
  await bench.server.stop();
  const copy = `${bench.redisDir}-copy`;
  await cp(bench.redisDir, copy, { recursive: true });
  await bench.restart();
  const uids = ["one", "two"].map((word) =>
    world.sandbox.deliver(bench.mailbox.address, "INBOX", Buffer.from(`Subject: ${word}\r\n\r\n${word}\r\n`)),
  );
  await worker.finish(small);
  const keysBefore = new Set((await bench.queue.getJobs(["waiting"])).map((job) => job.id));
  await bench.server.stop();
  await rm(bench.redisDir, { recursive: true, force: true });
  await cp(copy, bench.redisDir, { recursive: true });
  const restoredAt = performance.now();
  await bench.restart();
  expect(await bench.handedOff()).toBe(kept);
  await worker.finish(small);
  const recoverMs = performance.now() - restoredAt;
  const found = await bench.audit();
  expect(found).toMatchObject(nothing);
  expect(new Set((await bench.queue.getJobs(["waiting"])).map((job) => job.id))).toEqual(keysBefore);
  noteRow({ id: "F37", lost: found.lost, again: keysBefore.size - kept, recoverMs, note: `${uids.length} new since the copy` });
  await bench.close();
});
