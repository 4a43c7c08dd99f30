import { Redis } from "ioredis";
import { mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { fakeClock, seededChance, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createFleetChanges } from "./fleet-changes.ts";
import { createFleetReader } from "./fleet-reader.ts";
import { createMailboxStore } from "./mailbox-store.ts";
import { createMailboxRegistry } from "./registry.ts";

let redis: Redis;
let keys: RedisKeys;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("changes"));
});

const box = (tenant: string, name: string): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });
const three = [box("contoso", "a"), box("contoso", "b"), box("fabrikam", "c")];
const ids = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id).sort();

async function watch() {
  await createMailboxRegistry(redis, keys).register(three, 0);
  const changes = createFleetChanges(redis, keys);
  const first = await changes.look();
  return { changes, first };
}

test("the first look has every mailbox, the next one nothing", async () => {
  const { changes, first } = await watch();
  expect(ids(first.changed)).toEqual(["contoso/a@contoso.example", "contoso/b@contoso.example", "fabrikam/c@fabrikam.example"]);
  expect(first.changed[0]).toMatchObject({
    tenant: "contoso",
    isSyncing: false,
    isOpened: false,
    isPushed: false,
    addedAt: expect.any(Number),
  });
  expect(await changes.look()).toMatchObject({ changed: [], gone: [] });
});

test("what a watcher keeps is what a reader reads anew, after anything that happened", async () => {
  const { changes, first } = await watch();
  const kept = new Map(first.changed.map((one) => [one.id, one]));
  const a = mailboxId(three[0] as MailboxRef);
  const store = createMailboxStore({ redis, keys, clock: fakeClock(), chance: seededChance(1), log: silentLog, worker: "w" });
  const steps: (() => Promise<unknown>)[] = [
    () => store.acquire(three[0] as MailboxRef, "fresh"),
    () => redis.del(keys.lease(a)).then(() => redis.hset(keys.mailbox(a), "workingUntil", 0)),
    () =>
      redis.hset(keys.hold("fabrikam"), {
        id: "h",
        code: "ENTRA_CREDENTIAL_EXPIRED",
        scope: "tenant",
        state: "parked",
        since: 1,
        tries: 3,
        nextAt: 9e12,
        text: "x",
      }),
    () => redis.del(keys.hold("fabrikam")),
    () => redis.hset(keys.pushHeld, a, "1"),
    () => redis.zrem(keys.due("fresh", "contoso"), a).then(() => redis.hset(keys.mailbox(a), "parkedBy", '{"name":"anna","at":5}')),
    () => redis.del(keys.mailbox(a)).then(() => redis.srem(keys.mailboxes, a)),
    () => createMailboxRegistry(redis, keys).register([box("litware", "new")], 0),
  ];
  for (const [step, act] of steps.entries()) {
    await act();
    const { changed, gone } = await changes.look();
    for (const one of changed) kept.set(one.id, one);
    for (const id of gone) kept.delete(id);
    const read = await createFleetReader(redis, keys).mailboxes();
    const records = ids([...kept.values()]).map((id) => {
      const { addedAt: _added, isOpened: _opened, isPushed: _pushed, ...record } = kept.get(id) ?? { id };
      return record;
    });
    expect(records, `after step ${step}`).toEqual(read);
  }
  expect(ids([...kept.values()])).toEqual(["contoso/b@contoso.example", "fabrikam/c@fabrikam.example", "litware/new@litware.example"]);
});

test("what moved without its due time is noticed within a sweep", async () => {
  const { changes } = await watch();
  const a = mailboxId(three[0] as MailboxRef);
  await redis.hset(keys.mailbox(a), "h", 7, "l", 7);
  const seen: string[] = [];
  for (let look = 0; look < 5 && seen.length === 0; look++) seen.push(...ids((await changes.look()).changed));
  expect(seen).toEqual([a]);
});

test("a session that nobody ended is over when its time is", async () => {
  const { changes } = await watch();
  const a = mailboxId(three[0] as MailboxRef);
  await redis.hset(keys.mailbox(a), "workingUntil", 9e12);
  await redis.zadd(keys.due("fresh", "contoso"), 5e12, a);
  const told: boolean[] = (await changes.look()).changed.map(({ isSyncing }) => isSyncing);
  const [seconds] = await redis.time();
  await redis.hset(keys.mailbox(a), "workingUntil", (Number(seconds) + 1) * 1_000);
  const look = async () => told.push(...(await changes.look()).changed.map(({ isSyncing }) => isSyncing));
  await expect.poll(async () => (await look(), told), { timeout: 30_000 }).toEqual([true, false]);
  await look();
  expect(told).toEqual([true, false]);
});

describe("a fleet of more mailboxes than one script looks at", () => {
  const many = ["contoso", "fabrikam", "litware"].flatMap((tenant) => Array.from({ length: 450 }, (_, i) => box(tenant, `m${i}`)));
  const watchMany = async () => {
    await createMailboxRegistry(redis, keys).register(many, 0);
    const changes = createFleetChanges(redis, keys);
    const first = await changes.look();
    return { changes, first };
  };

  test("is told whole, and each mailbox that moved by its own name", async () => {
    const { changes, first } = await watchMany();
    expect(ids(first.changed)).toEqual(many.map(mailboxId).sort());
    const moved = [many[3], many[199], many[200], many[455], many[1_349]].map((one) => one as MailboxRef);
    for (const [i, one] of moved.entries()) {
      await redis.hset(keys.mailbox(mailboxId(one)), "checkedAt", 1_000 + i);
      await redis.zadd(keys.due("fresh", one.tenant), 5e12, mailboxId(one));
    }
    const { changed } = await changes.look();
    expect(new Map(changed.map(({ id, checkedAt }) => [id, checkedAt]))).toEqual(
      new Map(moved.map((one, i) => [mailboxId(one), 1_000 + i])),
    );
    expect((await changes.look()).changed).toEqual([]);
    const parked = many[700] as MailboxRef;
    await redis.hset(keys.mailbox(mailboxId(parked)), "parkedBy", '{"name":"anna","at":5}');
    await redis.zrem(keys.due("fresh", parked.tenant), mailboxId(parked));
    expect(ids((await changes.look()).changed)).toEqual([mailboxId(parked)]);
  });

  test("costs few commands a look while it is still, and each of its mailboxes is looked at within a sweep", async () => {
    const { changes } = await watchMany();
    const sent: string[] = [];
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, stream) => {
      sent.push(command.name);
      return send(command, stream);
    };
    try {
      const last = mailboxId(many.at(-1) as MailboxRef);
      await redis.hset(keys.mailbox(last), "h", 7, "l", 7);
      sent.length = 0;
      const seen: string[] = [];
      for (let look = 0; look < 60; look++) seen.push(...ids((await changes.look()).changed));
      expect(seen).toEqual([last]);
      expect(sent.length / 60).toBeLessThan(12);
    } finally {
      redis.sendCommand = send;
    }
  });
});

test("a look that Redis refused is made up for by the next", async () => {
  const { changes } = await watch();
  const a = mailboxId(three[0] as MailboxRef);
  await redis.zadd(keys.due("fresh", "contoso"), 5e12, a);
  await redis.hset(keys.mailbox(a), "checkedAt", 99);
  const saved = await redis.hgetall(keys.mailbox(a));
  await redis.del(keys.mailbox(a));
  await redis.set(keys.mailbox(a), "no hash");
  await expect(changes.look()).rejects.toThrow("WRONGTYPE");
  await redis.del(keys.mailbox(a));
  await redis.hset(keys.mailbox(a), saved);
  expect((await changes.look()).changed).toMatchObject([{ id: a, checkedAt: 99 }]);
});
