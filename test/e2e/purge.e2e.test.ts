import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Queue, UnrecoverableError, Worker } from "bullmq";
import { Redis } from "ioredis";
import { createFileStore } from "@mailfleet/blobs";
import { loadConfig } from "@mailfleet/config";
import { type MailboxRef, type MailEvent, redisKeys, shardOf } from "@mailfleet/core";
import { createMailboxDesk, openMessagesQueue, openSyncQueues } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createActivityLog, createDiscardLists, redisOptions } from "@mailfleet/store";
import { type RunningRedis, silentLog, startRedis } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCaptured } from "../../apps/cli/src/captured-run.fixture.ts";
import { wirePurge } from "../../apps/cli/src/purge/wire-purge.ts";
import { openFleet } from "../../apps/cli/src/wire.ts";
import { root, startProgram, until } from "./fleet.ts";
import { needlesOf, searchEverywhere } from "./purge-search.ts";

/** The tenant's mailboxes are in another shard than what is the fleet's. */
const shardCount = 3;
const keys = redisKeys("mailfleet", shardOf("contoso", shardCount));
const fleetKeys = redisKeys();
let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
let queue: Queue;
let config: string;
/** Of the one that is purged, and of its neighbour. */
let gone: MailboxRef;
let stays: MailboxRef;
let connection: object;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-purge-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 2, messages: 40 }],
    trickle: 0,
    faults: false,
  });
  // Uncompressed, so that what is searched for is found where it is; every command is slow.
  server = await startRedis({ shared: false, extraArgs: ["--rdbcompression", "no", "--slowlog-log-slower-than", "0"] });
  redis = new Redis(server.url);
  const [tenant] = sandbox.tenants;
  const [first = "", second = ""] = tenant?.addresses ?? [];
  gone = { tenant: "contoso", address: first, protocol: "imap" };
  stays = { tenant: "contoso", address: second, protocol: "imap" };
  config = join(dir, "mailfleet.yaml");
  await writeFile(
    config,
    `redis: { url: ${server.url} }
shards: ${shardCount}
dataDir: ${join(dir, "data")}
blobs: { dir: ${join(dir, "blobs")} }
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ${join(dir, "sandbox", "secret-contoso")} }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, caFile: ${sandbox.caFile} }
    mailboxes: [${second}]
`,
  );
  connection = redisOptions({ host: "127.0.0.1", port: server.port, db: 0, tls: false });
  queue = openMessagesQueue({ connection, keys, log: silentLog });
});
afterAll(async () => {
  await queue.close();
  redis.disconnect();
  await server.stop();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

async function verb(
  ...args: string[]
): Promise<{ readonly code: number | undefined; readonly doc: Record<string, unknown>; readonly err: string }> {
  const { code, out, err } = await runCaptured({ args: [...args, "--config", config, "--json", "--progress", "none"], cwd: dir });
  return { code, doc: JSON.parse(out) as Record<string, unknown>, err };
}

/** Everything of both mailboxes, once. */
async function syncAll(): Promise<MailEvent[]> {
  expect(await verb("mailboxes", "add", gone.address, "--tenant", "contoso")).toMatchObject({ code: 0 });
  const up = startProgram([join(root, "apps/cli/src/main.ts"), "up", "--once", "--config", config]);
  expect([await up.ended, up.output()]).toEqual([0, expect.any(String)]);
  return eventsNow();
}

const eventsNow = async (): Promise<MailEvent[]> =>
  (await queue.getJobs(["waiting", "active", "delayed", "failed"], 0, -1, true)).map((job) => job.data as MailEvent);
const discards = () => createDiscardLists([fleetKeys, keys].map((names) => ({ redis, keys: names })));
const blobs = () => createFileStore({ dir: join(dir, "blobs"), clock: systemClock, chance: systemChance });
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const search = (needles: readonly string[]) => searchEverywhere(redis, [server.dir, join(dir, "data"), join(dir, "blobs")], needles);
const of = (events: readonly MailEvent[], { address }: MailboxRef): MailEvent[] => events.filter((event) => event.mailbox === address);

/** Each message's bytes as text, by its key. */
async function rawsOf(events: readonly MailEvent[]): Promise<Map<string, string>> {
  const raws = new Map<string, string>();
  for (const event of events) {
    if (event.type === "message.added") raws.set(event.key, Buffer.from(await blobs().read(event.raw)).toString("latin1"));
  }
  return raws;
}

/** All that people, consumers and faults leave behind a mailbox beside its mail. */
async function leaveTraces({ address, tenant }: MailboxRef): Promise<void> {
  const id = `${tenant}/${address}`;
  const worker = new Worker("messages", null, { connection, prefix: keys.bullPrefix, autorun: false, name: "indexer" });
  const ids = (await queue.getWaiting(0, -1)).filter((job) => (job.data as MailEvent).mailbox === address).map((job) => job.id ?? "");
  // In a consumer's hands, to be tried again, given up, and discarded.
  for (const [n, job] of ids.slice(0, 4).entries()) {
    await redis.multi().lrem(`${keys.bullPrefix}:messages:wait`, 1, job).rpush(`${keys.bullPrefix}:messages:wait`, job).exec();
    const taken = await worker.getNextJob(`token ${n}`);
    if (n === 1) await taken?.moveToFailed(new Error(`no index for ${address}`), `token ${n}`);
    if (n === 2) await taken?.moveToFailed(new UnrecoverableError(`no index for <${address}>`), `token ${n}`);
  }
  await worker.close();
  const under = await discards().begin({ at: Date.now(), who: "anna", cause: `c7f2 of ${address}` });
  await redis.rpush(keys.discarded(under), ids[4] ?? "");
  // Where versions before kept the names of all shards.
  await redis.rpush(fleetKeys.discarded(under), ids[5] ?? "");
  const activity = createActivityLog(redis, fleetKeys);
  const entry = { who: "anna", by: "people", verb: "park", tenant, count: 1, outcome: "done" } as const;
  await activity.write({
    ...entry,
    mailbox: address,
    words: "1 done",
    reason: "the heir asked",
    command: `npx mailfleet mailboxes park ${address}`,
  });
  await activity.write({ ...entry, words: `2 mailboxes, ${address} among them` });
  for (const kind of ["login", "access", "reach", "throttle"] as const) await redis.zadd(keys.refused(tenant, kind), Date.now(), id);
  if ((await redis.exists(keys.hold(tenant))) === 0)
    await redis.hset(keys.hold(tenant), { id: "h1", mailbox: id, text: `refused for ${address}` });
  await redis.hset(keys.pushTries, id, "3");
  await redis.zadd(keys.pushFree(tenant), Date.now(), id);
  const sync = openSyncQueues({ connection, keys, log: silentLog });
  await sync.add("fresh", [{ id, isAhead: false }]);
  await sync.add("fresh", [{ id, isAhead: false }]);
  await sync.close();
  expect(await verb("dead-letters", "list")).toMatchObject({ code: 0 });
  expect(await verb("prove", address)).toMatchObject({ code: 0 });
}

test("after a purge nothing of the mailbox is found in Redis, its files, blobs or logs; its neighbour has everything, and it begins afresh", async () => {
  const events = await syncAll();
  await leaveTraces(gone);
  await leaveTraces(stays);
  const raws = await rawsOf(events);
  const [needles, others] = [needlesOf(gone.address, events, raws), needlesOf(stays.address, events, raws)];
  const [before, othersBefore] = [await search(needles), await search(others)];
  // What is searched for stands somewhere, and in many places: else finding nothing later would mean nothing.
  expect([...before.keys()].sort()).toEqual([...needles].sort());
  expect(needles.length).toBeGreaterThan(50);
  const places = new Set([...before.values()].flat().map((where) => where.replace(dir, "").replace(server.dir, "redis")));
  for (const where of [
    `value of ${keys.bullPrefix}:messages:events`,
    "value of {mailfleet}:mf:activity",
    "/data/mailfleet.log",
    "the slow log",
  ])
    expect([...places].filter((place) => place.includes(where))).not.toEqual([]);
  for (const where of [
    "discarded:",
    "sync-fresh:de:",
    "/data/proofs/",
    "/data/dead-letters/",
    ".pack",
    "/index/",
    "appendonlydir",
    ":hold:",
    ":refused:",
  ])
    expect([...places].filter((place) => place.includes(where))).not.toEqual([]);

  const plan = await verb("mailboxes", "remove", gone.address, "--purge", "--dry-run");
  expect(plan).toMatchObject({
    code: 0,
    doc: { schema: "mailfleet.purge/1", isDryRun: true, total: { letters: 1, discarded: 2, proofs: 2 } },
  });
  expect(new Map([...(await search(needles))].map(([needle]) => [needle, true])).size).toBe(needles.length);

  const done = await verb("mailboxes", "remove", gone.address, "--purge", "--yes");
  expect(done).toMatchObject({
    code: 0,
    doc: { isDryRun: false, left: [], comesBack: [], total: { letters: 1, discarded: 2, proofs: 2 } },
  });
  const told = done.doc["total"] as Record<string, number>;
  expect(told["events"]).toBe(of(events, gone).length - 1);
  expect(told["folders"]).toBeGreaterThan(1);

  await redis.bgsave();
  await until(
    async () => [...(await search(needles))].map(([needle, where]) => `${needle} in ${where.join(", ")}`),
    (found) => found.length === 0,
    60_000,
  );
  expect(await readFile(join(server.dir, "dump.rdb"))).not.toHaveLength(0);

  // The neighbour: every needle is where it was but in what was written anew, and every byte is readable.
  const othersAfter = await search(others);
  const isSteady = (where: string): boolean => /^(?:key|value) .*(?<!:lock)$/.test(where) || where.endsWith(".pack");
  const steady = (found: Map<string, string[]>) =>
    new Map([...found].map(([needle, where]) => [needle, where.filter(isSteady).sort()] as const));
  expect(steady(othersAfter)).toEqual(steady(othersBefore));
  for (const event of of(await eventsNow(), stays)) {
    if (event.type === "message.added") expect(sha256(await blobs().read(event.raw))).toBe(event.raw.sha256);
  }
  const { entries } = await createActivityLog(redis, fleetKeys).read({ who: "people", count: 50 });
  expect(entries.map(({ verb: what, mailbox }) => [what, mailbox])).toEqual([
    ["purge", undefined],
    ["park", undefined],
    ["park", stays.address],
    ["park", undefined],
    ["park", undefined],
  ]);
  expect((await discards().list(Date.now())).map(({ letters }) => letters)).toEqual([2]);

  await redis.del(keys.hold("contoso"));
  const again = await syncAll();
  expect(
    of(again, gone)
      .map(({ key }) => key)
      .sort(),
  ).toEqual(
    of(events, gone)
      .map(({ key }) => key)
      .sort(),
  );
  expect(of(again, stays)).toHaveLength(of(events, stays).length);
});

test("a purge that dies at any of its effects is finished by the next one, also of a mailbox that was removed before", async () => {
  await leaveTraces(gone);
  expect(await verb("mailboxes", "remove", gone.address)).toMatchObject({ code: 0, doc: { purged: false, removed: [gone.address] } });
  // Neither registered nor configured: found by what is stored of it.
  expect(await verb("mailboxes", "remove", gone.address, "--purge", "--dry-run")).toMatchObject({
    code: 0,
    doc: { total: { letters: 1, discarded: 2 }, mailboxes: [{ tenant: "contoso", address: gone.address }] },
  });
  const events = await eventsNow();
  const needles = needlesOf(gone.address, events, await rawsOf(events));
  const loaded = loadConfig({ file: config, env: {}, cwd: dir });
  if (!loaded.ok) throw new Error("the configuration is good");
  const fleet = await openFleet(loaded.config);
  const desk = await createMailboxDesk({ queue, keys, clock: systemClock });
  let deaths = 0;
  try {
    for (let effects = 1; ; effects++) {
      const shards = fleet.shards.map((shard) => ({ ...shard, redis: dyingAfter(shard.redis, effects) }));
      const mortal = { ...fleet, shards, first: shards[0] ?? fleet.first };
      try {
        await wirePurge(loaded.config, mortal, desk).purge(gone, () => undefined);
        break;
      } catch (error) {
        expect(String(error)).toContain("died");
        deaths++;
      }
    }
    expect(deaths).toBeGreaterThan(5);
    expect(await wirePurge(loaded.config, fleet, desk).finish([gone])).toEqual([]);
  } finally {
    fleet.close();
  }
  await until(
    async () => [...(await search(needles))].map(([needle, where]) => `${needle} in ${where.join(", ")}`),
    (found) => found.length === 0,
    60_000,
  );
});

const writes = new Set(["eval", "zrem", "lrem"]);

/** A client whose process dies before the effect number n + 1: from then on it does nothing at all. */
function dyingAfter(client: Redis, effects: number): Redis {
  let left = effects;
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (writes.has(String(name)) && left-- <= 0) left = -1;
        if (left < 0) return Promise.reject(new Error("died"));
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}
