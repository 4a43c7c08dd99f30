import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { type RunningRedis, startRedis } from "./redis-server.ts";

export interface RedisClusterOptions {
  /** Default 3. */
  readonly primaries?: number;
  /** One for each primary; default false. */
  readonly hasReplicas?: boolean;
}

export interface RunningRedisCluster {
  /** host:port of the first primaries. */
  readonly nodes: readonly string[];
  /** The node that serves the key's slot now. */
  nodeOf(key: string): Promise<RedisClusterNode>;
  /** Moves the key's slot with all that is in it to another primary, as an operator's resharding does. */
  moveSlot(key: string): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisClusterNode {
  readonly port: number;
  readonly pid: number;
  /** As a crash. */
  kill(): Promise<void>;
  /** On the data that it left. */
  restart(): Promise<void>;
}

/** A primary that is silent for this long is replaced, ms. Long enough for a machine that has other things to do. */
const nodeTimeoutMs = 2_000;
const readyWithinMs = 30_000;
const slots = 16_384;

/** A Redis Cluster of local servers, each as mailfleet demands it. Needs redis-server 7 or newer. */
export async function startRedisCluster({ primaries = 3, hasReplicas = false }: RedisClusterOptions = {}): Promise<RunningRedisCluster> {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-cluster-"));
  const members: Member[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    for (let i = 0; i < primaries * (hasReplicas ? 2 : 1); i++) members.push(await startMember(path.join(dir, String(i))));
    await form(members, primaries);
    return {
      nodes: members.slice(0, primaries).map(({ port }) => `127.0.0.1:${port}`),
      nodeOf: (key) => ownerOf(members, key),
      moveSlot: (key) => moveSlot(members, key),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Member extends RedisClusterNode {
  readonly busPort: number;
  /** Undefined while it is down. */
  readonly running: RunningRedis | undefined;
  ask<T>(use: (client: Redis) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

async function startMember(dir: string): Promise<Member> {
  const busPort = await freePort();
  const extraArgs = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(nodeTimeoutMs), "--cluster-port", String(busPort)];
  const start = (port?: number): Promise<RunningRedis> => startRedis({ dir, extraArgs, ...(port !== undefined && { port }) });
  let running: RunningRedis | undefined = await start();
  const { port } = running;
  return {
    port,
    busPort,
    get pid() {
      return running?.pid ?? 0;
    },
    get running() {
      return running;
    },
    async ask(use) {
      const client = new Redis({ host: "127.0.0.1", port, retryStrategy: null, maxRetriesPerRequest: 0, commandTimeout: 5_000 });
      client.on("error", () => undefined);
      try {
        return await use(client);
      } finally {
        client.disconnect();
      }
    },
    async kill() {
      const dying = running;
      running = undefined;
      await dying?.kill();
    },
    async restart() {
      running ??= await start(port);
    },
    async stop() {
      await running?.kill();
      running = undefined;
    },
  };
}

async function form(members: readonly Member[], primaries: number): Promise<void> {
  const [first] = members as readonly [Member, ...Member[]];
  for (const [i, member] of members.entries()) {
    await member.ask(async (client) => {
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
      if (i < primaries) {
        const [from, to] = [Math.floor((i * slots) / primaries), Math.floor(((i + 1) * slots) / primaries) - 1];
        await client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
      }
      if (i > 0) await client.call("CLUSTER", "MEET", "127.0.0.1", String(first.port), String(first.busPort));
    });
  }
  await eventually("all nodes know each other", async () => {
    const known = await Promise.all(members.map((member) => member.ask((client) => client.call("CLUSTER", "INFO") as Promise<string>)));
    return known.every((info) => info.includes(`cluster_known_nodes:${members.length}`) && info.includes("cluster_state:ok"));
  });
  const ids = await Promise.all(members.map((member) => member.ask((client) => client.call("CLUSTER", "MYID") as Promise<string>)));
  const replicas = members.slice(primaries);
  // One that was just met is not known to be a primary yet.
  for (const [i, replica] of replicas.entries())
    await eventually("a replica has its primary", () =>
      replica
        .ask((client) => client.call("CLUSTER", "REPLICATE", ids[i] as string))
        .then(
          () => true,
          () => false,
        ),
    );
  await eventually("all replicas follow", async () => {
    const infos = await Promise.all(replicas.map((replica) => replica.ask((client) => client.info("replication"))));
    return infos.every((info) => info.includes("master_link_status:up"));
  });
  // Nobody stands in for a primary of which the others do not know it as a replica.
  await eventually("all nodes know who follows whom", async () => {
    const lists = await Promise.all(members.map((member) => member.ask((client) => client.call("CLUSTER", "NODES") as Promise<string>)));
    return lists.every((list) => list.split("\n").filter((line) => /[ ,]slave /.test(line)).length === replicas.length);
  });
}

async function ownerOf(members: readonly Member[], key: string): Promise<Member> {
  for (const member of members) {
    if (!member.running) continue;
    const port = await member
      .ask(async (client) => {
        const slot = (await client.call("CLUSTER", "KEYSLOT", key)) as number;
        const ranges = (await client.call("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
        return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
      })
      .catch(() => undefined);
    const owner = members.find((one) => one.port === port && one.running);
    if (owner) return owner;
  }
  throw new Error(`no node serves ${key}`);
}

async function moveSlot(members: readonly Member[], key: string): Promise<void> {
  const from = await ownerOf(members, key);
  const isPrimary = await Promise.all(
    members.map((member) =>
      member.running === undefined
        ? Promise.resolve(false)
        : member.ask(async (client) => (await client.info("replication")).includes("role:master")),
    ),
  );
  const to = members.find((member, i) => isPrimary[i] && member !== from);
  if (to === undefined) throw new Error("there is no other primary");
  const [fromId, toId] = await Promise.all([from, to].map((one) => one.ask((client) => client.call("CLUSTER", "MYID") as Promise<string>)));
  await from.ask(async (source) => {
    const slot = String(await source.call("CLUSTER", "KEYSLOT", key));
    await to.ask((target) => target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId as string));
    await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId as string);
    for (;;) {
      const names = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[];
      if (names.length === 0) break;
      await source.call("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...names);
    }
    await to.ask((target) => target.call("CLUSTER", "SETSLOT", slot, "NODE", toId as string));
    await source.call("CLUSTER", "SETSLOT", slot, "NODE", toId as string);
  });
}

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + readyWithinMs;
  while (!(await look())) {
    if (Date.now() > until) throw new Error(`not within ${readyWithinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
