import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { sharedDovecot, sharedRedisUrl } from "./shared-services.ts";

test("the run's Redis answers under the provided URL", async () => {
  const client = new Redis(sharedRedisUrl());
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

test("a test that asks for a service its file name does not promise is told so", async () => {
  await expect(sharedDovecot()).rejects.toThrow("name the file *.imap.test.ts");
});
