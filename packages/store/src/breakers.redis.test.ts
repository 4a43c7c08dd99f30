import { Redis } from "ioredis";
import { type Lease, limits, mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { describeBreakers, seededChance, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBreakers } from "./breakers.ts";
import { createDueIndex, type DueMailbox, type TenantLimits } from "./due-index.ts";
import { createFleetReader } from "./fleet-reader.ts";
import { createHoldReader } from "./holds.ts";
import { createMailboxStore } from "./mailbox-store.ts";
import { createPushLeases } from "./push-leases.ts";
import { createMailboxRegistry } from "./registry.ts";

const idsOf = (mailboxes: readonly DueMailbox[]): readonly string[] => mailboxes.map(({ id }) => id);

let redis: Redis;
let keys: RedisKeys;
beforeAll(() => void (redis = new Redis(sharedRedisUrl())));
afterAll(() => redis.disconnect());
beforeEach(() => void (keys = redisKeys(uniqueName("breakers"))));

const clock = { now: Date.now, monotonic: () => performance.now(), sleep: () => Promise.resolve() };
const boxes = (tenant: string, count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" }));
const store = () => createMailboxStore({ redis, keys, clock, chance: seededChance(3), log: silentLog, worker: "test" });
const register = (mailboxes: readonly MailboxRef[]) => createMailboxRegistry(redis, keys).register(mailboxes, 0);

describeBreakers(
  "Redis",
  async () => {
    const leases = store();
    const due = createDueIndex(redis, keys);
    return {
      breakers: createBreakers({ redis, keys, clock }),
      register: async (mailbox) => void (await register([mailbox])),
      acquire: (mailbox, lane) => leases.acquire(mailbox, lane),
      take: async () => idsOf(await due.take({ lane: "fresh", count: 50, perTenant: 50 })),
      expireLease: async (mailbox) => void (await redis.del(keys.lease(mailboxId(mailbox)))),
      makeLookDue: async (tenant) => void (await redis.hset(keys.hold(tenant), "nextAt", 1, "canaryUntil", 0)),
      holdOf: async (tenant) => (await createHoldReader(redis, keys).held()).get(tenant),
    };
  },
  { describe, test, expect },
);

describe("a held tenant", () => {
  const hold = async (credential = "one", count = 3): Promise<void> => {
    const all = boxes("contoso", count);
    await register(all);
    const lease = await store().acquire(all[0] as MailboxRef, "fresh");
    if (!lease) throw new Error("no lease");
    const breakers = createBreakers({ redis, keys, clock, credentialOf: () => Promise.resolve(credential) });
    await breakers.hold(lease, {
      ...{ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", text: "expired", state: "parked" },
      ...{ tries: 1, inMs: 3_600_000, isSame: false },
    });
    lease.stop();
  };

  test("is shown with each of its mailboxes, whatever their own cause", async () => {
    await hold();
    const records = await createFleetReader(redis, keys).mailboxes();
    expect(records.map(({ cause }) => `${cause?.code} ${cause?.state}`)).toEqual(Array(3).fill("ENTRA_CREDENTIAL_EXPIRED parked"));
    await redis.del(keys.hold("contoso"));
    expect((await createFleetReader(redis, keys).mailboxes()).every(({ cause }) => cause === undefined)).toBe(true);
  });

  test("is looked at at once for each new credential, and not for one that failed", async () => {
    await hold("one");
    const reader = createHoldReader(redis, keys);
    expect(await reader.tryCredential("contoso", "one")).toBe(false);
    expect(await reader.tryCredential("contoso", "two")).toBe(true);
    expect(await reader.tryCredential("contoso", "two")).toBe(false);
    expect(await reader.tryCredential("fabrikam", "two")).toBe(false);
    expect(await createDueIndex(redis, keys).take({ lane: "fresh", count: 9, perTenant: 9 })).toHaveLength(1);
  });

  test("is looked at again for a new credential where a worker with older files took the look, until that credential fails", async () => {
    await hold("one");
    const reader = createHoldReader(redis, keys);
    const fail = async (credential: string): Promise<void> => {
      const [id] = idsOf(await createDueIndex(redis, keys).take({ lane: "fresh", count: 9, perTenant: 9 }));
      const mailbox = boxes("contoso", 3).find((one) => mailboxId(one) === id) as MailboxRef;
      const lease = (await store().acquire(mailbox, "fresh")) as Lease;
      expect(lease.canary).toBeDefined();
      await createBreakers({ redis, keys, clock, credentialOf: () => Promise.resolve(credential) }).hold(lease, {
        ...{ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", text: "expired", state: "parked" },
        ...{ tries: 2, inMs: 3_600_000, isSame: true },
      });
      await redis.del(keys.lease(mailboxId(mailbox)));
      lease.stop();
      await redis.hincrby(keys.hold("contoso"), "askedAt", -limits.credentialAgainMs);
    };
    expect(await reader.tryCredential("contoso", "two")).toBe(true);
    await fail("one");
    expect(await reader.tryCredential("contoso", "two")).toBe(true);
    await fail("two");
    expect(await reader.tryCredential("contoso", "two")).toBe(false);
  });

  test("is not looked at by the mailbox that had it held, where there is another one", async () => {
    await hold();
    const first = mailboxId(boxes("contoso", 1)[0] as MailboxRef);
    const looks = async (): Promise<readonly string[]> => {
      await redis.zadd(keys.due("fresh", "contoso"), 1, first);
      await redis.hset(keys.hold("contoso"), "nextAt", 1, "canaryUntil", 0);
      return idsOf(await createDueIndex(redis, keys).take({ lane: "fresh", count: 9, perTenant: 9 }));
    };
    const others = await looks();
    expect(others).toHaveLength(1);
    expect(others).not.toEqual([first]);
    await redis.zremrangebyrank(keys.due("fresh", "contoso"), 1, -1);
    expect(await looks()).toEqual([first]);
  });

  test("has no mailbox pushed", async () => {
    await hold();
    const push = createPushLeases({ redis, keys, clock, chance: seededChance(4) });
    await push.choose(() => true);
    const place = await push.join(9);
    expect(await push.claim(place, 9)).toEqual([]);
    expect((await push.look()).free).toBe(0);
    // Nor one for an hour after a hold that somebody ended at once.
    await redis.del(keys.hold("contoso"));
    expect(await push.claim(place, 9)).toHaveLength(3);
  });

  test("tells all processes when it begins and ends", async () => {
    const heard: string[] = [];
    const listener = redis.duplicate();
    await listener.subscribe(keys.signals);
    const both = new Promise<void>((resolve) => listener.on("message", (_, text) => heard.push(text) === 2 && resolve()));
    await hold();
    await redis.hset(keys.hold("contoso"), "canaryLease", "7:x");
    const mailbox = boxes("contoso", 1)[0] as MailboxRef;
    await createBreakers({ redis, keys, clock }).release({ mailbox, token: "7:x" } as never);
    await both;
    expect(heard.map((text) => JSON.parse(text) as object)).toMatchObject([
      { kind: "hold", tenant: "contoso", code: "ENTRA_CREDENTIAL_EXPIRED" },
      { kind: "release", tenant: "contoso", code: "ENTRA_CREDENTIAL_EXPIRED" },
    ]);
    listener.disconnect();
  });

  test("is counted in one write in ten seconds while all is well, with all that opened", async () => {
    await register(boxes("contoso", 1));
    const breakers = createBreakers({ redis, keys, clock });
    const lease = { mailbox: boxes("contoso", 1)[0], token: "1:x" } as never;
    for (let i = 0; i < 50; i++) await breakers.opened(lease, false);
    expect(await redis.hget(keys.opened("contoso"), "count")).toBe("1");
    await breakers.opened(lease, true);
    expect(sum((await redis.hmget(keys.opened("contoso"), "count", "before")).map(Number))).toBe(51);
  });
});

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

describe("logins", () => {
  const slow: TenantLimits = { host: "mail", loginsAtFirst: 2, loginsAtMost: 10 };
  /** When a tenant's rate was last looked at, ms by Redis' clock. */
  let lookedAt: number | undefined;
  beforeEach(() => void (lookedAt = undefined));
  const redisNow = async (): Promise<number> => {
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
    return seconds * 1_000 + micros / 1_000;
  };
  /** By a clock that stands between two calls: half a second in which this machine does something else would deal another login. */
  const take = async (count: number, limit: Partial<TenantLimits> = {}) => {
    if (lookedAt !== undefined) {
      const passed = Math.floor((await redisNow()) - lookedAt);
      for (const tenant of ["contoso", "fabrikam"]) await pass(tenant, -passed);
    }
    const taken = await createDueIndex(redis, keys).take({
      ...{ lane: "fresh", count, perTenant: 1_000 },
      limitsOf: () => ({ ...slow, ...limit }),
    });
    lookedAt = await redisNow();
    return taken;
  };
  /** Lets time pass for a tenant's rate. */
  const pass = async (tenant: string, ms: number): Promise<void> => {
    for (const field of ["at", "grewAt", "calmUntil", "slowedAt"]) {
      const known = await redis.hget(keys.loginRate(tenant), field);
      if (known) await redis.hset(keys.loginRate(tenant), field, Number(known) - ms);
    }
  };

  test("begin at two a second, and grow by a tenth in ten seconds while they are all used", async () => {
    await register(boxes("contoso", 900));
    expect(await take(100)).toHaveLength(2);
    expect(await take(100)).toEqual([]);
    await pass("contoso", 10_000);
    expect(await take(100)).toHaveLength(2);
    expect(Number(await redis.hget(keys.loginRate("contoso"), "rate"))).toBeCloseTo(2.2);
    for (let i = 0; i < 60; i++) {
      await pass("contoso", 10_000);
      await take(100);
    }
    expect(Number(await redis.hget(keys.loginRate("contoso"), "rate"))).toBe(10);
  });

  test("are halved by a throttle, once for many of them, and do not grow for a minute", async () => {
    const all = boxes("contoso", 100);
    await register(all);
    await take(100, { loginsAtFirst: 8 });
    const breakers = createBreakers({ redis, keys, clock });
    for (const mailbox of all.slice(0, 20)) await breakers.refused(mailbox, "throttle", true);
    expect(await redis.hget(keys.loginRate("contoso"), "rate")).toBe("4");
    await pass("contoso", 20_000);
    await take(100);
    expect(await redis.hget(keys.loginRate("contoso"), "rate")).toBe("4");
    for (let i = 0; i < 9; i++) {
      await pass("contoso", 20_000);
      await breakers.refused(all[0] as MailboxRef, "throttle", true);
    }
    expect(Number(await redis.hget(keys.loginRate("contoso"), "rate"))).toBe(limits.loginsAtLeast);
  });

  test("go on when Redis' clock is set back, or another Redis takes over whose clock is behind", async () => {
    await register(boxes("contoso", 9));
    expect(await take(100)).toHaveLength(2);
    await pass("contoso", -3_600_000);
    expect(await take(100)).toHaveLength(1);
    expect(await take(100)).toEqual([]);
    await pass("contoso", 1_000);
    expect(await take(100)).toHaveLength(2);
  });

  test("of one tenant do not slow another, and those of push take half at most", async () => {
    await register([...boxes("contoso", 9), ...boxes("fabrikam", 9)]);
    expect(await take(100)).toHaveLength(4);
    const push = createPushLeases({ redis, keys, clock, chance: seededChance(4) });
    const waits = [await push.loginSlot("contoso"), await push.loginSlot("contoso"), await push.loginSlot("contoso")];
    expect(waits[2]).toBeGreaterThanOrEqual(1_500);
    await pass("contoso", 1_000);
    expect((await take(100)).filter(({ id }) => id.startsWith("contoso/"))).toHaveLength(0);
    await pass("contoso", 1_000);
    expect((await take(100)).filter(({ id }) => id.startsWith("contoso/")).length).toBeGreaterThan(0);
  });

  test("a mail server has a cap over all its tenants and both lanes", async () => {
    await register([...boxes("contoso", 20), ...boxes("fabrikam", 20), ...boxes("northwind", 20)]);
    await redis.zadd(keys.inFlight("backfill", "contoso"), Date.now() + 60_000, "contoso/other@contoso.example");
    const limitsOf = (tenant: string): TenantLimits => ({
      ...{ loginsAtFirst: 99, loginsAtMost: 99 },
      host: tenant === "northwind" ? "other" : "mail",
    });
    const taken = await createDueIndex(redis, keys).take({ lane: "fresh", count: 60, perTenant: 20, perHost: 9, limitsOf });
    expect(taken.filter(({ id }) => !id.startsWith("northwind/"))).toHaveLength(8);
    expect(taken.filter(({ id }) => id.startsWith("northwind/"))).toHaveLength(9);
  });

  test("F29 10,000 mailboxes that are due at once after an outage log in at two a second, oldest first, new mail long before history", async () => {
    const all = boxes("contoso", 10_000);
    await register(all);
    const ids = all.map(mailboxId);
    // Due for an hour, the first for the longest.
    await redis.zadd(keys.due("fresh", "contoso"), ...ids.flatMap((id, i) => [Date.now() - 3_600_000 + i, id]));
    await redis.zadd(keys.due("backfill", "contoso"), ...ids.flatMap((id, i) => [Date.now() - 3_600_000 + i, id]));
    const limitsOf = () => ({ ...slow, loginsAtMost: 2 });
    const index = createDueIndex(redis, keys);
    const takeAtOnce = async (lane: "fresh" | "backfill"): Promise<readonly string[]> => {
      // The second that passes here is none for Redis: it would let the tenant wait for its next login.
      await redis.zadd(keys.tenantsDue(lane), 0, "contoso");
      return idsOf(await index.take({ lane, count: 16, perTenant: 1_000, limitsOf }));
    };
    const taken: string[] = [];
    const perRound: number[] = [];
    let backfill = 0;
    // A second a round: an hour and a half of the fleet in some seconds, and workers that are done at once.
    for (let round = 0; round < ids.length && taken.length < ids.length; round++) {
      await redis.hincrbyfloat(keys.loginRate("contoso"), "at", -1_000);
      const some = await takeAtOnce("fresh");
      taken.push(...some);
      perRound.push(some.length);
      const history = await takeAtOnce("backfill");
      backfill += history.length;
      if (history.length > 0) await redis.zrem(keys.inFlight("backfill", "contoso"), ...history);
      if (some.length > 0) await redis.zrem(keys.inFlight("fresh", "contoso"), ...some);
    }
    expect(taken).toEqual(ids);
    // History gets its share, or it would wait for ever where polls take all logins.
    expect(backfill).toBeGreaterThan(ids.length * 0.15);
    expect(backfill).toBeLessThanOrEqual(ids.length * 0.2);
    expect(sum(perRound) + backfill).toBeLessThanOrEqual(perRound.length * 2.3);
    // At most two a second, a bucket of two and what the test's own time adds; all of them within twice the ideal time.
    for (let i = 0; i < perRound.length; i += 10) expect(sum(perRound.slice(i, i + 10))).toBeLessThanOrEqual(20 + 3);
    expect(perRound.length).toBeLessThan(ids.length);
  }, 180_000);
});
