import { eventJobOptions } from "@mailfleet/queue";
import { outgoing } from "@mailfleet/core";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Bench, clock, commitOf, eventOf, openBench } from "./hand-off-bench.ts";

let server: RunningRedis;
let bench: Bench;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  bench = await openBench(server.url);
});
afterEach(() => bench.close());

const events = [11, 12, 13].map((uid) => eventOf(uid));
const viaCommit = () => bench.handOff.commit(commitOf(bench, [], { events: events.map(outgoing) }));
async function viaBullMq(): Promise<void> {
  for (const event of events) await bench.queue.add(event.type, event, { ...eventJobOptions, jobId: event.key, timestamp: clock.now() });
}

/** All of the queue, without what is another each time: ids of the stream, and the two fields that BullMQ repeats inside of the options. */
async function everythingQueued(): Promise<Record<string, unknown>> {
  const { redis, queue } = bench;
  const all: Record<string, unknown> = {};
  for (const key of (await redis.keys(queue.toKey("*"))).sort()) {
    const type = await redis.type(key);
    switch (type) {
      case "string":
        all[key] = await redis.get(key);
        break;
      case "list":
        all[key] = await redis.lrange(key, 0, -1);
        break;
      case "zset":
        all[key] = await redis.zrangebyscore(key, "-inf", "+inf", "WITHSCORES");
        break;
      case "stream":
        all[key] = (await redis.xrange(key, "-", "+")).map(([, fields]) => fields);
        break;
      case "hash": {
        const { opts, ...fields } = await redis.hgetall(key);
        const { jobId: _id, timestamp: _time, ...options } = JSON.parse(opts ?? "{}") as Record<string, unknown>;
        all[key] = { ...fields, options };
        break;
      }
      default:
        throw new Error(`nothing of BullMQ's is ${type}: ${key}`);
    }
  }
  return all;
}

test.each<[string, (bench: Bench) => Promise<unknown>]>([
  ["an empty queue", async () => undefined],
  ["a queue that is paused", ({ queue }) => queue.pause()],
  [
    "a queue that runs as many at once as it may",
    async ({ queue }) => {
      await queue.setGlobalConcurrency(1);
      await queue.add("message.added", {}, { jobId: "at work", timestamp: clock.now() });
      await bench.redis.lmove(queue.toKey("wait"), queue.toKey("active"), "RIGHT", "LEFT");
      await bench.redis.del(queue.toKey("marker"));
    },
  ],
  ["a queue that may run more at once", ({ queue }) => queue.setGlobalConcurrency(5)],
  ["a queue that has one of them", ({ queue }) => queue.add("message.added", {}, { jobId: events[1]?.key ?? "", timestamp: clock.now() })],
  ["a queue that keeps few of its events", ({ queue }) => bench.redis.hset(queue.toKey("meta"), "opts.maxLenEvents", "2")],
  ["a queue that has no length of its events yet", ({ queue }) => bench.redis.hdel(queue.toKey("meta"), "opts.maxLenEvents")],
])("a commit leaves in %s all that as many calls of queue.add do", async (_, prepare) => {
  await prepare(bench);
  await viaCommit();
  const ours = await everythingQueued();
  await bench.queue.obliterate({ force: true });
  await bench.close();
  bench = await openBench(server.url);
  await prepare(bench);
  await viaBullMq();
  const theirs = await everythingQueued();
  const withoutName = (all: Record<string, unknown>): unknown => JSON.parse(JSON.stringify(all).replaceAll(/"[^"]*?:messages:/g, '"'));
  expect(withoutName(ours)).toEqual(withoutName(theirs));
});

test("thousands at once are all there, in their order, and the queue's stream of events keeps about as many as it may", async () => {
  await bench.redis.hset(bench.queue.toKey("meta"), "opts.maxLenEvents", "100");
  const many = Array.from({ length: 2_500 }, (_, i) => eventOf(i + 1));
  await bench.handOff.commit(commitOf(bench, [], { events: many.map(outgoing) }));
  const waiting = await bench.redis.lrange(bench.queue.toKey("wait"), 0, -1);
  expect(waiting.reverse()).toEqual(many.map(({ key }) => key));
  expect(await bench.redis.xlen(bench.queue.toKey("events"))).toBeLessThan(500);
});
