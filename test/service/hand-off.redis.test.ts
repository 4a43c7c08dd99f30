import { emptyLedger, outgoing } from "@mailfleet/core";
import { type RunningRedis, sharedRedisUrl, startRedis } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Bench, commitOf, eventOf, everything, id, mailbox, openBench } from "./hand-off-bench.ts";

describe("the commit", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench(sharedRedisUrl());
  });
  afterEach(() => bench.close());

  test("writes events, checkpoint and ledger together", async () => {
    expect(await bench.handOff.commit(commitOf(bench, [11, 12]))).toEqual({ kind: "applied", version: 1, isPoked: false });
    const jobs = await bench.queue.getWaiting();
    expect(jobs.map((job) => [job.name, job.data.uid])).toEqual(
      expect.arrayContaining([
        ["message.added", 11],
        ["message.added", 12],
      ]),
    );
    const { folders } = await bench.store.load(mailbox);
    expect(folders.get("INBOX")).toMatchObject({
      version: 1,
      checkpoint: { uidNext: 100, handedOff: [[11, 12]] },
      ledger: { handedOff: 2 },
    });
    expect(await bench.redis.hmget(bench.keys.fleetLedger, "l", "h")).toEqual(["2", "2"]);
  });

  test("adds jobs in order, so that a consumer takes the lowest UID first", async () => {
    await bench.handOff.commit(commitOf(bench, [11, 12, 13]));
    const waiting = await bench.redis.lrange(bench.queue.toKey("wait"), 0, -1);
    expect(waiting.reverse().map((job) => job.split("/").at(-1))).toEqual(["11", "12", "13"]);
  });

  test("is refused whole when the lease belongs to somebody else by now", async () => {
    await bench.redis.set(bench.keys.lease(id), "999:other");
    const before = await everything(bench.redis, bench.keys);
    expect(await bench.handOff.commit(commitOf(bench, [11]))).toEqual({ kind: "fenced" });
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
  });

  test("is refused whole when Redis holds another version than the session read", async () => {
    await bench.handOff.commit(commitOf(bench, [11]));
    const before = await everything(bench.redis, bench.keys);
    expect(await bench.handOff.commit(commitOf(bench, [11, 12]))).toEqual({ kind: "stale" });
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
  });

  test("that is sent again after it was applied is recognised as done", async () => {
    const commit = commitOf(bench, [11]);
    await bench.handOff.commit(commit);
    await bench.queue.obliterate({ force: true });
    expect(await bench.handOff.commit(commit)).toEqual({ kind: "applied", version: 1, isPoked: false });
    expect(await bench.queue.getWaitingCount()).toBe(0);
    expect(await bench.redis.hget(bench.keys.fleetLedger, "h")).toBe("1");
  });

  test("that was applied is done also for a session whose lease ran out before its answer came", async () => {
    const commit = commitOf(bench, [11]);
    await bench.handOff.commit(commit);
    await bench.redis.set(bench.keys.lease(id), "999:other");
    expect(await bench.handOff.commit(commit)).toMatchObject({ kind: "applied", version: 1 });
    expect(await bench.handOff.commit(commitOf(bench, [12], { expectedVersion: 1 }))).toEqual({ kind: "fenced" });
  });

  test("does not queue a key twice, even when a checkpoint was lost", async () => {
    await bench.handOff.commit(commitOf(bench, [11]));
    await bench.redis.del(bench.keys.checkpoints(id));
    await bench.handOff.commit(commitOf(bench, [11, 12]));
    expect(await bench.queue.getWaitingCount()).toBe(2);
  });

  test("tells the session that somebody asked for new mail, once", async () => {
    expect(await bench.store.acquire(mailbox, "fresh")).toBeUndefined();
    expect(await bench.handOff.commit(commitOf(bench, [11]))).toMatchObject({ isPoked: true });
    expect(await bench.handOff.commit(commitOf(bench, [12], { expectedVersion: 1 }))).toMatchObject({ isPoked: false });
  });

  test("keeps sums right over several folders and steps", async () => {
    const ledger = { listed: 10, handedOff: 3, excluded: 0, quarantined: 0, toDo: 7 };
    await bench.handOff.commit(commitOf(bench, [1, 2, 3], { ledger }));
    await bench.handOff.commit(commitOf(bench, [], { folder: "Sent Items", ledger: { ...emptyLedger, listed: 5, excluded: 5 } }));
    await bench.handOff.commit(
      commitOf(bench, [4], { expectedVersion: 1, ledger: { ...ledger, listed: 9, handedOff: 4, quarantined: 1, toDo: 4 } }),
    );
    for (const key of [bench.keys.mailbox(id), bench.keys.tenantLedger("contoso"), bench.keys.fleetLedger]) {
      expect(await bench.redis.hmget(key, "l", "h", "e", "q", "t")).toEqual(["14", "4", "5", "1", "4"]);
    }
  });

  test.each(["checkpoints", "mailbox", "tenant ledger", "fleet ledger", "wait", "meta", "events", "marker"])(
    "writes nothing at all when something of another type stands at the %s key",
    async (which) => {
      const { keys, queue } = bench;
      const at = {
        checkpoints: keys.checkpoints(id),
        mailbox: keys.mailbox(id),
        "tenant ledger": keys.tenantLedger("contoso"),
        "fleet ledger": keys.fleetLedger,
      }[which];
      const key = at ?? queue.toKey(which);
      await bench.redis.del(key);
      await bench.redis.sadd(key, "wrong");
      const before = await everything(bench.redis, keys);
      await expect(bench.handOff.commit(commitOf(bench, [11]))).rejects.toMatchObject({ failure: { code: "CHECKPOINT_CORRUPT" } });
      expect(await everything(bench.redis, keys)).toEqual(before);
    },
  );

  test("never shows mail in its errors", async () => {
    await bench.redis.del(bench.keys.fleetLedger);
    await bench.redis.sadd(bench.keys.fleetLedger, "wrong");
    const error: unknown = await bench.handOff
      .commit(commitOf(bench, [], { events: [outgoing(eventOf(11, "canary-body"))] }))
      .catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error as object))).not.toContain("canary-body");
  });
});

describe("the settlement", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench(sharedRedisUrl());
  });
  afterEach(() => bench.close());

  const calm = { checked: true, opened: true, freshDueInMs: 5_000, events: [] };

  test("releases the lease, sets the next due time and forgets the cause", async () => {
    await bench.redis.hset(bench.keys.mailbox(id), "cause", "{}");
    expect(await bench.handOff.settle(bench.lease, calm)).toBe(true);
    expect(await bench.redis.exists(bench.keys.lease(id))).toBe(0);
    const [seconds] = await bench.redis.time();
    const due = Number(await bench.redis.zscore(bench.keys.due("fresh", "contoso"), id));
    expect(Math.abs(due - Number(seconds) * 1_000 - 5_000)).toBeLessThan(4_000);
    expect(await bench.redis.hmget(bench.keys.mailbox(id), "cause", "opened", "history")).toEqual([null, "1", "0"]);
    const again = await bench.store.acquire(mailbox, "fresh");
    expect(again?.token).not.toBe(bench.lease.token);
    again?.stop();
  });

  test("writes nothing once the lease is lost", async () => {
    await bench.redis.set(bench.keys.lease(id), "999:other");
    const before = await everything(bench.redis, bench.keys);
    expect(await bench.handOff.settle(bench.lease, calm)).toBe(false);
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
  });

  test("makes the mailbox due at once when somebody asked for new mail meanwhile", async () => {
    await bench.store.acquire(mailbox, "fresh");
    await bench.handOff.settle(bench.lease, { ...calm, freshDueInMs: 3_600_000 });
    const [seconds] = await bench.redis.time();
    expect(Number(await bench.redis.zscore(bench.keys.due("fresh", "contoso"), id)) - Number(seconds) * 1_000).toBeLessThan(60_000);
  });
});

describe("a Redis in trouble", () => {
  let server: RunningRedis;
  let bench: Bench;
  beforeAll(async () => {
    server = await startRedis({ shared: false });
    bench = await openBench(server.url);
  });
  afterAll(async () => {
    await bench.close();
    await server.stop();
  });

  test("that forgot all scripts between two commits loses neither", async () => {
    await bench.handOff.commit(commitOf(bench, [11]));
    await server.flushScripts();
    expect(await bench.handOff.commit(commitOf(bench, [12], { expectedVersion: 1 }))).toMatchObject({ kind: "applied", version: 2 });
    expect(await bench.queue.getWaitingCount()).toBe(2);
  });

  test("that is full refuses the commit before its first write, and takes it when there is room", async () => {
    await bench.redis.config("SET", "maxmemory", "1mb");
    const before = await everything(bench.redis, bench.keys);
    const commit = commitOf(bench, [13], { expectedVersion: 2 });
    await expect(bench.handOff.commit(commit)).rejects.toMatchObject({ failure: { code: "REDIS_UNAVAILABLE", facts: { code: "OOM" } } });
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
    await bench.redis.config("SET", "maxmemory", "0");
    expect(await bench.handOff.commit(commit)).toMatchObject({ kind: "applied", version: 3 });
  });
});
