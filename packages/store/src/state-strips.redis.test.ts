import { Redis } from "ioredis";
import { redisKeys, type RedisKeys } from "@mailfleet/core";
import { stateWords, stripHours } from "@mailfleet/core/console";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createStateStrips } from "./state-strips.ts";

let redis: Redis;
let keys: RedisKeys;
beforeAll(async () => {
  redis = new Redis(sharedRedisUrl());
  keys = redisKeys(uniqueName("strips"));
  await redis.sadd(keys.mailboxes, id, ...many.map(([one]) => one));
});
afterAll(() => redis.disconnect());

const fresh = stateWords.indexOf("fresh");
const behind = stateWords.indexOf("behind");
const id = "contoso/support@contoso.example";
const many = Array.from({ length: 1_100 }, (_, i) => [`contoso/${i}@contoso.example`, fresh] as const);

test("hours of many mailboxes are kept for fifteen days, and what is not ours is begun anew", async () => {
  const strips = createStateStrips(redis, keys);
  await strips.write(100, many);
  await strips.write(102, [many[7] ?? ["", 0], [id, behind]]);
  expect(await strips.read(many[7]?.[0] ?? "")).toEqual({ lastHour: 102, states: [fresh, null, fresh] });
  expect(await strips.read(many[1_099]?.[0] ?? "")).toEqual({ lastHour: 100, states: [fresh] });
  expect(await redis.pttl(keys.strip(id))).toBeGreaterThan(14 * 86_400_000);
  await redis.set(keys.strip(id), "something else");
  expect(await strips.read(id)).toBeUndefined();
  await strips.write(103, [[id, fresh]]);
  expect(await strips.read(id)).toEqual({ lastHour: 103, states: [fresh] });
});

test("a mailbox that was removed since the console looked gets no strip again", async () => {
  const strips = createStateStrips(redis, keys);
  await strips.write(200, [
    ["contoso/removed@contoso.example", behind],
    [id, behind],
  ]);
  expect(await redis.exists(keys.strip("contoso/removed@contoso.example"))).toBe(0);
  expect((await strips.read(id))?.states.at(-1)).toBe(behind);
  await redis.del(keys.strip(id));
});

test("a fortnight takes 200 bytes of Redis where nothing happened, and 600 where every hour was another", async () => {
  const strips = createStateStrips(redis, keys);
  const bytes = async (): Promise<number> => Number(await redis.memory("USAGE", keys.strip(id)));
  for (const [state, most] of [
    [() => fresh, 200],
    [(hour: number) => (hour % 2 === 0 ? fresh : behind), 600],
  ] as const) {
    await redis.del(keys.strip(id));
    for (let hour = 1_000; hour < 1_000 + stripHours; hour++) await strips.write(hour, [[id, state(hour)]]);
    expect((await strips.read(id))?.states).toHaveLength(stripHours);
    expect(await bytes()).toBeLessThanOrEqual(most);
  }
});
