import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { describeCredentialNotes, sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { createCredentialNotes } from "./credential-notes.ts";

const redis = new Redis(sharedRedisUrl(), { lazyConnect: true });
afterAll(() => redis.disconnect());

describeCredentialNotes("Redis", async () => createCredentialNotes(redis, redisKeys(uniqueName("notes"))), { describe, test, expect });

test("what stands in Redis and is no note of ours is left out", async () => {
  const keys = redisKeys(uniqueName("notes"));
  await redis.hset(keys.credentials, {
    a: "{",
    b: "null",
    c: JSON.stringify({ tenant: "x", role: "third", identity: "i", at: 1, ok: true }),
  });
  expect(await createCredentialNotes(redis, keys).read()).toEqual([]);
});
