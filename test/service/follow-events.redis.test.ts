import { afterAll, beforeAll, expect, test } from "vitest";
import { redisKeys } from "@mailfleet/core";
import { type FollowedEvent, followEvents, openMessagesQueue, peekEvents, startConsumer } from "@mailfleet/queue";
import { sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";

const { hostname, port } = new URL(sharedRedisUrl());
const options = {
  connection: { host: hostname, port: Number(port), maxRetriesPerRequest: null },
  keys: redisKeys(uniqueName("follow")),
  log: silentLog,
};
let queue: ReturnType<typeof openMessagesQueue>;
beforeAll(() => {
  queue = openMessagesQueue(options);
});
afterAll(() => queue.close());

/** Follows until `count` events were told. */
async function collect(count: number): Promise<{ readonly events: Promise<FollowedEvent[]>; close(): Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<FollowedEvent[]>();
  const seen: FollowedEvent[] = [];
  const following = await followEvents({ ...options, queue }, (event) => {
    seen.push(event);
    if (seen.length === count) resolve(seen);
  });
  return { events: promise, close: () => following.close() };
}

test("events are told in the queue's order, and stay in it", async () => {
  const following = await collect(20);
  await queue.addBulk(Array.from({ length: 20 }, (_, i) => ({ name: "message.added", data: { n: i }, opts: { jobId: `a/${i}` } })));
  expect((await following.events).map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `a/${i}`));
  expect(await queue.getWaitingCount()).toBe(20);
  expect((await peekEvents(queue, 3)).map((data) => (data as unknown as { n: number }).n)).toEqual([17, 18, 19]);
  await following.close();
});

test("an event that a consumer took at once is told by its key", async () => {
  const consumer = startConsumer({ ...options, concurrency: 10, handle: () => undefined });
  const following = await collect(1);
  await queue.add("message.added", {}, { jobId: "b/1", removeOnComplete: true });
  expect(await following.events).toMatchObject([{ id: "b/1", type: "message.added" }]);
  await following.close();
  await consumer.close();
});
