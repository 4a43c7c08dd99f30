import { afterEach, expect, test } from "vitest";
import { loadConfig } from "@mailfleet/config";
import { closeShards, connectRedis } from "@mailfleet/store";
import {
  fakeClock,
  freePort,
  recordingLog,
  type RedisOptions,
  type RunningRedis,
  seededChance,
  silentLog,
  startRedis,
} from "@mailfleet/testkit";
import { awaitRedis, type OpenRedis } from "./await-redis.ts";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startServer(options: RedisOptions = {}): Promise<RunningRedis> {
  const server = await startRedis({ shared: false, ...options });
  closers.push(() => server.stop());
  return server;
}

/** A start on a clock that stands still: each pause is a step of the test. */
function begin(url: string) {
  const loaded = loadConfig({ env: { MAILFLEET_REDIS_URL: url }, cwd: "/" });
  if (!loaded.ok) throw new Error(loaded.problems[0]?.found);
  const clock = fakeClock();
  const log = recordingLog();
  const away: string[] = [];
  const opening = awaitRedis({
    config: loaded.config,
    marksShards: true,
    clock,
    chance: seededChance(),
    log,
    onAway: (what) => void away.push(what),
  });
  opening.catch(() => undefined);
  closers.push(async () => closeShards((await opening.catch((): OpenRedis => ({ shards: [], version: "" }))).shards));
  return { opening, clock, log, away };
}

test("a start waits for a Redis that is away, says so, and goes on when it is there", async () => {
  const port = await freePort();
  const { opening, clock, log, away } = begin(`redis://127.0.0.1:${port}`);
  for (let tries = 0; tries < 3; tries++) {
    await clock.untilSleeping();
    await clock.advance(5_000);
  }
  await clock.untilSleeping();
  expect(away).toHaveLength(4);
  expect(away[0]).toBe(`Redis at 127.0.0.1:${port} does not answer (ECONNREFUSED). The start waits for it, and goes on when it does.`);
  expect(log.messages("warn")).toContain(away[0]);
  await startServer({ port });
  await clock.advance(5_000);
  expect((await opening).version).toMatch(/^\d+\./);
  expect(log.messages("info")).toContain("Redis answers, the start goes on");
});

test("a start at a replica waits until that is the primary, and marks nothing before", async () => {
  const server = await startServer();
  const redis = await connectRedis({ host: "127.0.0.1", port: server.port, db: 0, tls: false }, silentLog);
  closers.push(() => redis.disconnect());
  await redis.replicaof("127.0.0.1", await freePort());
  const { opening, clock, away } = begin(server.url);
  await clock.untilSleeping();
  expect(away[0]).toContain("READONLY");
  expect(await redis.dbsize()).toBe(0);
  await redis.replicaof("NO", "ONE");
  await clock.advance(5_000);
  await opening;
  expect(await redis.dbsize()).toBe(1);
});

test.each<[string, RedisOptions, object]>([
  ["a password that is refused", { password: "right" }, { code: "REDIS_UNAVAILABLE", facts: { code: "NOAUTH" } }],
  ["a Redis that would throw state away", { extraArgs: ["--maxmemory-policy", "allkeys-lru"] }, { code: "CONFIG_INVALID" }],
])("%s ends the start: no waiting mends it", async (_, options, failure) => {
  const server = await startServer(options);
  const { opening, away } = begin(`redis://127.0.0.1:${server.port}`);
  await expect(opening).rejects.toMatchObject({ failure });
  expect(away).toEqual([]);
});
