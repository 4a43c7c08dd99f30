import fc from "fast-check";
import { Redis } from "ioredis";
import { mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { describePushLeases, seededChance, sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPushLeases } from "./push-leases.ts";
import { claimScript, freeScript } from "./push-scripts.ts";
import { createMailboxRegistry } from "./registry.ts";

let redis: Redis;
let keys: RedisKeys;
const chance = seededChance(5);
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("push"));
});

const open = (): ReturnType<typeof createPushLeases> => createPushLeases({ redis, keys, clock: { now: Date.now }, chance });
const boxes = (tenant: string, count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" }));
const endPlace = async (place: string): Promise<void> => void (await redis.zadd(keys.pushPlaces, 1, place));

describePushLeases(
  "Redis",
  () =>
    Promise.resolve({
      leases: [open(), open()] as const,
      register: async (mailboxes: readonly MailboxRef[]) => void (await createMailboxRegistry(redis, keys).register(mailboxes, 0)),
      setCause: async (mailbox: MailboxRef, cause: unknown) => {
        const key = keys.mailbox(mailboxId(mailbox));
        if (cause) await redis.hset(key, "cause", JSON.stringify(cause));
        else await redis.hdel(key, "cause");
      },
      endPlace,
      // The times are Redis' own: only waiting passes them.
      pass: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    }),
  { describe, test, expect },
);

test("a place lives for 30 s and not longer", async () => {
  const place = await open().join(3);
  const [seconds] = await redis.time();
  const left = Number(await redis.zscore(keys.pushPlaces, place)) - Number(seconds) * 1_000;
  expect(left).toBeGreaterThan(25_000);
  expect(left).toBeLessThanOrEqual(31_000);
});

test("a small tenant is served beside a large one", async () => {
  const registry = createMailboxRegistry(redis, keys);
  await registry.register([...boxes("large", 200), ...boxes("small", 3)], 0);
  const leases = open();
  await leases.choose(() => true);
  const claims = await leases.claim(await leases.join(500), 10);
  expect(claims).toHaveLength(10);
  expect(claims.filter(({ mailbox }) => mailbox.tenant === "small")).toHaveLength(3);
});

test("a mailbox that a place holds is nobody else's, whatever else stands in a Redis that forgot its last second", async () => {
  await createMailboxRegistry(redis, keys).register(boxes("contoso", 1), 0);
  const leases = open();
  await leases.choose(() => true);
  const place = await leases.join(9);
  const [{ mailbox } = {}] = await leases.claim(place, 1);
  const id = mailbox === undefined ? "" : mailboxId(mailbox);
  await redis.zadd(keys.pushFree("contoso"), 1, id);
  expect(await leases.claim(await leases.join(9), 1)).toEqual([]);
  // Somebody who looked before the place was there takes it for dead.
  expect(await redis.eval(freeScript, 3, keys.pushPlaces, keys.pushHeld, keys.pushFree("contoso"), place, 1, 0, id)).toBe(0);
  expect(await leases.renew(place, [id])).toMatchObject({ lost: [] });
});

test("a claim that is sent again, because its answer was lost, takes nothing twice and answers the same", async () => {
  await createMailboxRegistry(redis, keys).register(boxes("contoso", 1), 0);
  const leases = open();
  await leases.choose(() => true);
  const place = await leases.join(9);
  await leases.claim(place, 1);
  const again = await redis.eval(
    claimScript,
    3,
    keys.pushPlaces,
    keys.pushHeld,
    keys.pushFree("contoso"),
    place,
    "contoso/m0@contoso.example",
  );
  expect(again).toEqual(["contoso/m0@contoso.example"]);
});

describe("a poke", () => {
  const [mailbox] = boxes("contoso", 1) as [MailboxRef];
  const id = mailboxId(mailbox);
  const held = async () => {
    await createMailboxRegistry(redis, keys).register([mailbox], 0);
    const leases = open();
    await leases.choose(() => true);
    const place = await leases.join(9);
    await leases.claim(place, 1);
    await redis.zadd(keys.due("fresh", "contoso"), Date.now() + 300_000, id);
    return { leases, place };
  };
  const dueIn = async (): Promise<number> => Number(await redis.zscore(keys.due("fresh", "contoso"), id)) - Date.now();

  test("makes the mailbox due now", async () => {
    const { leases, place } = await held();
    expect(await leases.poke(place, mailbox)).toBe("poked");
    expect(await dueIn()).toBeLessThanOrEqual(1_000);
  });

  test("tells the session that works on the mailbox, and leaves its time alone", async () => {
    const { leases, place } = await held();
    await redis.set(keys.lease(id), "1:session", "PX", 30_000);
    expect(await leases.poke(place, mailbox)).toBe("poked");
    expect(await redis.hget(keys.mailbox(id), "poke")).toBe("1");
    expect(await dueIn()).toBeGreaterThan(200_000);
  });

  test("does not wake a mailbox that waits for a reason", async () => {
    const { leases, place } = await held();
    const cause = {
      code: "SERVER_THROTTLED",
      scope: "mailbox",
      text: "",
      since: 1,
      tries: 1,
      nextAt: Date.now() + 60_000,
      state: "waiting",
    };
    await redis.hset(keys.mailbox(id), "cause", JSON.stringify(cause));
    expect(await leases.poke(place, mailbox)).toEqual(cause);
    expect(await dueIn()).toBeGreaterThan(200_000);
  });

  test("of a mailbox that left the registry, or is another place's, does nothing", async () => {
    const { leases, place } = await held();
    expect(await leases.poke(await leases.join(9), mailbox)).toBe("lost");
    await redis.del(keys.mailbox(id));
    expect(await leases.poke(place, mailbox)).toBe("lost");
    expect(await dueIn()).toBeGreaterThan(200_000);
  });
});

test("whatever workers do, in any order, no mailbox is held twice and none is forgotten", async () => {
  const step = fc.record({
    what: fc.constantFrom("join", "claim", "claim", "claim", "back", "leave", "die", "look", "forget"),
    who: fc.nat(3),
    count: fc.integer({ min: 1, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      keys = redisKeys(uniqueName("push"));
      const total = 12;
      await createMailboxRegistry(redis, keys).register([...boxes("contoso", 8), ...boxes("fabrikam", 4)], 0);
      const leases = open();
      await leases.choose(() => true);
      const workers: { place: string; held: Set<string> }[] = [];
      for (const { what, who, count } of steps) {
        const worker = workers[who % Math.max(1, workers.length)];
        if (what === "join" || !worker) {
          workers.push({ place: await leases.join(50), held: new Set() });
        } else if (what === "claim") {
          for (const { mailbox } of await leases.claim(worker.place, count)) worker.held.add(mailboxId(mailbox));
        } else if (what === "back") {
          const [first] = worker.held;
          if (first === undefined) continue;
          worker.held.delete(first);
          await leases.giveBack(worker.place, first, 0, 0);
        } else if (what === "leave") {
          await leases.leave(worker.place, [...worker.held]);
          workers.splice(workers.indexOf(worker), 1);
        } else if (what === "die") {
          await endPlace(worker.place);
          workers.splice(workers.indexOf(worker), 1);
        } else if (what === "forget") {
          // A call failed half-way: the worker does not know of one that it holds.
          const [first] = worker.held;
          if (first !== undefined) worker.held.delete(first);
          await leases.tidy(worker.place, [...worker.held]);
        } else await leases.look();
        const everything = workers.flatMap(({ held }) => [...held]);
        expect(new Set(everything).size).toBe(everything.length);
        for (const { place, held } of workers) expect(await leases.renew(place, [...held])).toMatchObject({ lost: [] });
      }
      const facts = await leases.look();
      expect(facts.chosen).toBe(total);
      expect(facts.free).toBe(total - workers.reduce((sum, { held }) => sum + held.size, 0));
    }),
    { numRuns: 40 },
  );
});
