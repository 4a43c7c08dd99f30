import { Redis } from "ioredis";
import { limits, mailboxId, type MailboxRef, type MailEvent, redisKeys } from "@mailfleet/core";
import { createHandOff, createHoldTeller, openMessagesQueue } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import { createBreakers, createHoldReader, createMailboxRegistry, createMailboxStore, readUntold, redisOptions } from "@mailfleet/store";
import { seededChance, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

let redis: Redis;
let keys: ReturnType<typeof redisKeys>;
beforeAll(() => void (redis = new Redis(sharedRedisUrl())));
afterAll(() => redis.disconnect());
beforeEach(() => void (keys = redisKeys(uniqueName("teller"))));

const boxes = (count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant: "contoso", address: `m${i}@contoso.example`, protocol: "imap" }));

/** One process that tells. */
async function openTeller() {
  const { hostname, port } = new URL(sharedRedisUrl());
  const queue = openMessagesQueue({
    connection: redisOptions({ host: hostname, port: Number(port), db: 0, tls: false }),
    keys,
    log: silentLog,
  });
  const untold = (tenant: string, count: number) => readUntold(redis, keys, tenant, count);
  const teller = await createHoldTeller({ queue, keys, clock: systemClock, holds: createHoldReader(redis, keys), untold });
  return { queue, teller };
}

async function holdTenant(mailboxes: readonly MailboxRef[]): Promise<void> {
  await createMailboxRegistry(redis, keys).register(mailboxes, 0);
  const store = createMailboxStore({ redis, keys, clock: systemClock, chance: seededChance(3), log: silentLog, worker: "test" });
  const lease = await store.acquire(mailboxes[0] as MailboxRef, "fresh");
  if (!lease) throw new Error("no lease");
  await createBreakers({ redis, keys, clock: systemClock }).hold(lease, {
    ...{ code: "ENTRA_APP_UNKNOWN", scope: "tenant", text: "unknown app", state: "parked", tries: 1, inMs: 3_600_000, isSame: false },
  });
  lease.stop();
  await redis.del(keys.lease(mailboxId(lease.mailbox)));
}

test("each mailbox of a parked tenant is told once, though one who tells dies half-way and others tell at the same time", async () => {
  const all = boxes(3 * limits.tellChunk - 50);
  await holdTenant(all);
  const [dying, one, other] = [await openTeller(), await openTeller(), await openTeller()];
  const telling = dying.teller.tell();
  await dying.queue.disconnect();
  await telling.catch(() => undefined);
  while ((await redis.zcard(keys.untold("contoso"))) > 0) await Promise.all([one.teller.tell(), other.teller.tell()]);
  expect(await one.teller.tell()).toBe(0);
  const events = (await one.queue.getJobs(["waiting"], 0, -1, true)).map((job) => job.data as MailEvent);
  expect(events.map(({ mailbox }) => mailbox).sort()).toEqual(all.map(({ address }) => address).sort());
  expect(events[0]).toMatchObject({ type: "mailbox.parked", cause: { code: "ENTRA_APP_UNKNOWN", reason: "unknown app" } });
  for (const { queue } of [one, other]) await queue.close();
});

test("nobody is told of a mailbox that a session works on until it ends, nor again of one that was told before", async () => {
  const [busy, told, calm] = boxes(3) as [MailboxRef, MailboxRef, MailboxRef];
  await holdTenant([busy, told, calm]);
  const { queue, teller } = await openTeller();
  const parked = { code: "MAILBOX_ACCESS_DENIED", scope: "mailbox", text: "no", since: 1, tries: 3, nextAt: 2, state: "parked" };
  await redis.hset(keys.mailbox(mailboxId(told)), "cause", JSON.stringify(parked));
  await redis.set(keys.lease(mailboxId(busy)), "9:somebody");
  expect(await teller.tell()).toBe(2);
  expect((await queue.getJobs(["waiting"])).map((job) => (job.data as MailEvent).mailbox)).toEqual([calm.address]);
  expect(JSON.parse((await redis.hget(keys.mailbox(mailboxId(told)), "cause")) ?? "")).toEqual(parked);
  await redis.del(keys.lease(mailboxId(busy)));
  await redis.zadd(keys.untold("contoso"), 0, mailboxId(busy));
  expect(await teller.tell()).toBe(1);
  expect(await queue.getWaitingCount()).toBe(2);
  await queue.close();
});

test("what consumers were told of a mailbox is kept with it after its tenant went on, until it was read again", async () => {
  const [mailbox] = boxes(1) as [MailboxRef];
  await holdTenant([mailbox]);
  const { queue, teller } = await openTeller();
  await teller.tell();
  await redis.del(keys.hold("contoso"));
  const store = createMailboxStore({ redis, keys, clock: systemClock, chance: seededChance(3), log: silentLog, worker: "test" });
  const lease = await store.acquire(mailbox, "fresh");
  if (!lease) throw new Error("no lease");
  const { cause } = await store.load(mailbox);
  expect(cause).toMatchObject({ state: "waiting", told: { code: "ENTRA_APP_UNKNOWN" } });
  const handOff = await createHandOff({ queue, keys, clock: systemClock });
  await handOff.settle(lease, { checked: true, opened: true, freshDueInMs: 1, events: [] });
  expect((await store.load(mailbox)).cause).toBeUndefined();
  lease.stop();
  await queue.close();
});
