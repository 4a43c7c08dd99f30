import { isSyncError, redisKeys } from "@mailfleet/core";
import { recordingLog, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterEach, expect, test } from "vitest";
import { openMessagesQueue, openSyncQueues } from "./queues.ts";
import { startSyncWorker, type SyncWorker, type SyncWorkerOptions } from "./sync-worker.ts";

const { hostname, port } = new URL(sharedRedisUrl());
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
const id = "contoso/support@contoso.example";
const polls = (...ids: readonly string[]) => ids.map((one) => ({ id: one, isAhead: false }));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A fleet of one sync queue and one worker. */
function startBench(given: Partial<SyncWorkerOptions>) {
  const keys = redisKeys(uniqueName("sync"));
  const queues = openSyncQueues({ connection, keys, log: silentLog });
  const worker: SyncWorker = startSyncWorker({
    lane: "fresh",
    connection,
    keys,
    log: silentLog,
    concurrency: 2,
    process: () => Promise.resolve({}),
    ...given,
  });
  closing.push(
    () => worker.drain(),
    () => queues.close(),
  );
  return { keys, queues, worker };
}

test("a session whose job lost its lock is stopped by its signal, as soon as that is known", async () => {
  const begun = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<unknown>();
  const log = recordingLog();
  const { keys, queues } = startBench({
    log,
    process: async (_id, signal) => {
      begun.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      stopped.resolve(signal.reason);
      return {};
    },
  });
  await queues.add("fresh", polls(id));
  await begun.promise;
  // BullMQ's own client is an ioredis client.
  const queue = openMessagesQueue({ connection, keys, log: silentLog });
  const redis = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as LockClient;
  const [lock = ""] = await redis.keys(`${keys.bullPrefix}:sync-fresh:*:lock`);
  await redis.set(lock, "somebody else's");
  const reason = await stopped.promise;
  expect(isSyncError(reason) && reason.failure.code).toBe("LEASE_LOST");
  expect(log.messages("warn")).toContain("the job's lock is lost, its session stops");
  await queue.close();
});

interface LockClient {
  keys(pattern: string): Promise<string[]>;
  set(key: string, value: string): Promise<unknown>;
}

test("a worker that is held takes no job, and takes those that came meanwhile when it is let go", async () => {
  const seen: string[] = [];
  const { queues, worker } = startBench({
    process: (mailbox) => {
      seen.push(mailbox);
      return Promise.resolve({});
    },
  });
  await queues.add("fresh", polls("contoso/a@contoso.example"));
  await expect.poll(() => seen).toHaveLength(1);
  worker.hold(true);
  // What each of its slots waits for when it is held is still given to it; the rest stays.
  for (let i = 0; i < 8; i++) {
    await queues.add("fresh", polls(`contoso/b${i}@contoso.example`));
    await expect.poll(() => worker.active).toBe(0);
  }
  await expect.poll(() => queues.waiting("fresh")).toBeGreaterThanOrEqual(6);
  worker.hold(false);
  await expect.poll(() => seen, { timeout: 30_000 }).toHaveLength(9);
});

test("a job that names anything but one mailbox is refused and stays as a dead letter, without a session", async () => {
  const log = recordingLog();
  let sessions = 0;
  const { queues } = startBench({
    log,
    process: () => {
      sessions++;
      return Promise.resolve({});
    },
  });
  await queues.add("fresh", polls("contoso/UPPER@contoso.example", "no-tenant", "contoso/ok@contoso.example"));
  await expect.poll(() => sessions, { timeout: 30_000 }).toBe(1);
  await expect.poll(() => log.messages("error").filter((text) => text.includes("JOB_PAYLOAD_INVALID"))).toHaveLength(2);
});

test("a mailbox of which somebody saw mail come is taken before the polls that wait, and behind its like", async () => {
  const seen: string[] = [];
  const running: PromiseWithResolvers<void>[] = [];
  const { queues } = startBench({
    concurrency: 1,
    process: async (mailbox) => {
      seen.push(mailbox);
      const one = Promise.withResolvers<void>();
      running.push(one);
      await one.promise;
      return {};
    },
  });
  const box = (name: string): string => `contoso/${name}@contoso.example`;
  await queues.add("fresh", polls(box("running")));
  await expect.poll(() => seen).toHaveLength(1);
  await queues.add("fresh", polls(box("poll1"), box("poll2")));
  await queues.add("fresh", [
    { id: box("mail1"), isAhead: true },
    { id: box("poll3"), isAhead: false },
    { id: box("mail2"), isAhead: true },
  ]);
  expect(await queues.waiting("fresh")).toBe(5);
  for (let i = 0; i < 6; i++) {
    await expect.poll(() => running).toHaveLength(i + 1);
    running[i]?.resolve();
  }
  expect(seen).toEqual(["running", "mail1", "mail2", "poll1", "poll2", "poll3"].map(box));
});
