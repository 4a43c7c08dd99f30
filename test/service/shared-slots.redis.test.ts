import { redisKeys } from "@mailfleet/core";
import { createSharedSlots, openSyncQueues, type SharedSlots, startSyncWorker, type SyncWorker } from "@mailfleet/queue";
import { redisOptions } from "@mailfleet/store";
import { sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterEach, describe, expect, test } from "vitest";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Queues of several shards. Jobs run until they are ended one by one. */
function begin(count: number) {
  const { hostname, port } = new URL(sharedRedisUrl());
  const connection = redisOptions({ host: hostname, port: Number(port), db: 0, tls: false });
  const name = uniqueName("slots");
  const shards = Array.from({ length: count }, (_, i) => {
    const keys = redisKeys(name, i + 1);
    const queues = openSyncQueues({ connection, keys, log: silentLog });
    closing.push(() => queues.close());
    return { keys, queues };
  });
  const running = new Map<string, { readonly worker: string; readonly end: () => void }>();
  let mostAtOnce = 0;
  let done = 0;
  const work = (worker: string, slots: SharedSlots): SyncWorker[] => {
    const workers = shards.map(({ keys }) =>
      startSyncWorker({
        lane: "fresh",
        concurrency: slots.size,
        slots,
        connection,
        keys,
        log: silentLog,
        process: async (id) => {
          await new Promise<void>((resolve) => {
            running.set(id, { worker, end: resolve });
            mostAtOnce = Math.max(mostAtOnce, running.size);
          });
          running.delete(id);
          done++;
          return {};
        },
      }),
    );
    closing.push(async () => {
      const ending = setInterval(() => {
        for (const { end } of running.values()) end();
      }, 10);
      await Promise.all(workers.map((one) => one.drain()));
      clearInterval(ending);
    });
    return workers;
  };
  const until = async (isReached: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await isReached())) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { shards, running, work, until, mostAtOnce: () => mostAtOnce, done: () => done };
}

const boxes = (tenant: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `${tenant}/m${i}@${tenant}.example`, isAhead: false }));

describe("slots of several shards", () => {
  test("bound all of them together, each shard gets its turns, and nothing is left over", async () => {
    const { shards, running, work, until, mostAtOnce, done } = begin(4);
    work("one", createSharedSlots(3));
    for (const [i, { queues }] of shards.entries()) await queues.add("fresh", boxes(`t${i}`, i === 0 ? 40 : 5));
    await until(() => running.size === 3);
    const seen: string[] = [];
    while (done() < 55) {
      await until(() => running.size > 0);
      const [[id, job] = ["", undefined]] = running;
      seen.push(id.slice(0, 2));
      const before = done();
      job?.end();
      await until(() => done() > before);
    }
    expect(mostAtOnce()).toBe(3);
    // The shard with forty does not go first with all of them.
    expect(seen.slice(0, 30).filter((tenant) => tenant !== "t0").length).toBe(15);
  });

  test("a job waits in its queue and not at a worker without a free slot: the other worker takes it at once", async () => {
    const { shards, running, work, until } = begin(2);
    const [first, second] = shards as [(typeof shards)[0], (typeof shards)[0]];
    work("busy", createSharedSlots(1));
    await first.queues.add("fresh", boxes("t0", 1));
    await until(() => running.size === 1);
    work("idle", createSharedSlots(1));
    const startedAt = performance.now();
    await second.queues.add("fresh", boxes("t1", 1));
    await until(() => running.size === 2);
    expect(running.get("t1/m0@t1.example")?.worker).toBe("idle");
    // BullMQ's own wait for a word that somebody else took is 5 s.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test("one that is lent is a slot for any shard until it is given back", async () => {
    const { shards, running, work, until } = begin(2);
    const workers = work("one", createSharedSlots(1));
    await shards[0]?.queues.add("fresh", boxes("t0", 1));
    await until(() => running.size === 1);
    await shards[1]?.queues.add("fresh", boxes("t1", 1));
    const giveBack = workers[0]?.lendSlot();
    expect(workers[1]?.lendSlot()).toBeUndefined();
    await until(() => running.size === 2);
    giveBack?.();
    giveBack?.();
    running.get("t0/m0@t0.example")?.end();
    await until(() => running.size === 1);
    await shards[0]?.queues.add("fresh", boxes("t2", 1));
    running.get("t1/m0@t1.example")?.end();
    await until(() => running.has("t2/m0@t2.example"));
    expect(running.size).toBe(1);
  });
});
