import { Redis } from "ioredis";
import { type Lane, mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { sharedRedisUrl, startRedis, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDueIndex, type DueIndex, type TakeOptions } from "./due-index.ts";
import { createMailboxRegistry } from "./registry.ts";

let redis: Redis;
let keys: RedisKeys;
let due: DueIndex;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("turns"));
  due = createDueIndex(redis, keys);
});

const places = 16;
const boxes = (tenant: string, count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" }));
const tenants = (count: number, name = "t"): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);
const register = (mailboxes: readonly MailboxRef[], inMs = 0) => createMailboxRegistry(redis, keys).register(mailboxes, 0, inMs);
const take = async (options: Partial<TakeOptions> = {}, by = due): Promise<readonly string[]> =>
  (await by.take({ lane: "fresh", count: places, perTenant: 1_000, ...options })).map(({ id }) => id);
const perTenant = (ids: readonly string[]): Map<string, number> =>
  new Map([...Map.groupBy(ids, (id) => id.slice(0, id.indexOf("/")))].map(([tenant, some]) => [tenant, some.length]));
const ofTenant = (ids: readonly string[], tenant: string): number => perTenant(ids).get(tenant) ?? 0;
/** Makes history due, as settlements do. */
const oweHistory = async (mailboxes: readonly MailboxRef[]): Promise<void> => {
  for (const [tenant, some] of Map.groupBy(mailboxes, (one) => one.tenant)) {
    await redis.zadd(keys.due("backfill", tenant), ...some.flatMap((one) => [1, mailboxId(one)]));
  }
  await due.survey();
};
/** Workers that are done at once: what was taken is due much later and no longer in flight. */
const done = async (lane: Lane, ids: readonly string[], inMs = 3_600_000): Promise<void> => {
  const pipeline = redis.pipeline();
  for (const id of ids) {
    const tenant = id.slice(0, id.indexOf("/"));
    pipeline.zadd(keys.due(lane, tenant), Date.now() + inMs, id);
    pipeline.zrem(keys.inFlight(lane, tenant), id);
    pipeline.zadd(keys.tenantsDue(lane), "LT", Date.now() + inMs, tenant);
  }
  await pipeline.exec();
};

describe("turns", () => {
  test("a tenant a hundred times larger does not delay another one: both get the same until the small one has nothing left", async () => {
    await register([...boxes("large", 2_000), ...boxes("small", 20)]);
    const first = await take();
    expect([ofTenant(first, "large"), ofTenant(first, "small")]).toEqual([8, 8]);
    const more = [...first, ...(await take()), ...(await take())];
    expect([ofTenant(more, "large"), ofTenant(more, "small")]).toEqual([28, 20]);
  });

  test("one that joins while another is busy has its turn in the next round", async () => {
    await register(boxes("busy", 2_000));
    for (let i = 0; i < 20; i++) await take();
    await register(boxes("late", 8));
    expect(ofTenant(await take(), "late")).toBe(8);
  });

  test("480 tenants over 16 places: none has its second turn before each had its first, nor its third before the second", async () => {
    const names = tenants(480);
    await register(names.flatMap((tenant) => boxes(tenant, 3)));
    const taken: string[] = [];
    for (let round = 1; round <= 90; round++) {
      const some = await take();
      expect(some).toHaveLength(places);
      taken.push(...some);
      if (round % 30 === 0) expect([...new Set(perTenant(taken).values())]).toEqual([round / 30]);
    }
    expect(perTenant(taken).size).toBe(480);
    expect(new Set(taken).size).toBe(1_440);
  });

  test("three producers at once keep to one line: no mailbox twice, no tenant more than one turn ahead of another", async () => {
    await register(tenants(300).flatMap((tenant) => boxes(tenant, 4)));
    const producers = [due, createDueIndex(redis, keys), createDueIndex(redis, keys)];
    const taken: string[] = [];
    while (taken.length < 800) taken.push(...(await Promise.all(producers.map((one) => take({}, one)))).flat());
    expect(new Set(taken).size).toBe(taken.length);
    const counts = [...perTenant(taken).values()];
    expect(counts).toHaveLength(300);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test("a tenant at its cap takes no place of others, and goes on when one of its ended", async () => {
    await register([...boxes("large", 500), ...boxes("other", 500)]);
    const taken = await take({ count: 100, perTenant: 16 });
    expect([ofTenant(taken, "large"), ofTenant(taken, "other")]).toEqual([16, 16]);
    const ended = taken.filter((id) => id.startsWith("large/")).slice(0, 3);
    await done("fresh", ended);
    const next = await take({ count: 100, perTenant: 16 });
    expect([ofTenant(next, "large"), ofTenant(next, "other")]).toEqual([3, 0]);
  });
});

describe("no place stays empty while something is due and allowed", () => {
  test("behind a thousand tenants whose mail server has no room", async () => {
    const limitsOf = (tenant: string) => ({ host: tenant === "other" ? "other" : "full", loginsAtFirst: 1e9, loginsAtMost: 1e9 });
    await register(tenants(1_000).flatMap((tenant) => boxes(tenant, 1)));
    expect(await take({ count: 100, perHost: 5, limitsOf })).toHaveLength(5);
    await register(boxes("other", 9));
    const taken = await take({ count: 9, perHost: 5, limitsOf });
    expect([...perTenant(taken)]).toEqual([["other", 5]]);
    // Nobody lost a place meanwhile: the next ones are those who stood behind the first five.
    const line = await redis.zrange(keys.tenantsInLine("fresh"), "0", "0");
    await redis.del(...(await redis.smembers(keys.tenantsInFlight("fresh"))).map((tenant) => keys.inFlight("fresh", tenant)));
    expect([...perTenant(await take({ count: 1, perHost: 5, limitsOf })).keys()]).toEqual(line);
  });

  test("behind tenants that are held, at their cap, or have no login left", async () => {
    await register([...boxes("held", 5), ...boxes("capped", 50), ...boxes("slow", 50), ...boxes("free", 50)]);
    await redis.hset(keys.hold("held"), { id: "1", nextAt: Date.now() + 3_600_000, code: "SERVER_UNAVAILABLE", state: "waiting" });
    const limitsOf = (tenant: string) => ({ host: "h", loginsAtFirst: tenant === "slow" ? 2 : 1e9, loginsAtMost: 1e9 });
    const taken = await take({ count: 40, perTenant: 20, limitsOf });
    expect(Object.fromEntries(perTenant(taken))).toEqual({ capped: 19, free: 19, slow: 2 });
    expect(await take({ count: 40, perTenant: 20, limitsOf })).toHaveLength(2);
  });
});

describe("lanes", () => {
  test("three tenants that owe a million messages of history take no turn of the new mail of 5,000 mailboxes", async () => {
    const history = ["a", "b", "c"].flatMap((tenant) => boxes(tenant, 100));
    const fresh = tenants(50).flatMap((tenant) => boxes(tenant, 100));
    await register([...history, ...fresh]);
    await oweHistory(history);
    let rounds = 0;
    let slices = 0;
    const taken: string[] = [];
    for (let some = await take(); some.length > 0; some = await take()) {
      rounds++;
      taken.push(...some);
      await done("fresh", some);
      const back = await take({ lane: "backfill", count: 4 });
      slices += back.length;
      await done("backfill", back, 0);
    }
    expect(rounds).toBe(Math.ceil((history.length + fresh.length) / places));
    expect(new Set(taken).size).toBe(taken.length);
    // And history goes on all the while, each of the three as fast as the others.
    expect(slices).toBe(4 * rounds);
  }, 60_000);

  test("history leaves a quarter of a mail server's sessions to new mail", async () => {
    const all = tenants(4).flatMap((tenant) => boxes(tenant, 100));
    await register(all);
    await oweHistory(all);
    const limitsOf = () => ({ host: "one", loginsAtFirst: 1e9, loginsAtMost: 1e9 });
    expect(await take({ lane: "backfill", count: 400, perHost: 100, limitsOf })).toHaveLength(75);
    expect(await take({ lane: "fresh", count: 400, perHost: 100, limitsOf })).toHaveLength(25);
    expect(await take({ lane: "backfill", count: 400, perHost: 100, limitsOf })).toEqual([]);
  });
});

describe("the index of tenants", () => {
  test("2,000 tenants with nothing due cost a round three commands", async () => {
    const server = await startRedis({ shared: false });
    const own = new Redis(server.url);
    try {
      const registry = createMailboxRegistry(own, keys);
      await registry.register(
        tenants(2_000).flatMap((tenant) => boxes(tenant, 1)),
        0,
        3_600_000,
      );
      const index = createDueIndex(own, keys);
      expect(await take({}, index)).toEqual([]);
      await own.config("RESETSTAT");
      for (let i = 0; i < 100; i++) await take({}, index);
      const calls = [...(await own.info("commandstats")).matchAll(/cmdstat_(\w+)[^:]*:calls=(\d+)/g)]
        .filter(([, name]) => name !== "config" && name !== "info")
        .map(([, name, count]) => [name, Number(count)]);
      // The script itself, and in it: the time, who joined the line, the line, its length, and who is in flight.
      expect(Object.fromEntries(calls)).toEqual({ eval: 100, time: 100, zrangebyscore: 100, zrange: 100, zcard: 100, sunion: 100 });
    } finally {
      own.disconnect();
      await server.stop();
    }
  });

  test("finds what was made due without a word when it is surveyed", async () => {
    await register(boxes("contoso", 3), 3_600_000);
    expect(await take()).toEqual([]);
    await redis.zadd(keys.due("fresh", "contoso"), 1, "contoso/m1@contoso.example");
    expect(await take()).toEqual([]);
    await due.survey();
    expect(await take()).toEqual(["contoso/m1@contoso.example"]);
  });

  test("brings a mailbox of which somebody saw mail come before polls that are late", async () => {
    const all = boxes("contoso", 300);
    await register(all);
    await redis.zadd(keys.due("fresh", "contoso"), ...all.flatMap((one, i) => [Date.now() - 300_000 + i, mailboxId(one)]));
    const last = mailboxId(all[299] as MailboxRef);
    await due.poke("contoso", [last]);
    expect((await take())[0]).toBe(last);
  });
});
