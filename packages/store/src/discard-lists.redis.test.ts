import { Redis } from "ioredis";
import { limits, redisKeys } from "@mailfleet/core";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDiscardLists, type DiscardPlace } from "./discard-lists.ts";

let redis: Redis;
let shards: readonly [DiscardPlace, DiscardPlace];
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  const name = uniqueName("discards");
  shards = [
    { redis, keys: redisKeys(name) },
    { redis, keys: redisKeys(name, 2) },
  ];
});

/** As the script of a shard's queue does it. */
const note = async (shard: number, id: string, ...letters: string[]): Promise<void> =>
  void (await redis.rpush((shards[shard] as DiscardPlace).keys.discarded(id), ...letters));
const about = { at: 1_000, who: "anna", cause: "c7f2" };

test("a discard has what all shards gave up for it, and is had once", async () => {
  const lists = createDiscardLists(shards);
  const id = await lists.begin(about);
  await note(0, id, "a/1", "a/2");
  await note(1, id, "b/1");
  expect(await lists.list(2_000)).toEqual([{ id, ...about, letters: 3, until: about.at + limits.discardedLettersMs }]);
  const both = await Promise.all([lists.take(id), lists.take(id)]);
  expect(both.flatMap((letters) => letters ?? []).sort()).toEqual(["a/1", "a/2", "b/1"]);
  expect(await redis.exists(...shards.map(({ keys }) => keys.discarded(id)))).toBe(0);
  expect(await lists.list(2_000)).toEqual([]);
});

test("one that took nothing, or is over, is not shown", async () => {
  const lists = createDiscardLists(shards);
  await lists.begin(about);
  const late = await lists.begin({ ...about, at: 2_000 });
  await note(1, late, "b/1");
  expect((await lists.list(2_000)).map(({ id }) => id)).toEqual([late]);
  expect(await lists.list(2_000 + limits.discardedLettersMs)).toEqual([]);
});

test("beyond a hundred the oldest gives way, with its names in every shard", async () => {
  const lists = createDiscardLists(shards);
  const first = await lists.begin(about);
  await note(0, first, "a/1");
  await note(1, first, "b/1");
  for (let n = 0; n < 100; n++) await lists.begin(about);
  expect(await redis.exists(...shards.map(({ keys }) => keys.discarded(first)))).toBe(0);
  expect(await lists.take(first)).toBeUndefined();
});
