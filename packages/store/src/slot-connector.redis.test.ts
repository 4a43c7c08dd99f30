import { readFileSync } from "node:fs";
import { Cluster, Redis } from "ioredis";
import { fleetShards, mostShards, type RedisTarget, Secret } from "@mailfleet/core";
import { recordingLog, type RunningRedisCluster, silentLog, startRedis, startRedisCluster } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectRedis, inspectRedis, redisOptions } from "./connection.ts";

let cluster: RunningRedisCluster;
const clients: Redis[] = [];
beforeAll(async () => {
  cluster = await startRedisCluster({ hasReplicas: true });
}, 60_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => cluster?.stop());

const nodes = () => cluster.nodes.map((node) => ({ host: "127.0.0.1", port: Number(node.split(":")[1]) }));
const targetOf = (key: string): RedisTarget => ({
  host: "127.0.0.1",
  port: 0,
  db: 0,
  tls: false,
  cluster: { nodes: nodes(), slotOf: key },
});
async function connect(key: string): Promise<Redis> {
  const client = await connectRedis(targetOf(key), silentLog);
  clients.push(client);
  return client;
}

test("each shard's client goes to the node that has its slot, and everything of a plain client works there", async () => {
  const ports = new Set<number | undefined>();
  for (const { keys, target } of fleetShards({ name: "mailfleet", shards: 4 }, [targetOf("x")])) {
    const redis = await connectRedis(target, silentLog);
    clients.push(redis);
    expect(redis.options.port).toBe((await cluster.nodeOf(keys.fence)).port);
    ports.add(redis.options.port);
    await redis.multi().set(keys.fence, "1").incr(keys.fence).exec();
    expect(await redis.eval("return redis.call('GET', KEYS[1])", 1, keys.fence)).toBe("2");
    expect((await inspectRedis(redis)).problems).toEqual([]);
  }
  expect(ports.size).toBeGreaterThan(1);
});

test("whoever has a user of deploy/redis/users.acl finds the nodes of a cluster and works there", async () => {
  const file = readFileSync(new URL("../../../deploy/redis/users.acl", import.meta.url), "utf8");
  const lines = [...file.matchAll(/^user (worker|consumer) (.*)$/gm)];
  for (const { host, port } of nodes()) {
    const admin = new Redis({ host, port });
    for (const [, user = "", rules = ""] of lines)
      await admin.call("ACL", "SETUSER", user, ...rules.replace(/#\S+/, `>${user}-password`).split(" "));
    admin.disconnect();
  }
  const [{ keys, target }] = fleetShards({ name: "mailfleet", shards: 2 }, [targetOf("x")]) as [ReturnType<typeof fleetShards>[0]];
  const worker = await connectRedis({ ...target, username: "worker", password: new Secret("worker-password") }, silentLog);
  clients.push(worker);
  expect(await worker.incr(keys.fence)).toBeGreaterThan(0);
  const consumer = new Cluster(nodes(), { redisOptions: { username: "consumer", password: "consumer-password" } });
  expect(await consumer.llen("{mailfleet}:messages:wait")).toBe(0);
  consumer.disconnect();
});

test("a slot that moves to another node while commands go on takes its client along, and no command fails or is done twice", async () => {
  const key = "{moving}:counter";
  const redis = await connect(key);
  const before = redis.options.port;
  await redis.set("{moving}:filler", "x");
  const done = new AbortController();
  const counting = (async () => {
    let count = 0;
    for (; !done.signal.aborted; count++)
      await redis.eval("redis.call('SET', KEYS[2], 'y') return redis.call('INCR', KEYS[1])", 2, key, "{moving}:filler");
    return count;
  })();
  await cluster.moveSlot(key);
  expect(await redis.get("{moving}:filler")).not.toBeNull();
  done.abort();
  const count = await counting;
  expect(count).toBeGreaterThan(10);
  expect(Number(await redis.get(key))).toBe(count);
  expect(redis.options.port).not.toBe(before);
  expect(redis.options.port).toBe((await cluster.nodeOf(key)).port);
});

test("a primary that dies is followed to its replica, by a client that waits, one that blocks and one that listens", async () => {
  const key = "{failing}:list";
  const [redis, blocked, listener, teller] = [await connect(key), await connect(key), await connect(key), await connect(key)];
  const popped = blocked.blpop(key, 0);
  const heard = new Promise<string>((resolve) => listener.on("message", (_channel, text: string) => resolve(text)));
  await listener.subscribe("{failing}:signals");
  await redis.set("{failing}:kept", "1");
  await redis.wait(1, 5_000);
  const owner = await cluster.nodeOf(key);
  await owner.kill();
  const answer = redis.get("{failing}:kept");
  expect(await answer).toBe("1");
  expect(redis.options.port).not.toBe(owner.port);
  await redis.rpush(key, "job");
  expect(await popped).toEqual([key, "job"]);
  const telling = setInterval(() => void teller.publish("{failing}:signals", "news").catch(() => undefined), 50);
  expect(await heard).toBe("news");
  clearInterval(telling);
  await owner.restart();
}, 60_000);

test("a server that is no cluster, and a cluster's node that is named as a server, are told apart", async () => {
  const single = await startRedis({ shared: false });
  const log = recordingLog();
  try {
    const target = { ...targetOf("x"), cluster: { nodes: [{ host: "127.0.0.1", port: single.port }], slotOf: "x" } };
    await expect(connectRedis(target, log)).rejects.toThrow(/the cluster of 127\.0\.0\.1:\d+ does not answer \(NO_CLUSTER\)/);
    const [node] = nodes();
    const plain = await connectRedis({ host: "127.0.0.1", port: node?.port ?? 0, db: 0, tls: false }, silentLog);
    clients.push(plain);
    expect((await inspectRedis(plain)).problems.join()).toMatch(/is a node of a cluster.*redis\.cluster/);
  } finally {
    await single.stop();
  }
});

test("as many shards as are allowed are in slots of their own", async () => {
  const redis = await connect("x");
  const shards = fleetShards({ name: "mailfleet", shards: mostShards }, [targetOf("x")]);
  const slots = await Promise.all(shards.map(({ keys }) => redis.call("CLUSTER", "KEYSLOT", keys.bullPrefix)));
  expect(new Set(slots).size).toBe(mostShards);
  expect(redisOptions(targetOf("x")).db).toBe(0);
});
