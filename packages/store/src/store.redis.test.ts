import { Redis } from "ioredis";
import { type Lane, type Lease, limits, mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import {
  describeSharedTokenCache,
  fakeClock,
  recordingLog,
  seededChance,
  sharedRedisUrl,
  silentLog,
  startRedis,
  uniqueName,
} from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { connectRedis, inspectRedis } from "./connection.ts";
import { createDueIndex } from "./due-index.ts";
import { createFleetReader } from "./fleet-reader.ts";
import { createMailboxStore } from "./mailbox-store.ts";
import { createMailboxRegistry } from "./registry.ts";
import { createTokenCache } from "./token-cache.ts";

let redis: Redis;
let keys: RedisKeys;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("store"));
});

const box = (tenant: string, name: string): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });
const boxes = (tenant: string, count: number): MailboxRef[] => Array.from({ length: count }, (_, i) => box(tenant, `m${i}`));
const redisNow = (): Promise<number> => createFleetReader(redis, keys).now();

describe("the due index", () => {
  test("gives each due mailbox to exactly one of two producers, and none again before its time", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 50), 0);
    const producers = [createDueIndex(redis, keys), createDueIndex(redis, keys)];
    const taken = await Promise.all(producers.map((due) => due.take({ lane: "fresh", count: 40, perTenant: 100 })));
    const all = taken.flat();
    expect(all).toHaveLength(50);
    expect(new Set(all.map(({ id }) => id)).size).toBe(50);
    expect(await producers[0]?.take({ lane: "fresh", count: 40, perTenant: 100 })).toEqual([]);
  });

  test("serves a small tenant in the first round beside a large one", async () => {
    const registry = createMailboxRegistry(redis, keys);
    await registry.register(boxes("large", 200), 0);
    await registry.register(boxes("small", 3), 0);
    const taken = await createDueIndex(redis, keys).take({ lane: "fresh", count: 10, perTenant: 100 });
    expect(taken).toHaveLength(10);
    expect(taken.filter(({ id }) => id.startsWith("small/"))).toHaveLength(3);
  });

  test("keeps a tenant below its cap over all producers, until its mailboxes are settled", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 50), 0);
    const due = createDueIndex(redis, keys);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 7 })).toHaveLength(7);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 7 })).toEqual([]);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 9 })).toHaveLength(2);
  });

  test("takes no more than may be in flight over all tenants, what is in flight counted", async () => {
    const registry = createMailboxRegistry(redis, keys);
    for (const tenant of ["contoso", "fabrikam", "northwind"]) await registry.register(boxes(tenant, 20), 0);
    const due = createDueIndex(redis, keys);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 10, inAll: 7 })).toHaveLength(7);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 10, inAll: 7 })).toEqual([]);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 10, inAll: 9 })).toHaveLength(2);
    expect(await due.take({ lane: "fresh", count: 40, perTenant: 10, inAll: 0 })).toEqual([]);
  });

  test("a mailbox that is given back is due at once and not in flight; one that is gone stays gone", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 2), 0);
    const due = createDueIndex(redis, keys);
    const taken = await due.take({ lane: "fresh", count: 9, perTenant: 2 });
    expect(taken).toHaveLength(2);
    const [one = "", gone = ""] = taken.map(({ id }) => id);
    await redis.zrem(keys.due("fresh", "contoso"), gone);
    for (const { id } of taken) await due.giveBack("fresh", "contoso", id);
    expect(await due.take({ lane: "fresh", count: 9, perTenant: 2 })).toEqual([{ id: one, isAhead: false }]);
  });

  test("gives nothing where Redis is full: what it took could be added to no queue", async () => {
    const server = await startRedis({ shared: false });
    const own = new Redis(server.url);
    try {
      await createMailboxRegistry(own, keys).register(boxes("contoso", 2), 0);
      await own.config("SET", "maxmemory", "1mb");
      const due = createDueIndex(own, keys);
      await expect(due.take({ lane: "fresh", count: 9, perTenant: 9 })).rejects.toThrow(/^OOM/);
      await own.config("SET", "maxmemory", "0");
      expect(await due.take({ lane: "fresh", count: 9, perTenant: 9 })).toHaveLength(2);
    } finally {
      own.disconnect();
      await server.stop();
    }
  });

  test("takes the mailbox that waits longest first", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 3), 0);
    await redis.zadd(keys.due("fresh", "contoso"), 5, "contoso/m1@contoso.example");
    const taken = await createDueIndex(redis, keys).take({ lane: "fresh", count: 1, perTenant: 9 });
    expect(taken.map(({ id }) => id)).toEqual(["contoso/m1@contoso.example"]);
  });

  test("brings back by itself what a producer took and then died with", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 1), 0);
    await createDueIndex(redis, keys).take({ lane: "fresh", count: 1, perTenant: 1 });
    const due = Number(await redis.zscore(keys.due("fresh", "contoso"), "contoso/m0@contoso.example"));
    expect(due - (await redisNow())).toBeGreaterThan(50_000);
    expect(due - (await redisNow())).toBeLessThanOrEqual(60_000);
  });

  test("makes a mailbox due at once on request, but never later than it was", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 2), 0);
    const due = createDueIndex(redis, keys);
    const [early, late] = ["contoso/m0@contoso.example", "contoso/m1@contoso.example"];
    await redis.zadd(keys.due("fresh", "contoso"), 5, early, (await redisNow()) + 60_000, late);
    await due.poke("contoso", [early, late]);
    const taken = await due.take({ lane: "fresh", count: 9, perTenant: 9 });
    expect(taken.map(({ id }) => id)).toEqual([early, late]);
    expect(await redis.zscore(keys.due("fresh", "contoso"), early)).not.toBe("5");
  });
});

test("tells which mailboxes go before polls: those that were poked, and a poll that is later than they may be before it", async () => {
  await createMailboxRegistry(redis, keys).register(boxes("contoso", 4), 0);
  const due = createDueIndex(redis, keys);
  const [poll, late, poked, held] = boxes("contoso", 4).map(mailboxId) as [string, string, string, string];
  const now = await redisNow();
  await redis.zadd(
    keys.due("fresh", "contoso"),
    now - limits.pokeAheadMs / 2,
    poll,
    now - 2 * limits.pokeAheadMs,
    late,
    now + 60_000,
    poked,
  );
  await redis.zrem(keys.due("fresh", "contoso"), held);
  await due.poke("contoso", [poked]);
  expect(await due.take({ lane: "fresh", count: 9, perTenant: 9 })).toEqual([
    { id: late, isAhead: true },
    { id: poked, isAhead: true },
    { id: poll, isAhead: false },
  ]);
});

describe("the lease of a mailbox", () => {
  const clock = fakeClock();
  const leases: Lease[] = [];
  const mailbox = box("contoso", "a");
  const chance = seededChance(3);
  const store = (): ReturnType<typeof createMailboxStore> =>
    createMailboxStore({ redis, keys, clock, chance, log: silentLog, worker: "w" });
  const acquire = async (lane: Lane = "fresh"): Promise<Lease | undefined> => {
    const lease = await store().acquire(mailbox, lane);
    if (lease) leases.push(lease);
    return lease;
  };
  beforeEach(async () => {
    await createMailboxRegistry(redis, keys).register([mailbox], 0);
  });
  afterEach(() => {
    for (const lease of leases.splice(0)) lease.stop();
    vi.useRealTimers();
  });

  test("is held by one session in the fleet; a second one that looks for new mail pokes it", async () => {
    expect(await acquire("backfill")).toBeDefined();
    expect(await acquire("fresh")).toBeUndefined();
    expect(await redis.hget(keys.mailbox(mailboxId(mailbox)), "poke")).toBe("1");
  });

  test("is not poked by a second session that looks for history", async () => {
    await acquire("fresh");
    expect(await acquire("backfill")).toBeUndefined();
    expect(await redis.hexists(keys.mailbox(mailboxId(mailbox)), "poke")).toBe(0);
  });

  test("has a number that rises and a part that cannot be guessed", async () => {
    const first = await acquire();
    await redis.del(keys.lease(mailboxId(mailbox)));
    const second = await acquire();
    const [one, two] = [first?.token.split(":"), second?.token.split(":")];
    expect(Number(two?.[0])).toBeGreaterThan(Number(one?.[0]));
    expect(two?.[1]).toHaveLength(36);
  });

  test("is refused for a mailbox that is not registered, which is then due no more", async () => {
    const stranger = box("contoso", "stranger");
    await redis.zadd(keys.due("fresh", "contoso"), 1, mailboxId(stranger));
    expect(await store().acquire(stranger, "fresh")).toBeUndefined();
    expect(await redis.zscore(keys.due("fresh", "contoso"), mailboxId(stranger))).toBeNull();
  });

  test("is not given, and none is left behind, where what is stored of the mailbox cannot be read", async () => {
    await redis.set(keys.checkpoints(mailboxId(mailbox)), "no hash");
    await expect(acquire()).rejects.toMatchObject({ failure: { facts: { layer: "redis" } } });
    expect(await redis.exists(keys.lease(mailboxId(mailbox)))).toBe(0);
  });

  test("is given by a Redis that forgot its scripts", async () => {
    (await acquire())?.stop();
    await redis.del(keys.lease(mailboxId(mailbox)));
    await redis.script("FLUSH");
    expect((await acquire())?.found.opened).toBe(false);
  });

  test("expires by itself in Redis when its holder dies", async () => {
    await acquire();
    const ttl = await redis.pttl(keys.lease(mailboxId(mailbox)));
    expect(ttl).toBeGreaterThan(25_000);
    expect(ttl).toBeLessThanOrEqual(30_000);
  });

  test("aborts the session of a holder that could not renew in time, by the monotonic clock", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lease = (await acquire()) as Lease;
    await clock.advance(20_000);
    expect(lease.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(lease.signal.reason).toMatchObject({ failure: { code: "LEASE_LOST" } });
  });

  test("is not held any more as soon as it is asked after a stall, before any timer could fire", async () => {
    const lease = (await acquire()) as Lease;
    await clock.advance(19_999);
    expect([lease.isHeld(), lease.signal.aborted]).toEqual([true, false]);
    await clock.advance(1);
    expect([lease.isHeld(), lease.signal.aborted]).toEqual([false, true]);
    expect(lease.signal.reason).toMatchObject({ failure: { code: "LEASE_LOST" } });
  });

  test("that its holder gave up is free at once, and no other one's is touched", async () => {
    const first = (await acquire()) as Lease;
    await clock.advance(20_000);
    expect(first.isHeld()).toBe(false);
    await expect.poll(() => redis.exists(keys.lease(mailboxId(mailbox)))).toBe(0);
    const second = (await acquire()) as Lease;
    expect(second.token).not.toBe(first.token);
    await redis.set(keys.lease(mailboxId(mailbox)), "99:other");
    await clock.advance(20_000);
    expect(second.isHeld()).toBe(false);
    await redis.ping();
    expect(await redis.get(keys.lease(mailboxId(mailbox)))).toBe("99:other");
  });

  test("counts its time from before the question: an answer that came late gives a lease that is old already", async () => {
    const slow = new Proxy(redis, {
      get: (target, name) =>
        name === "mailfleetAcquire"
          ? async (...args: (string | number)[]) => {
              const asked = Reflect.get(target, name) as (...all: typeof args) => Promise<unknown>;
              const answer = await asked.apply(target, args);
              await clock.advance(19_000);
              return answer;
            }
          : (Reflect.get(target, name) as unknown),
    });
    const late = createMailboxStore({ redis: slow, keys, clock, chance, log: silentLog, worker: "w" });
    const lease = (await late.acquire(mailbox, "fresh")) as Lease;
    leases.push(lease);
    expect(lease.isHeld()).toBe(true);
    await clock.advance(1_000);
    expect(lease.isHeld()).toBe(false);
  });

  test("is given again to the one whose answer was lost and who asks once more with the same words", async () => {
    const same = { ...chance, uuid: () => "11111111-0000-4000-8000-000000000000" };
    const twice = createMailboxStore({ redis, keys, clock, chance: same, log: silentLog, worker: "w" });
    const first = (await twice.acquire(mailbox, "fresh")) as Lease;
    const again = (await twice.acquire(mailbox, "fresh")) as Lease;
    leases.push(first, again);
    expect(again.token).toBe(first.token);
    expect(await redis.hexists(keys.mailbox(mailboxId(mailbox)), "poke")).toBe(0);
  });

  test("aborts the session when another one holds it", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const lease = (await acquire()) as Lease;
    await redis.set(keys.lease(mailboxId(mailbox)), "99:other");
    await clock.advance(10_000);
    const lost = new Promise((resolve) => lease.signal.addEventListener("abort", resolve, { once: true }));
    vi.advanceTimersByTime(1_000);
    await lost;
    expect(lease.signal.reason).toMatchObject({ failure: { code: "LEASE_LOST" } });
  });
});

describe("the registry", () => {
  test("counts what is new, what changed and what was there", async () => {
    const registry = createMailboxRegistry(redis, keys);
    expect(await registry.register(boxes("contoso", 3), 0)).toEqual({ added: 3, changed: 0, same: 0 });
    const pop: MailboxRef = { ...box("contoso", "m0"), protocol: "pop3" };
    expect(await registry.register([pop, ...boxes("contoso", 4).slice(1)], 0)).toEqual({ added: 1, changed: 1, same: 2 });
    expect(await registry.find("contoso/m0@contoso.example")).toEqual(pop);
    expect(await registry.find("contoso/nobody@contoso.example")).toBeUndefined();
    expect((await registry.list("contoso")).map((one) => one.address)).toHaveLength(4);
  });

  test("spreads the first look at many new mailboxes over the given time", async () => {
    await createMailboxRegistry(redis, keys).register(boxes("contoso", 10), 10_000);
    const scores = (await redis.zrange(keys.due("fresh", "contoso"), "0", "-1", "WITHSCORES")).filter((_, i) => i % 2 === 1).map(Number);
    expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThanOrEqual(8_900);
  });
});

test("the reader shows what a mailbox's hash says, and leaves out what is half there", async () => {
  await createMailboxRegistry(redis, keys).register(boxes("contoso", 2), 0);
  await redis.hset(keys.mailbox("contoso/m0@contoso.example"), { checkedAt: "5", history: "1", l: "9", h: "4", t: "5", cause: "{broken" });
  await redis.sadd(keys.mailboxes, "contoso/ghost@contoso.example");
  const records = await createFleetReader(redis, keys).mailboxes();
  expect(records).toHaveLength(2);
  expect(records[0]).toMatchObject({ checkedAt: 5, hasHistory: true, isSyncing: false, ledger: { listed: 9, handedOff: 4, toDo: 5 } });
  expect(records[0]?.cause).toBeUndefined();
});

test("a heartbeat says which lanes are served, and from when on nobody is known to serve the others", async () => {
  const reader = createFleetReader(redis, keys);
  const beat = (id: string, ...served: readonly Lane[]): Promise<void> =>
    reader.heartbeat({ id, role: "worker", concurrency: 1, ...(served.length > 0 && { lanes: served }) });
  await beat("of an earlier version");
  expect(await reader.lanesServed()).toEqual({});
  await beat("w", "fresh");
  const first = await reader.lanesServed();
  expect(first).toEqual({ fresh: expect.any(Number), backfill: first.fresh });
  await redis.hset(keys.lanesServed, "fresh", "5", "backfill", "5");
  await beat("w", "fresh");
  expect(await reader.lanesServed()).toEqual({ fresh: expect.any(Number), backfill: 5 });
  expect((await reader.lanesServed()).fresh).toBeGreaterThan(5);
  expect((await reader.processes()).map(({ lanes }) => lanes)).toEqual(expect.arrayContaining([undefined, ["fresh"]]));
});

test("a process that was killed is shown for half a minute, and its name is kept no longer than until the next heartbeat after that", async () => {
  const reader = createFleetReader(redis, keys);
  const at = await reader.now();
  const record = (seenAt: number): string => JSON.stringify({ role: "worker", concurrency: 1, seenAt });
  for (let pod = 0; pod < 50; pod++) await redis.hset(keys.processes, `worker-${pod}-1`, record(at - limits.aliveMs - pod));
  await redis.hset(keys.processes, "alive", record(at + 3_600_000), "of no version", "{broken");
  await reader.heartbeat({ id: "w", role: "worker", concurrency: 1 });
  expect((await redis.hkeys(keys.processes)).sort()).toEqual(["alive", "w"]);
  expect((await reader.processes()).map(({ id }) => id).sort()).toEqual(["alive", "w"]);
  await reader.goodbye("w");
  expect(await redis.hkeys(keys.processes)).toEqual(["alive"]);
});

describe("the inspection of Redis", () => {
  test("finds nothing to say about one that keeps everything", async () => {
    expect((await inspectRedis(redis)).problems).toEqual([]);
  });

  test.each([
    ["noeviction", ["--maxmemory-policy", "allkeys-lru"]],
    ["appendonly", ["--appendonly", "no"]],
  ])("names the setting that would lose mail, and how to change it: %s", async (word, extraArgs) => {
    const server = await startRedis({ shared: false, extraArgs });
    try {
      const other = new Redis(server.url);
      const { problems } = await inspectRedis(other);
      other.disconnect();
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(word);
      expect(problems[0]).toContain("CONFIG SET");
    } finally {
      await server.stop();
    }
  });

  test("names the address of a server that does not answer, and never the password", async () => {
    const log = recordingLog();
    const { Secret } = await import("@mailfleet/core");
    const target = { host: "127.0.0.1", port: 1, db: 0, tls: false, password: new Secret("canary-password") };
    const error: unknown = await connectRedis(target, log).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: { code: "REDIS_UNAVAILABLE", message: expect.stringContaining("127.0.0.1:1") } });
    expect(JSON.stringify([error, log.records])).not.toContain("canary-password");
  });
});

describeSharedTokenCache(
  "Redis",
  () => {
    const cache = createTokenCache(redis, redisKeys(uniqueName("tokens")));
    // Times to live are Redis' own: only waiting passes them.
    const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    return Promise.resolve({ caches: [cache, cache] as const, pass });
  },
  { describe, test, expect },
);
