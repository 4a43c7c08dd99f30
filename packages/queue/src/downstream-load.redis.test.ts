import { Worker } from "bullmq";
import { queueNames, redisKeys } from "@mailfleet/core";
import { fakeClock, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createIntakeWatch, type LoadClient, readDownstream } from "./downstream-load.ts";
import { openMessagesQueue } from "./queues.ts";

const { hostname, port } = new URL(sharedRedisUrl());
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
const keys = redisKeys(uniqueName("load"));
let queue: ReturnType<typeof openMessagesQueue>;
let client: LoadClient;
beforeAll(async () => {
  queue = openMessagesQueue({ connection, keys, log: silentLog });
  // BullMQ's own client is an ioredis client, as an app's is.
  client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as LoadClient;
});
afterAll(() => queue.close());

const fill = (count: number, size: number, from = 0) =>
  queue.addBulk(
    Array.from({ length: count }, (_, i) => ({
      name: "message.added",
      data: { text: "x".repeat(size) },
      opts: { jobId: `a/${from + i}` },
    })),
  );

test("an empty queue weighs nothing, and nothing is the oldest in it", async () => {
  expect(await readDownstream(client, keys)).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 0, bytes: 0, problems: [] });
});

test("the counts are BullMQ's own, the bytes those of the data, the oldest the one that a consumer takes next", async () => {
  await fill(200, 1_000);
  const worker = new Worker(queueNames.messages, undefined, { connection, prefix: keys.bullPrefix });
  const first = await worker.getNextJob("t1");
  await first?.moveToFailed(new Error("no"), "t1", false);
  await worker.getNextJob("t2");
  await queue.add("later", { text: "y".repeat(1_000) }, { delay: 3_600_000 });
  const load = await readDownstream(client, keys, ["a problem"]);
  const counts = await queue.getJobCounts("waiting", "active", "delayed", "failed");
  expect(load).toMatchObject({ ...counts, problems: ["a problem"] });
  expect(load).toMatchObject({ waiting: 198, active: 1, delayed: 1, failed: 1 });
  expect(Math.abs(load.bytes / (201 * 1_011) - 1)).toBeLessThan(0.01);
  const next = await queue.getJob("a/2");
  expect(load.oldestAt).toBe(next?.timestamp);
  await worker.close();
});

test("a few large events among small ones are seen in their bytes", async () => {
  await queue.obliterate({ force: true });
  await fill(100, 10);
  await fill(100, 100_000, 100);
  const { bytes } = await readDownstream(client, keys);
  expect(bytes).toBeGreaterThan(5e6);
  expect(bytes).toBeLessThan(2e7);
});

test("far from the mark an answer is believed for a moment; near it everybody who asks counts anew", async () => {
  await queue.obliterate({ force: true });
  const clock = fakeClock();
  let asked = 0;
  const redis: LoadClient = {
    eval: (...args) => {
      asked++;
      return client.eval(...args);
    },
    info: (section) => client.info(section),
  };
  const watch = createIntakeWatch({ redis, keys, clock, marks: { highWater: 100, highWaterBytes: 1e9, deadLetters: 1_000 } });
  await Promise.all([watch.look(), watch.look()]);
  await watch.look();
  expect(asked).toBe(1);
  await clock.advance(251);
  await fill(90, 10);
  expect((await watch.look()).intake.lanes.backfill.state).toBe("slow");
  await fill(10, 10, 90);
  expect((await watch.look()).intake.lanes.backfill.state).toBe("closed");
  expect(asked).toBe(3);
  watch.noteProblems(["appendonly is off"]);
  expect((await watch.look()).intake.cause).toBe("redis-unsafe");
});
