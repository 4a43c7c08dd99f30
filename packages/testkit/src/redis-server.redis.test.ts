import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startRedis } from "./redis-server.ts";

test("a started Redis is durable, never evicts, and is gone after stop", async () => {
  const redis = await startRedis({ shared: false });
  const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: null });
  client.on("error", () => undefined);
  await client.connect();
  expect(await client.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
  expect(await client.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
  client.disconnect();
  await redis.stop();
  expect(() => process.kill(redis.pid, 0)).toThrow("ESRCH");
});

test("data survives a kill when the next server gets the same folder", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-redis-"));
  const first = await startRedis({ dir, extraArgs: ["--appendfsync", "always"] });
  const writer = new Redis(first.url, { retryStrategy: null });
  writer.on("error", () => undefined);
  await writer.set("kept", "yes");
  await first.kill();
  const second = await startRedis({ dir, port: first.port });
  const reader = new Redis(second.url);
  expect(await reader.get("kept")).toBe("yes");
  reader.disconnect();
  await second.stop();
  await rm(dir, { recursive: true });
});

test("a password is asked for when one was set", async () => {
  const redis = await startRedis({ password: "p@ss word" });
  const stranger = new Redis({ port: redis.port });
  stranger.on("error", () => undefined);
  await expect(stranger.get("anything")).rejects.toThrow("NOAUTH");
  stranger.disconnect();
  const friend = new Redis(redis.url);
  expect(await friend.ping()).toBe("PONG");
  friend.disconnect();
  await redis.stop();
});

test("a server that cannot start says why", async () => {
  await expect(startRedis({ extraArgs: ["--no-such-option", "1"] })).rejects.toThrow(/did not start on port \d+:[^]*no-such-option/);
});
