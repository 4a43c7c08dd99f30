import { Redis } from "ioredis";
import { emptyLedger, type FolderLedger, type MailboxRef, mailboxId, redisKeys, type RedisKeys, type Cause } from "@mailfleet/core";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { connectRedis, createFleetReader, createMailboxRegistry, createMailboxStore, redisOptions } from "@mailfleet/store";
import {
  describeFleetStore,
  type FleetStoreHarness,
  type RunningRedisCluster,
  seededChance,
  sharedRedisUrl,
  silentLog,
  startRedisCluster,
  uniqueName,
} from "@mailfleet/testkit";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) await close();
});

/** A client for scripts and the options of BullMQ's. */
interface Place {
  readonly redis: Redis;
  readonly connection: ReturnType<typeof redisOptions>;
}

async function oneServer(): Promise<Place> {
  const { hostname, port } = new URL(sharedRedisUrl());
  const connection = redisOptions({ host: hostname, port: Number(port || 6379), db: 0, tls: false });
  return { redis: new Redis(sharedRedisUrl()), connection };
}

let cluster: RunningRedisCluster | undefined;
afterAll(() => cluster?.stop());

async function aCluster({ bullPrefix }: RedisKeys): Promise<Place> {
  cluster ??= await startRedisCluster();
  const nodes = cluster.nodes.map((node) => ({ host: "127.0.0.1", port: Number(node.split(":")[1]) }));
  const target = { host: "127.0.0.1", port: 0, db: 0, tls: false, cluster: { nodes, slotOf: bullPrefix } };
  return { redis: await connectRedis(target, silentLog), connection: redisOptions(target) };
}

async function harness(open: (keys: RedisKeys) => Promise<Place>): Promise<FleetStoreHarness> {
  const keys = redisKeys(uniqueName("conformance"), 2);
  const { redis, connection } = await open(keys);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const queue = openMessagesQueue({ connection, keys, log: silentLog });
  closers.push(
    () => queue.close(),
    () => redis.disconnect(),
  );
  let passed = 0;
  const clock = { now: Date.now, monotonic: () => passed, sleep: () => Promise.resolve() };
  const process = async (worker: string, seed: number) => ({
    store: createMailboxStore({ redis, keys, clock, chance: seededChance(seed), log: silentLog, worker }),
    handOff: await createHandOff({ queue, keys, clock }),
  });
  const readLedger = async (key: string): Promise<FolderLedger> => {
    const [listed = 0, handedOff = 0, excluded = 0, quarantined = 0, toDo = 0] = (await redis.hmget(key, "l", "h", "e", "q", "t")).map(
      Number,
    );
    return { ...emptyLedger, listed, handedOff, excluded, quarantined, toDo };
  };
  const dueAt = async (lane: "fresh" | "backfill", { tenant, address }: MailboxRef) =>
    (await redis.zscore(keys.due(lane, tenant), mailboxId({ tenant, address }))) ?? undefined;
  return {
    processes: [await process("one", 1), await process("two", 2)],
    register: async (mailbox) => void (await createMailboxRegistry(redis, keys).register([mailbox], 0)),
    expireLease: async (mailbox) => void (await redis.del(keys.lease(mailboxId(mailbox)))),
    async pass(ms) {
      for (const until = passed + ms; passed < until;) {
        passed += 1_000;
        vi.advanceTimersByTime(1_000);
        // What the timers asked is answered before what is asked here.
        await redis.ping();
      }
    },
    jobs: async () =>
      (await queue.getJobs(["waiting"], 0, -1, true)).map((job) => ({
        id: job.id ?? "",
        type: job.name,
        json: JSON.stringify(job.data),
      })),
    async facts(mailbox) {
      const id = mailboxId(mailbox);
      const [cause, opened, poke] = await redis.hmget(keys.mailbox(id), "cause", "opened", "poke");
      const [fresh, backfill] = [await dueAt("fresh", mailbox), await dueAt("backfill", mailbox)];
      const leaseToken = await redis.get(keys.lease(id));
      return {
        ledger: await readLedger(keys.mailbox(id)),
        opened: opened === "1",
        isPoked: poke === "1",
        ...(fresh !== undefined && { freshDueAt: Number(fresh) }),
        ...(backfill !== undefined && { backfillDueAt: Number(backfill) }),
        ...(cause && { cause: JSON.parse(cause) as Cause }),
        ...(leaseToken !== null && { leaseToken }),
      };
    },
    now: () => createFleetReader(redis, keys).now(),
    ledgers: async (tenant) => ({ tenant: await readLedger(keys.tenantLedger(tenant)), fleet: await readLedger(keys.fleetLedger) }),
    stored: async (mailbox, folder) => (await redis.hget(keys.checkpoints(mailboxId(mailbox)), folder)) ?? undefined,
    overwrite: async (mailbox, folder, text) => void (await redis.hset(keys.checkpoints(mailboxId(mailbox)), folder, text)),
  };
}

describeFleetStore("Redis", () => harness(oneServer), { describe, test, expect });
describeFleetStore("a Redis Cluster", () => harness(aCluster), { describe, test, expect });
