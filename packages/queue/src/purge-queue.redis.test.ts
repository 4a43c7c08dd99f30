import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import { eventStem, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventJobId } from "./event-jobs.ts";
import { purgeMessages, purgeSyncJobs } from "./purge-queue.ts";
import { openMessagesQueue, openSyncQueues } from "./queues.ts";

let redis: Redis;
let keys: RedisKeys;
let queue: Queue;
const mailbox: MailboxRef = { tenant: "contoso", address: "a@contoso.example", protocol: "imap" };
const neighbour: MailboxRef = { ...mailbox, address: "aa@contoso.example" };
const { hostname, port } = new URL(sharedRedisUrl());
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };

beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("purge"));
  queue = openMessagesQueue({ connection, keys, log: silentLog });
});
afterEach(() => queue.close());

const add = (of: MailboxRef, ids: readonly string[]): Promise<unknown> =>
  queue.addBulk(
    ids.map((jobId) => ({ name: "message.added", data: { tenant: of.tenant, mailbox: of.address, subject: "s" }, opts: { jobId } })),
  );
const longId = (of: MailboxRef): string => eventJobId(`${eventStem(of)}${"x".repeat(400)}/1.1/1`);

test("events of one mailbox go, those with an id that is a hash too, whichever of thousands they stand between", async () => {
  const theirs = Array.from({ length: 2_300 }, (_, n) => `${eventStem(neighbour)}INBOX/1.1/${n}`);
  await add(neighbour, theirs.slice(0, 1_100));
  await add(mailbox, [...Array.from({ length: 60 }, (_, n) => `${eventStem(mailbox)}INBOX/1.1/${n}`), longId(mailbox)]);
  await add(neighbour, [...theirs.slice(1_100), longId(neighbour)]);
  const purge = purgeMessages(redis, keys);
  expect(await purge.weigh(mailbox)).toEqual({ events: 61, letters: 0 });
  expect(await purge.purge(mailbox)).toEqual({ events: 61, letters: 0 });
  expect(await purge.weigh(mailbox)).toEqual({ events: 0, letters: 0 });
  expect(await purge.weigh(neighbour)).toEqual({ events: 2_301, letters: 0 });
  expect(await queue.getWaitingCount()).toBe(2_301);
  expect(await redis.exists(queue.toKey(longId(mailbox)), queue.toKey(longId(neighbour)))).toBe(1);
});

test("an id that somebody forged names no key of the queue, and stops nothing", async () => {
  await add(mailbox, [`${eventStem(mailbox)}INBOX/1.1/1`]);
  await redis.lpush(queue.toKey("wait"), "key-wait", "wait", "meta");
  await redis.set(queue.toKey("key-wait"), "a text");
  expect(await purgeMessages(redis, keys).purge(mailbox)).toEqual({ events: 1, letters: 0 });
  expect(await redis.lrange(queue.toKey("wait"), 0, -1)).toEqual(["meta", "wait", "key-wait"]);
});

test("jobs and marks of the sync queues go, and a neighbour's stay", async () => {
  const sync = openSyncQueues({ connection, keys, log: silentLog });
  const ids = [mailbox, neighbour].map(({ tenant, address }) => `${tenant}/${address}`);
  await sync.add(
    "fresh",
    ids.map((id, i) => ({ id, isAhead: i === 0 })),
  );
  const purge = purgeSyncJobs(redis, keys, "fresh");
  expect(await purge.purge(mailbox)).toEqual({ entries: 1 });
  expect(await sync.waiting("fresh")).toBe(1);
  expect(await redis.keys(`${keys.bullPrefix}:sync-fresh:de:*`)).toEqual([`${keys.bullPrefix}:sync-fresh:de:${ids[1] ?? ""}`]);
  // A mark without its job, as a worker that died leaves it.
  await redis.set(`${keys.bullPrefix}:sync-fresh:de:${ids[0] ?? ""}`, "77");
  await purge.purge(mailbox);
  expect(await redis.exists(`${keys.bullPrefix}:sync-fresh:de:${ids[0] ?? ""}`)).toBe(0);
  await sync.close();
});
