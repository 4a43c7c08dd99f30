import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { shardOf } from "@mailfleet/core";
import { startRedis, startRedisCluster, startSentinels } from "@mailfleet/testkit";
import { until } from "./fleet.ts";
import { type ShardedFleet, startShardedFleet } from "./sharded-fleet.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** On a machine that does other things too. */
const limitMs = 120_000;

async function start(env: Record<string, string>): Promise<ShardedFleet> {
  const fleet = await startShardedFleet({ env, mailboxes: 2, messages: 90 });
  closing.push(() => fleet.stop());
  return fleet;
}

const total = (fleet: ShardedFleet): number => [...fleet.sandbox.truth()].filter(({ isMail }) => isMail).length;
const isComplete = (fleet: ShardedFleet) => {
  const all = total(fleet);
  return ({ listed, handedOff, toDo }: { listed: number; handedOff: number; toDo: number }) =>
    listed === all && handedOff === all && toDo === 0;
};

test("a fleet of four shards on a three-node cluster gets every message once, while workers come and go and a primary dies", async () => {
  const cluster = await startRedisCluster({ hasReplicas: true });
  closing.push(() => cluster.stop());
  const fleet = await start({ MAILFLEET_REDIS_CLUSTER: cluster.nodes.join(","), MAILFLEET_SHARDS: "4" });
  const shards = await fleet.openShards();
  const nodes = new Set(await Promise.all(shards.map(async ({ keys }) => (await cluster.nodeOf(keys.fence)).port)));
  expect(nodes.size).toBeGreaterThan(1);
  for (const { redis } of shards) redis.disconnect();

  fleet.start("producer");
  const leaving = fleet.start("worker");
  await fleet.untilSums((sums) => sums.handedOff > 0, limitMs);
  expect(await leaving.stop()).toBe(0);
  // A role that starts while a primary is away ends, and is started again by whoever keeps it running; these are to live through it.
  // The worker last: what it brings before the primary dies is to be little.
  for (const role of ["producer", "worker"] as const) {
    const newcomer = fleet.start(role);
    await until(
      () => Promise.resolve(newcomer.output()),
      (output) => output.includes(" started"),
      limitMs,
    );
  }
  const dying = await cluster.nodeOf(shards[shardOf("contoso", 4) - 1]?.keys.fence ?? "");
  const some = (await fleet.untilSums(() => true, limitMs)).handedOff;
  await dying.kill();
  expect(some).toBeLessThan(total(fleet));
  await fleet.untilSums(isComplete(fleet), limitMs);
  await fleet.expectAllOnce();
});

test("a primary that Sentinels replace in the middle of a sync costs nothing and doubles nothing", async () => {
  const sentinels = await startSentinels();
  closing.push(() => sentinels.stop());
  const fleet = await start({ MAILFLEET_REDIS_SENTINELS_NODES: sentinels.nodes.join(","), MAILFLEET_REDIS_SENTINELS_NAME: sentinels.name });
  fleet.start("producer");
  fleet.start("worker");
  const { handedOff } = await fleet.untilSums((sums) => sums.handedOff > 20, limitMs);
  const dying = await sentinels.primary();
  await dying.kill();
  expect(handedOff).toBeLessThan(total(fleet));
  await fleet.untilSums(isComplete(fleet), limitMs);
  expect((await sentinels.primary()).port).not.toBe(dying.port);
  await fleet.expectAllOnce();
});

test("of two servers one is away, and the other's tenants go on; another number of shards, or another order, is refused", async () => {
  const first = await startRedis({ shared: false });
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-second-"));
  let second = await startRedis({ shared: false, dir });
  closing.push(
    () => first.stop(),
    async () => {
      await second.stop();
      await rm(dir, { recursive: true, force: true });
    },
  );
  const urls = [first.url, second.url];
  const fleet = await start({ MAILFLEET_REDIS_URLS: urls.join(",") });
  fleet.start("producer");
  const worker = fleet.start("worker");
  await fleet.untilSums((sums) => sums.handedOff > 20, limitMs);
  await second.kill();
  const inFirst = [...fleet.sandbox.truth()].filter(({ isMail, tenant }) => isMail && shardOf(tenant, 2) === 1).length;
  await fleet.untilSumsOf(1, (sums) => sums.handedOff === inFirst && sums.toDo === 0, limitMs);
  second = await startRedis({ shared: false, dir, port: second.port });
  await fleet.untilSums(isComplete(fleet), limitMs);
  await fleet.expectAllOnce();
  expect(await worker.stop()).toBe(0);

  const more = fleet.start("worker", { MAILFLEET_SHARDS: "4" });
  expect(await more.ended).toBe(2);
  expect(more.output()).toContain("The fleet mailfleet was started with 2 shards, and the configuration says 4. Set shards: 2.");
  const swapped = fleet.start("producer", { MAILFLEET_REDIS_URLS: urls.toReversed().join(",") });
  expect(await swapped.ended).toBe(2);
  expect(swapped.output()).toMatch(/holds shard 2 of the fleet mailfleet.*redis\.urls/);
});
