import { Redis } from "ioredis";
import { type Commit, emptyLedger, type Lease, mailboxId, outgoing, scopeKey, startCheckpoint, uidSetOf } from "@mailfleet/core";
import { openMessagesQueue } from "@mailfleet/queue";
import { recordingLog, seededChance, silentLog, startRedis, startTcpProxy } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "./audit.ts";
import {
  type BenchWorker,
  calm,
  connectionTo,
  type FaultBench,
  keys,
  startBench,
  startWorld,
  waitUntil,
  type World,
} from "./fault-bench.ts";
import { noteRow } from "./measured.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld(8, 240);
});
afterAll(() => world.close());

const small = { ...calm, slice: { ...calm.slice, messages: 20 } };
const nothing = { lost: 0, twice: 0, unexpected: 0 };

/** One event and a checkpoint, as the flow commits them. */
function commitOf(bench: FaultBench, lease: Lease, version: number): Commit {
  const { mailbox } = bench;
  return {
    id: crypto.randomUUID(),
    lease,
    folder: "INBOX",
    expectedVersion: version,
    checkpoint: {
      ...startCheckpoint({ uidValidity: "1", uidNext: version + 1, messages: 0 }, 1, false),
      handedOff: uidSetOf(Array.from({ length: version + 1 }, (_, i) => i + 1)),
    },
    ledger: { ...emptyLedger, listed: version + 1, handedOff: version + 1 },
    events: [
      outgoing({
        schema: "mailfleet.event/1",
        type: "folder.reset",
        key: scopeKey(mailbox, "INBOX", "reset", `${version}`),
        tenant: mailbox.tenant,
        mailbox: mailbox.address,
        protocol: "imap",
        at: new Date().toISOString(),
        lane: "fresh",
        folder: { path: "INBOX" },
        uidValidity: "1",
        previousUidValidity: "1",
        generation: 1,
      }),
    ],
  };
}

async function mustAcquire(worker: BenchWorker, bench: FaultBench): Promise<Lease> {
  const lease = await worker.ports.store.acquire(bench.mailbox, "fresh");
  if (!lease) throw new Error("somebody holds the mailbox");
  return lease;
}

test("F04 answers that are lost, and requests that are cut anywhere, hand nothing off twice", async () => {
  const bench = await startBench(world);
  const proxy = await startTcpProxy({ port: bench.server.port });
  const worker = await bench.worker({ redisPort: proxy.port });
  const chance = seededChance(4);
  let lease = await mustAcquire(worker, bench);
  let slowest = 0;
  const tries = Number(process.env["FAULT_CUTS"] ?? 60);
  for (let version = 0; version < tries; version++) {
    const commit = commitOf(bench, lease, version);
    const cut = version % 2 === 0 ? proxy.loseAnswerTo(commit.id) : proxy.cutAfterRequest(1 + Math.floor(chance.random() * 1_200));
    const startedAt = performance.now();
    expect(await worker.ports.handOff.commit(commit), `commit ${version}`).toEqual({
      kind: "applied",
      version: version + 1,
      isPoked: false,
    });
    slowest = Math.max(slowest, performance.now() - startedAt);
    // A cut further on than this commit goes is for the next one.
    if (version % 2 === 0) await cut;
    if (version % 20 !== 19) continue;
    const settled = proxy.loseAnswerTo(lease.token);
    expect(await worker.ports.handOff.settle(lease, { checked: true, opened: true, freshDueInMs: 0, events: [] })).toBe(true);
    await settled;
    lease.stop();
    lease = await mustAcquire(worker, bench);
  }
  lease.stop();
  expect(await bench.queue.getWaitingCount()).toBe(tries);
  expect(await bench.handedOff()).toBe(tries);
  const found = await audit({ truth: () => [] } as unknown as World["sandbox"], bench.mailbox, bench.queue);
  noteRow({ id: "F04", lost: 0, again: found.offeredAgain, recoverMs: slowest, note: `${tries} cuts` });
  expect(found.offeredAgain).toBe(0);
  await proxy.stop();
  await bench.close();
});

test("F04 a whole sync of which every answer is lost hands off every message once", async () => {
  const bench = await startBench(world);
  const proxy = await startTcpProxy({ port: bench.server.port });
  const worker = await bench.worker({ redisPort: proxy.port });
  const { handOff } = worker.ports;
  let lost = 0;
  const commit: typeof handOff.commit = async (step) => {
    const cut = proxy.loseAnswerTo(step.id);
    const result = await handOff.commit(step);
    await cut;
    lost++;
    return result;
  };
  const settle: typeof handOff.settle = async (lease, settlement) => {
    const cut = proxy.loseAnswerTo(lease.token);
    const result = await handOff.settle(lease, settlement);
    await cut;
    return result;
  };
  await worker.finish(small, { handOff: { commit, settle } });
  expect(lost).toBeGreaterThan(10);
  expect(await bench.audit()).toEqual({ ...nothing, offeredAgain: 0 });
  await proxy.stop();
  await bench.close();
});

test("F09 a failover that loses the last commits makes the session read again, and nothing is missing", async () => {
  const bench = await startBench(world);
  const replication = await startTcpProxy({ port: bench.server.port });
  const replica = await startRedis({
    shared: false,
    extraArgs: ["--replicaof", "127.0.0.1", String(replication.port), "--repl-timeout", "60"],
  });
  const clients = await startTcpProxy({ port: bench.server.port });
  const onReplica = new Redis(replica.url);
  const worker = await bench.worker({ redisPort: clients.port });
  await waitUntil("the replica follows", async () => (await onReplica.info("replication")).includes("master_link_status:up"), 20_000);
  const all = [...world.sandbox.truth()].filter((one) => one.isMail && one.address === bench.mailbox.address).length;
  const failures: string[] = [];
  const state = { failedOverAt: 0, handedBefore: 0, handedAfter: 0 };
  const { handOff } = worker.ports;
  const commit: typeof handOff.commit = async (step) => {
    const handed = state.failedOverAt === 0 ? await bench.handedOff() : 0;
    if (state.failedOverAt === 0 && handed >= all * 0.3) replication.freeze();
    if (state.failedOverAt === 0 && handed >= all * 0.7) {
      state.handedBefore = handed;
      await bench.server.kill();
      await onReplica.replicaof("NO", "ONE");
      clients.switchTo({ port: replica.port });
      clients.cut();
      state.failedOverAt = performance.now();
      state.handedAfter = Number(await onReplica.hget(keys.mailbox(mailboxId(bench.mailbox)), "h"));
    }
    const result = await handOff.commit(step);
    if (result.kind !== "applied") failures.push(result.kind);
    return result;
  };
  await worker.finish(small, { handOff: { ...handOff, commit } });
  const recoverMs = performance.now() - state.failedOverAt;
  expect(state.handedBefore - state.handedAfter).toBeGreaterThan(0);
  // The session's memory was ahead of what is stored now: it was told so before it could write on top of it.
  expect(failures.length).toBeGreaterThan(0);
  const queue = openMessagesQueue({ connection: connectionTo(replica.port), keys, log: silentLog });
  const found = await audit(world.sandbox, bench.mailbox, queue);
  expect(found).toMatchObject(nothing);
  noteRow({ id: "F09", lost: found.lost, again: state.handedBefore - state.handedAfter, recoverMs, note: failures.join() });
  await queue.close();
  onReplica.disconnect();
  await bench.close();
  await Promise.all([replica.stop(), replication.stop(), clients.stop()]);
});

test("F10 a number that is dealt twice does not let the first holder write", async () => {
  const bench = await startBench(world);
  const [first, second] = [await bench.worker(), await bench.worker()];
  const early = await mustAcquire(first, bench);
  // As the promoted replica has it, which never heard of the first lease.
  await bench.redis.del(keys.lease(mailboxId(bench.mailbox)));
  await bench.redis.decr(keys.fence);
  const late = await mustAcquire(second, bench);
  expect(late.token.split(":")[0]).toBe(early.token.split(":")[0]);
  const startedAt = performance.now();
  expect(await first.ports.handOff.commit(commitOf(bench, early, 0))).toEqual({ kind: "fenced" });
  const detectMs = performance.now() - startedAt;
  expect(await first.ports.handOff.settle(early, { checked: true, opened: true, freshDueInMs: 0, events: [] })).toBe(false);
  expect(await second.ports.handOff.commit(commitOf(bench, late, 0))).toMatchObject({ kind: "applied" });
  expect(await bench.queue.getWaitingCount()).toBe(1);
  for (const lease of [early, late]) lease.stop();
  noteRow({ id: "F10", lost: 0, again: 0, detectMs });
  await bench.close();
});

test("F11 a primary that has become a replica is left for the new one, and one without replicas takes nothing", async () => {
  const bench = await startBench(world);
  const proxy = await startTcpProxy({ port: bench.server.port });
  const log = recordingLog();
  const worker = await bench.worker({ redisPort: proxy.port, log });
  let lease = await mustAcquire(worker, bench);
  await bench.redis.config("SET", "min-replicas-to-write", "1");
  await expect(worker.ports.handOff.commit(commitOf(bench, lease, 0))).rejects.toMatchObject({
    failure: { code: "REDIS_UNAVAILABLE", facts: { code: "NOREPLICAS" } },
  });
  expect(await bench.queue.getWaitingCount()).toBe(0);
  await bench.redis.config("SET", "min-replicas-to-write", "0");
  expect(await worker.ports.handOff.commit(commitOf(bench, lease, 0))).toMatchObject({ kind: "applied" });

  const other = await startRedis({ shared: false, extraArgs: ["--replicaof", "127.0.0.1", String(bench.server.port)] });
  const onOther = new Redis(other.url);
  await waitUntil("the other one follows", async () => (await onOther.info("replication")).includes("master_link_status:up"), 20_000);
  await onOther.replicaof("NO", "ONE");
  // The old primary heals as a replica of the new one; open connections still lead to it.
  await bench.redis.replicaof("127.0.0.1", other.port);
  proxy.switchTo({ port: other.port });
  const startedAt = performance.now();
  await expect(worker.ports.handOff.commit(commitOf(bench, lease, 1))).rejects.toMatchObject({ failure: { facts: { code: "READONLY" } } });
  const detectMs = performance.now() - startedAt;
  await waitUntil("the new primary takes commits", async () => {
    const result = await worker.ports.handOff.commit(commitOf(bench, lease, 1)).catch(() => undefined);
    if (result?.kind !== "fenced") return result?.kind === "applied";
    lease.stop();
    lease = await mustAcquire(worker, bench);
    return false;
  });
  const recoverMs = performance.now() - startedAt;
  lease.stop();
  expect(await onOther.hget(keys.mailbox(mailboxId(bench.mailbox)), "h")).toBe("2");
  noteRow({ id: "F11", lost: 0, again: 0, detectMs, recoverMs });
  onOther.disconnect();
  await bench.close();
  await Promise.all([other.stop(), proxy.stop()]);
});

test("F20 a session that is reset at any byte leaves no partial blob behind that anything refers to", async () => {
  const bench = await startBench(world);
  const proxy = await startTcpProxy(world.sandbox.imap);
  const worker = await bench.worker({ imapPort: proxy.port });
  let resets = 0;
  for (let at = 2_000; at < 200_000; at += 24_000) {
    const cut = proxy.cutAfterResponse(at).then(() => resets++);
    const outcome = await worker.sync("backfill", small);
    if (outcome.kind === "done" && !outcome.hasHistory) break;
    if (outcome.kind === "failed") await cut;
    // Twice in a row would make the session take one message at a time, to find the one that breaks it.
    await bench.redis.hdel(keys.mailbox(mailboxId(bench.mailbox)), "cause");
  }
  // The cut that was armed last and never reached.
  proxy.cutAfterResponse(Number.POSITIVE_INFINITY).catch(() => undefined);
  await worker.finish(small);
  const found = await bench.audit();
  expect(found).toMatchObject(nothing);
  for (const job of await bench.queue.getJobs(["waiting"])) {
    const { raw, message } = job.data;
    for (const pointer of [raw, ...(message?.attachments ?? [])]) await worker.ports.blobs.read(pointer);
  }
  expect(resets).toBeGreaterThan(2);
  noteRow({ id: "F20", lost: found.lost, again: found.offeredAgain, note: `${resets} resets` });
  await proxy.stop();
  await bench.close();
});
