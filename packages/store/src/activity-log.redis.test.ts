import { Redis } from "ioredis";
import { redisKeys, type RedisKeys } from "@mailfleet/core";
import { type HistoryPoint, historyRings } from "@mailfleet/core/console";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createActivityLog, type NewActivity } from "./activity-log.ts";
import { createHistoryRings } from "./history-rings.ts";

let redis: Redis;
let keys: RedisKeys;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  keys = redisKeys(uniqueName("activity"));
});

const entry = (words: string, more: Partial<NewActivity> = {}): NewActivity => ({
  who: "anna",
  by: "people",
  verb: "park",
  tenant: "contoso",
  mailbox: "a@contoso.example",
  count: 1,
  outcome: "done",
  words,
  ...more,
});

test("the latest comes first, page by page, each entry once", async () => {
  const log = createActivityLog(redis, keys);
  for (let i = 0; i < 7; i++) await log.write(entry(`${i}`));
  const first = await log.read({ who: "both", count: 3 });
  expect(first.entries.map(({ words }) => words)).toEqual(["6", "5", "4"]);
  expect(first.entries[0]).toMatchObject({ who: "anna", at: expect.any(Number), outcome: "done" });
  const second = await log.read({ who: "both", count: 10, ...(first.before !== undefined && { before: first.before }) });
  expect(second.entries.map(({ words }) => words)).toEqual(["3", "2", "1", "0"]);
  expect(second.before).toBeUndefined();
});

test.each(["0-0", "00-0", "99999999999999999999-1", "1-99999999999999999999", "1", "a-b", "1-1)"])(
  "a page behind %s, which is no entry's id, is the first one",
  async (before) => {
    const log = createActivityLog(redis, keys);
    await log.write(entry("only"));
    expect((await log.read({ who: "both", count: 3, before })).entries.map(({ words }) => words)).toEqual(["only"]);
  },
);

test("questions choose by who, tenant, verb and mailbox", async () => {
  const log = createActivityLog(redis, keys);
  await log.write(entry("anna's"));
  await log.write(entry("other tenant", { tenant: "fabrikam", verb: "resume" }));
  await log.write(entry("by itself", { by: "mailfleet", who: "mailfleet", verb: "stopped", mailbox: "b@contoso.example" }));
  const words = async (question: object): Promise<string[]> =>
    (await log.read({ who: "both", count: 10, ...question })).entries.map((one) => one.words);
  expect(await words({ who: "people" })).toEqual(["other tenant", "anna's"]);
  expect(await words({ who: "mailfleet" })).toEqual(["by itself"]);
  expect(await words({ tenant: "fabrikam" })).toEqual(["other tenant"]);
  expect(await words({ what: "park" })).toEqual(["anna's"]);
  expect(await words({ mailbox: "contoso/b@contoso.example" })).toEqual(["by itself"]);
});

test("a command is kept whole or not at all: one that was cut would do something else", async () => {
  const log = createActivityLog(redis, keys);
  const park = (count: number): string =>
    `npx mailfleet mailboxes park ${Array.from({ length: count }, (_, i) => `m${i}@contoso.example`).join(" ")}`;
  for (const count of [30, 300]) await log.write(entry(`${count}`, { command: park(count) }));
  const { entries } = await log.read({ who: "both", count: 2 });
  expect(entries.map(({ command }) => command)).toEqual([undefined, park(30)]);
});

test("what others wrote into the stream is left out, and long words are cut", async () => {
  const log = createActivityLog(redis, keys);
  await redis.xadd(keys.activity, "*", "entry", "no json");
  await redis.xadd(keys.activity, "*", "entry", '{"who":1}');
  await log.write(entry("x".repeat(5_000), { reason: "y".repeat(5_000) }));
  const { entries } = await log.read({ who: "both", count: 10 });
  expect(entries.map(({ words, reason }) => [words.length, reason?.length])).toEqual([[300, 300]]);
});

test("a ring keeps as many points as its chart shows, the fleet's apart from a tenant's", async () => {
  const rings = createHistoryRings(redis, keys);
  const point = (at: number): HistoryPoint => ({ at, fresh: 1.5, history: 0, p50: 1, p99: 2, worst: 3 });
  const { points } = historyRings["24h"];
  for (let i = 0; i < points + 5; i++) await rings.write("24h", new Map([["", point(i)]]));
  await rings.write("24h", new Map([["contoso", point(7)]]));
  const kept = await rings.read("24h", undefined);
  expect([kept.length, kept[0]?.at, kept.at(-1)]).toEqual([points, 5, point(points + 4)]);
  expect(await rings.read("24h", "contoso")).toEqual([point(7)]);
  expect(await redis.pttl(keys.history("24h", "contoso"))).toBeGreaterThan(0);
});

test("of several consoles one writes, until it is gone", async () => {
  const rings = createHistoryRings(redis, keys);
  expect([await rings.amScribe("a"), await rings.amScribe("b"), await rings.amScribe("a")]).toEqual([true, false, true]);
  await redis.del(keys.scribe);
  expect(await rings.amScribe("b")).toBe(true);
});
