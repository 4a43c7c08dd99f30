import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { sharedRedisUrl, startRedis, uniqueName } from "@mailfleet/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { consume, type Consumer, type ConsumeOptions, type Handler } from "./consume.ts";
import { GiveUp, RetryLater } from "./errors.ts";
import type { EventType, MailfleetEvent } from "./event.ts";
import { inventedEvent } from "./invented.fixture.ts";
import { onlyOnce, redisMemory } from "./only-once.ts";
import { shardPrefixes } from "./shards.ts";

let fleet: string;
let redis: Redis;
const consumers: Consumer[] = [];
const queues: Queue[] = [];

beforeEach(() => {
  fleet = uniqueName("sdk");
  redis = new Redis(sharedRedisUrl(), { maxRetriesPerRequest: null });
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((one) => one.close(1_000)));
  await Promise.all(queues.splice(0).map((one) => one.close()));
  redis.disconnect();
});

function queueOf(prefix = `{${fleet}}`): Queue {
  const queue = new Queue("messages", { connection: redis, prefix });
  queues.push(queue);
  return queue;
}

/** As mailfleet queues them, but for the pauses. */
async function put(events: readonly unknown[], queue = queueOf(), attempts = 3): Promise<Queue> {
  const opts = { attempts, backoff: { type: "fixed", delay: 10 }, removeOnComplete: true } as const;
  await queue.addBulk(events.map((data) => ({ name: "message.added", data, opts })));
  return queue;
}

async function start<const Type extends EventType = EventType>(
  handler: Handler<Type>,
  options: Partial<ConsumeOptions<Type>> = {},
): Promise<Consumer> {
  const consumer = await consume<Type>(
    { redis: sharedRedisUrl(), fleet, stopOnSignals: false, onError: () => undefined, ...options },
    handler,
  );
  consumers.push(consumer);
  return consumer;
}

/** Resolves once so many were noted. */
function notes<T>(wanted: number): { note: (value: T) => void; all: Promise<readonly T[]>; list: readonly T[] } {
  const list: T[] = [];
  const { promise: all, resolve: reached } = Promise.withResolvers<readonly T[]>();
  return {
    list,
    all,
    note: (value) => {
      list.push(value);
      if (list.length >= wanted) reached(list);
    },
  };
}

/** Until the queue has as many jobs in each state. */
async function settled(queue: Queue, wanted: Readonly<Record<string, number>>): Promise<void> {
  for (;;) {
    const counts = await queue.getJobCounts("waiting", "active", "delayed", "failed");
    if (Object.entries(wanted).every(([state, count]) => counts[state] === count)) return;
  }
}

test("events come typed, and what was handled is gone", async () => {
  const queue = await put([inventedEvent(1), inventedEvent(2)]);
  const seen = notes<string | undefined>(2);
  await start((event) => seen.note(event.message.subject), { types: ["message.added"] });
  expect(new Set(await seen.all)).toEqual(new Set(["message 1", "message 2"]));
  await settled(queue, { waiting: 0, active: 0, failed: 0 });
});

test("what a filter leaves out is acknowledged and never handed over", async () => {
  const queue = await put([inventedEvent(1, { tenant: "fabrikam" }), inventedEvent(2), inventedEvent(3, { type: "message.unheardOf" })]);
  const seen = notes<number | undefined>(1);
  await start((event) => seen.note("uid" in event ? event.uid : undefined), { tenants: ["contoso"] });
  expect(await seen.all).toEqual([2]);
  await settled(queue, { waiting: 0, active: 0, delayed: 0, failed: 0 });
  expect(seen.list).toEqual([2]);
});

test("what a handler throws is tried again, then kept, and told", async () => {
  const queue = await put([inventedEvent(1)]);
  const tries: (readonly [number, boolean])[] = [];
  const dead = notes<string>(1);
  await start(
    (_event, { attempt, isLastAttempt }) => {
      tries.push([attempt, isLastAttempt]);
      throw new Error("HTTP 503 from crm.internal");
    },
    { name: "crm", onDeadLetter: (event, error) => dead.note(`${event?.key} ${error.message}`) },
  );
  expect(await dead.all).toEqual([`${inventedEvent(1).key} HTTP 503 from crm.internal`]);
  expect(tries).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ]);
  const [letter] = await queue.getFailed();
  expect(letter).toMatchObject({ failedReason: "HTTP 503 from crm.internal", processedBy: "crm" });
});

test("a handler that gives up is believed at once", async () => {
  const queue = await put([inventedEvent(1)]);
  const dead = notes<string>(1);
  let calls = 0;
  await start(
    () => {
      calls++;
      throw new GiveUp("the ticket's project is closed");
    },
    { onDeadLetter: (_event, error) => dead.note(error.message) },
  );
  expect(await dead.all).toEqual(["the ticket's project is closed"]);
  await settled(queue, { failed: 1, waiting: 0, delayed: 0 });
  expect(calls).toBe(1);
});

test.each([undefined, null, { status: 500 }])(
  "what is thrown and is no error (%j) costs attempts as well, and has a reason",
  async (thrown) => {
    const queue = await put([inventedEvent(1)], queueOf(), 2);
    const tries: number[] = [];
    const dead = notes<string>(1);
    await start(
      (_event, { attempt }) => {
        tries.push(attempt);
        // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- that is what this is about
        throw thrown;
      },
      { onDeadLetter: (_event, error) => dead.note(error.message) },
    );
    expect(await dead.all).toEqual([expect.stringContaining("in place of an Error")]);
    expect(tries).toEqual([1, 2]);
    expect((await queue.getFailed())[0]?.failedReason).toContain("in place of an Error");
  },
);

test.each([Error, GiveUp])("of a reason that quotes a whole message the beginning is kept (%o)", async (Kind) => {
  const queue = await put([inventedEvent(1)], queueOf(), 1);
  await start(() => {
    throw new Kind(`cannot read ${"x".repeat(100_000)}`);
  });
  await settled(queue, { failed: 1 });
  const [letter] = await queue.getFailed();
  expect(letter?.failedReason).toMatch(/^cannot read x{1,2000}…$/);
  expect(letter?.stacktrace?.join("").length).toBeLessThan(10_000);
});

test("whoever names a time is believed for a day, and what is no time is an error", () => {
  expect([-1, 5_000, 1e15, Number.POSITIVE_INFINITY].map((ms) => new RetryLater(ms).inMs)).toEqual([0, 5_000, 86_400_000, 86_400_000]);
  expect(() => new RetryLater(Number("Wed, 21 Oct 2026 07:28:00 GMT") * 1_000)).toThrow(RangeError);
});

test("a time that somebody named costs no attempt", async () => {
  await put([inventedEvent(1)], queueOf(), 2);
  const attempts: number[] = [];
  const done = notes<number>(1);
  await start((_event, { attempt }) => {
    attempts.push(attempt);
    if (attempts.length <= 4) throw new RetryLater(5, "HTTP 429");
    done.note(attempt);
  });
  await done.all;
  expect(attempts).toEqual([1, 1, 1, 1, 1]);
});

test("a job of another schema becomes a dead letter and does not pass for handled", async () => {
  const queue = await put([{ ...inventedEvent(1), schema: "mailfleet.event/2" }]);
  await start(() => undefined);
  await settled(queue, { failed: 1 });
  expect((await queue.getFailed())[0]?.failedReason).toContain("mailfleet.event/2");
});

test("closing waits for what is at work", async () => {
  const queue = await put([inventedEvent(1)]);
  const begun = notes<true>(1);
  let finish = (): void => undefined;
  const consumer = await start(async () => {
    begun.note(true);
    await new Promise<void>((resolve) => (finish = resolve));
  });
  await begun.all;
  const closing = consumer.close(10_000);
  finish();
  await closing;
  await settled(queue, { waiting: 0, active: 0, failed: 0 });
});

test("what does not end in time is told to, and comes again to the next consumer", async () => {
  await put([inventedEvent(1)]);
  const begun = notes<AbortSignal>(1);
  const consumer = await start(async (_event, { signal }) => {
    begun.note(signal);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw signal.reason;
  });
  const [signal] = await begun.all;
  await consumer.close(0);
  expect(signal?.aborted).toBe(true);
  const again = notes<string>(1);
  await start((event) => again.note(event.key));
  expect(await again.all).toEqual([inventedEvent(1).key]);
});

test("the queues of all shards are read", async () => {
  for (const [i, prefix] of shardPrefixes(fleet, 3).entries()) await put([inventedEvent(i + 1)], queueOf(prefix));
  const seen = notes<string>(3);
  await start((event) => seen.note(event.key), { shards: 3 });
  expect(new Set(await seen.all)).toEqual(new Set([1, 2, 3].map((n) => inventedEvent(n).key)));
});

test("an event that comes twice is done once, and what an operator replays is done again", async () => {
  const queue = queueOf();
  await put([inventedEvent(1)], queue);
  const done: MailfleetEvent[] = [];
  const memory = redisMemory({ redis, name: uniqueName("tickets") });
  const handled = notes<true>(4);
  const handler = onlyOnce(memory, (event) => void done.push(event));
  await start(async (event, context) => {
    await handler(event, context);
    handled.note(true);
  });
  await settled(queue, { waiting: 0, active: 0 });
  await put([inventedEvent(1), inventedEvent(2), inventedEvent(1, { replayed: true })], queue);
  await handled.all;
  expect(done.map((event) => event.key.split("/").at(-1) ?? "").sort((a, b) => a.localeCompare(b))).toEqual(["1", "1", "2"]);
});

test("a consumer that was closed while Redis was frozen lets its process end", async () => {
  const server = await startRedis({ shared: false });
  const script = `
import { consume } from ${JSON.stringify(new URL("./consume.ts", import.meta.url).href)};
const consumer = await consume({ redis: ${JSON.stringify(server.url)}, stopOnSignals: false, onError: () => undefined }, () => undefined);
console.log("ready");
process.stdin.once("data", () => consumer.close(0).then(() => (process.stdin.destroy(), console.log("closed"))));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    for await (const line of createInterface(child.stdout)) {
      if (line === "closed") break;
      process.kill(server.pid, "SIGSTOP");
      child.stdin.write("close\n");
    }
    process.kill(server.pid, "SIGCONT");
    expect(await ended).toBe(0);
  } finally {
    child.kill("SIGKILL");
    process.kill(server.pid, "SIGCONT");
    await server.stop();
  }
});

test("a client that is yours stays yours: it is as it was once the consumer is closed", async () => {
  await redis.ping();
  const listening = (): number[] => ["error", "close", "ready"].map((name) => redis.listenerCount(name));
  const before = listening();
  const consumer = await start(() => undefined, { redis });
  await consumer.close();
  expect([listening(), await redis.ping()]).toEqual([before, "PONG"]);
});

test("a Redis that is not there is said so, without the password", async () => {
  const starting = consume({ redis: "redis://user:hunter2@127.0.0.1:1", connectWithinMs: 100, onError: () => undefined }, () => undefined);
  await expect(starting).rejects.toThrow("Redis did not answer within 0.1 s at 127.0.0.1:1");
});
