import { Worker } from "bullmq";
import { decideIntake, describeIntake, intakeSentence, limits, type MailEvent, redisKeys } from "@mailfleet/core";
import { readDownstream } from "@mailfleet/queue";
import { inspectRedis } from "@mailfleet/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWorld, waitUntil, type World } from "./fault-bench.ts";
import { type Fleet, startFleet } from "./fleet-bench.ts";
import { noteRow } from "./measured.ts";

const keys = redisKeys();
const whole = { lost: 0, twice: 0 };

/** What `status` says about intake at this moment. */
async function sentenceOf({ redis }: Fleet, marks = downstream()): Promise<string> {
  const { problems, troubles } = await inspectRedis(redis);
  const load = await readDownstream(redis, keys, [...problems, ...troubles]);
  const words = describeIntake(decideIntake(load, marks), load, marks, Date.now());
  return words === undefined ? "" : intakeSentence(words);
}

function downstream(highWater: number = limits.queueHighWater) {
  return { highWater, highWaterBytes: limits.queueHighWaterBytes, deadLetters: limits.queueDeadLetters };
}

/** One after the other, with one pair of roles: each is another trouble of one Redis. */
describe("a fleet whose Redis is in trouble", { concurrent: false }, () => {
  let world: World;
  let fleet: Fleet;
  beforeAll(async () => {
    world = await startWorld(3, 60);
    // Room for what the fleet writes at the start; the trouble of the last test is that it is used up.
    fleet = await startFleet(world, { redis: { fileLimitKb: 40_000 } });
    await fleet.settled();
    await fleet.probe();
  }, 200_000);
  afterAll(async () => {
    await fleet?.close();
    await world?.close();
  });

  test("F13 a full Redis refuses commits whole, says so, and work goes on when there is room", async () => {
    let detectMs = 0;
    let recoverMs = 0;
    for (let round = 0; round < 2; round++) {
      const before = await fleet.handedOff();
      await fleet.redis.config("SET", "maxmemory", "1mb");
      world.sandbox.deliver(world.sandbox.tenants[0]?.addresses[0] ?? "", "INBOX", Buffer.from("Subject: full\r\n\r\nx\r\n"));
      const told = async (): Promise<boolean> => (await sentenceOf(fleet)).startsWith("Redis is nearly full");
      detectMs = Math.max(detectMs, await waitUntil("status names the cause", told));
      await waitUntil("the log names it", () => /maxmemory|OOM|REDIS_FULL/.test(fleet.worker.output() + fleet.producer.output()), 30_000);
      expect(await fleet.handedOff()).toBe(before);
      await fleet.redis.config("SET", "maxmemory", "0");
      recoverMs = Math.max(recoverMs, await waitUntil("it goes on", async () => (await fleet.handedOff()) > before, 120_000));
    }
    await fleet.settled();
    const found = await fleet.count();
    expect(found).toEqual(whole);
    noteRow({ id: "F13", lost: found.lost, again: "1 batch", detectMs, recoverMs });
  });

  test("F15 a Redis that may lose what it is given takes nothing in until it is set up again", async () => {
    await fleet.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    const startedAt = performance.now();
    await waitUntil("the producer says so", () => fleet.producer.output().includes('"code":"REDIS_UNSAFE"'), 70_000);
    const detectMs = performance.now() - startedAt;
    expect(await sentenceOf(fleet)).toMatch(/maxmemory-policy is allkeys-lru, it must be noeviction.* Nothing comes in/);
    const address = world.sandbox.tenants[0]?.addresses[0] ?? "";
    // A session that was begun before may still find what comes now. Jobs that nobody has begun wait in the queue meanwhile.
    await waitUntil("no session is at work", async () => (await fleet.redis.exists(keys.lease(`contoso/${address}`))) === 0);
    const before = await fleet.handedOff();
    world.sandbox.deliver(address, "INBOX", Buffer.from("Subject: unsafe\r\n\r\nx\r\n"));
    // Longer than a poll: it would have come in by now.
    await waitUntil("three polls go by", () => performance.now() - startedAt > detectMs + 3_000);
    expect(await fleet.handedOff()).toBe(before);
    await fleet.redis.config("SET", "maxmemory-policy", "noeviction");
    const recoverMs = await waitUntil("it goes on", async () => (await fleet.handedOff()) > before, 90_000);
    await fleet.settled();
    const found = await fleet.count();
    expect(found).toEqual(whole);
    noteRow({ id: "F15", lost: found.lost, again: 0, detectMs, recoverMs });
  });

  test("F16 a Redis whose disk is full takes nothing, says so, and work goes on when there is room", async () => {
    const startedAt = performance.now();
    // Fills the file that Redis writes to, as other programs fill a disk.
    const filler = "x".repeat(1_000_000);
    const fill = (): Promise<boolean> =>
      fleet.redis.set("filler", filler).then(
        () => false,
        () => true,
      );
    await waitUntil("the disk is full", fill);
    // It stays full: Redis tries its last write again each second, and what it gave up may make room for a little.
    const told = async (): Promise<boolean> => (await fill()) && /MISCONF/.test(fleet.worker.output() + fleet.producer.output());
    const detectMs = await waitUntil("the log names the cause", told);
    const isSaid = async (): Promise<boolean> =>
      (await fill()) && /cannot write to its disk.* Nothing comes in/.test(await sentenceOf(fleet));
    await waitUntil("status does", isSaid);
    const before = await fleet.handedOff();
    world.sandbox.deliver(world.sandbox.tenants[0]?.addresses[0] ?? "", "INBOX", Buffer.from("Subject: disk\r\n\r\nx\r\n"));
    await fleet.server.liftFileLimit();
    const recoverMs = await waitUntil("it goes on", async () => (await fleet.handedOff()) > before, 120_000);
    await fleet.settled();
    const found = await fleet.count();
    expect(found).toEqual(whole);
    noteRow({
      id: "F16",
      lost: found.lost,
      again: "1 batch",
      detectMs,
      recoverMs,
      note: `full after ${Math.round((performance.now() - startedAt) / 1_000)} s`,
    });
  });
});

test("F17 a worker without file descriptors backs off, parks nobody, and finishes", async () => {
  const world = await startWorld(40, 4);
  const env = {
    MAILFLEET_SYNC_CONCURRENCY: "40",
    MAILFLEET_SYNC_BACKFILL_CONCURRENCY: "20",
    MAILFLEET_SYNC_PER_TENANT_IN_FLIGHT: "100",
    // All at once at the start, and seldom after it: the start is what this is about.
    MAILFLEET_SYNC_POLL_SECONDS: "60",
  };
  const fleet = await startFleet(world, { env, workerLimits: "-n 56" });
  let parked = 0;
  const causes = new Set<string>();
  const watch = setInterval(() => {
    fleet.reader.mailboxes().then(
      (records) => {
        for (const { cause } of records) if (cause) causes.add(`${cause.code} ${cause.text}`);
        parked = Math.max(parked, records.filter((one) => one.cause?.state === "parked").length);
      },
      () => undefined,
    );
  }, 100);
  await fleet.settled();
  clearInterval(watch);
  const found = await fleet.count();
  expect(found).toEqual(whole);
  expect(parked).toBe(0);
  expect([...causes].join() + fleet.worker.output()).toContain("EMFILE");
  noteRow({ id: "F17", lost: found.lost, again: 0, note: `0 parked; ${[...causes].map((text) => text.split(" ")[0]).join(", ")}` });
  await fleet.close();
  await world.close();
});

/** A consumer that counts, in the order in which it got them. */
function consume(fleet: Fleet, handle: (event: MailEvent) => void): Worker<MailEvent> {
  return new Worker<MailEvent>("messages", (job) => Promise.resolve(handle(job.data)), {
    connection: { host: "127.0.0.1", port: fleet.server.port, maxRetriesPerRequest: null },
    prefix: keys.bullPrefix,
    concurrency: 20,
  });
}

const highWater = 300;
const ceiling = highWater * limits.freshHighWaterFactor;

test("F28 without a consumer intake stops at the mark; with one everything is delivered, new mail first", async () => {
  const world = await startWorld(6, 300);
  const fleet = await startFleet(world, {
    env: { MAILFLEET_DOWNSTREAM_HIGH_WATER: String(highWater), MAILFLEET_SYNC_BACKFILL_CONCURRENCY: "4" },
  });
  const startedAt = performance.now();
  let peak = 0;
  const depth = async (): Promise<number> => {
    const { waiting } = await readDownstream(fleet.redis, keys);
    peak = Math.max(peak, waiting);
    return waiting;
  };
  await waitUntil("the queue is at its mark", async () => (await depth()) >= highWater, 120_000);
  const reachedAt = performance.now();
  const detectMs = await waitUntil("the log says so", () => fleet.producer.output().includes('"code":"DOWNSTREAM_BACKPRESSURE"'));
  expect(await sentenceOf(fleet, downstream(highWater))).toMatch(
    /^No consumer is at work, for .* the limit is 300\. .* Nothing is lost; mail waits on the server\.$/,
  );
  await waitUntil("five seconds go by", async () => (await depth()) > 0 && performance.now() - reachedAt > 5_000);
  // History stops at the mark: what its four sessions had in hand may come on top.
  expect(peak).toBeLessThanOrEqual(highWater + 4 * limits.batchMessages);

  const [address = ""] = world.sandbox.tenants[0]?.addresses ?? [];
  const fresh = new Set(
    Array.from({ length: 3 }, (_, i) => world.sandbox.deliver(address, "INBOX", Buffer.from(`Subject: fresh ${i}\r\n\r\nx\r\n`))),
  );
  const got: MailEvent[] = [];
  const consumer = consume(fleet, (event) => void got.push(event));
  const before = await fleet.handedOff();
  const recoverMs = await waitUntil("intake goes on", async () => (await fleet.handedOff()) > before, 60_000);
  const all = [...world.sandbox.truth()].filter((one) => one.isMail).length;
  await waitUntil("everything is delivered", () => new Set(got.map((event) => event.key)).size >= all, 200_000);
  expect(got.length).toBe(all);
  const places = got.flatMap((event, i) =>
    "uid" in event && event.mailbox === address && fresh.has(event.uid) && event.lane === "fresh" ? [i] : [],
  );
  expect(places).toHaveLength(3);
  // Ahead of the history that had not come in by then.
  expect(Math.max(...places)).toBeLessThan(got.length - 100);
  await waitUntil("the log says that it is over", () => fleet.producer.output().includes("consumers caught up"));
  noteRow({
    id: "F28",
    lost: all - new Set(got.map((event) => event.key)).size,
    again: got.length - all,
    detectMs,
    recoverMs,
    note: `peak ${peak} at a mark of ${highWater}, reached after ${Math.round((reachedAt - startedAt) / 1_000)} s`,
  });
  await consumer.close();
  await fleet.close();
  await world.close();
});

test("T46 consumers that fail everything stop intake, and lose nothing", async () => {
  const world = await startWorld(4, 250);
  const fleet = await startFleet(world, { env: { MAILFLEET_DOWNSTREAM_HIGH_WATER: String(highWater) } });
  const state = { isBroken: true };
  const got = new Set<string>();
  const consumer = consume(fleet, (event) => {
    if (state.isBroken) throw new Error("the consumer is broken");
    got.add(event.key);
  });
  let peak = 0;
  const failing = async (): Promise<boolean> => {
    const load = await readDownstream(fleet.redis, keys);
    peak = Math.max(peak, load.waiting + load.active + load.delayed + load.failed);
    return (await sentenceOf(fleet, downstream(highWater))).startsWith("Consumers fail: ");
  };
  await waitUntil("status says that consumers fail", failing, 120_000);
  const stoppedAt = performance.now();
  await waitUntil("it stays so for five seconds", async () => (await failing()) && performance.now() - stoppedAt > 5_000);
  expect(peak).toBeLessThanOrEqual(ceiling + 12 * limits.batchMessages);
  state.isBroken = false;
  const all = [...world.sandbox.truth()].filter((one) => one.isMail).length;
  await waitUntil(
    "everything is delivered",
    async () => {
      // What waits for its next try is tried now, and what is dead is put back: an operator's replay.
      await fleet.queue.promoteJobs().catch(() => undefined);
      await fleet.queue.retryJobs({ state: "failed" }).catch(() => undefined);
      return got.size >= all;
    },
    200_000,
  );
  expect(got.size).toBe(all);
  await consumer.close();
  await fleet.close();
  await world.close();
});
