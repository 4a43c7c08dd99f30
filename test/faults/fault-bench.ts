import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import { createFileStore } from "@mailfleet/blobs";
import {
  type Clock,
  type Lane,
  type Log,
  mailboxId,
  type MailboxRef,
  type MailEvent,
  type MailSource,
  redisKeys,
  Secret,
} from "@mailfleet/core";
import { createByteBudget, type EnginePorts, syncMailbox, type SyncOutcome, type SyncSettings } from "@mailfleet/engine";
import { createKeyRing, createTokenSource } from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createMimeParser } from "@mailfleet/mime";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { systemChance, systemClock, systemDigest } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import {
  createBreakers,
  createFleetReader,
  createMailboxRegistry,
  createMailboxStore,
  createTokenCache,
  redisOptions,
} from "@mailfleet/store";
import { createMemorySignals, noSlots, type RedisOptions, type RunningRedis, silentLog, startRedis } from "@mailfleet/testkit";
import { audit, type Audit } from "./audit.ts";

export const keys = redisKeys("faults");
export const never = new AbortController().signal;
export const calm: SyncSettings = {
  pollMs: 1_000,
  freshWithinMs: 600_000,
  backfill: true,
  folders: { include: ["*"], exclude: [] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: 0, bytes: 0 },
  listMs: 0,
  compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
};

/** One sandbox for all tests of a file, each with mailboxes of its own. */
export interface World {
  readonly sandbox: Sandbox;
  readonly mime: ReturnType<typeof createMimeParser>;
  readonly dir: string;
  /** A mailbox that no other test of the file uses. */
  nextMailbox(): MailboxRef;
  close(): Promise<void>;
}

export async function startWorld(mailboxes: number, messagesEach: number): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-faults-"));
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes, messages: mailboxes * messagesEach }],
    trickle: 0,
    faults: false,
  });
  const mime = createMimeParser({ threads: 1 });
  const addresses = [...(sandbox.tenants[0]?.addresses ?? [])];
  return {
    sandbox,
    mime,
    dir,
    nextMailbox() {
      const address = addresses.shift();
      if (address === undefined) throw new Error("the file's world has fewer mailboxes than tests");
      return { tenant: "contoso", address, protocol: "imap" };
    },
    async close() {
      await mime.close();
      await sandbox.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface WorkerOptions {
  /** Where it finds Redis and the mail server, such as a proxy's ports. */
  readonly redisPort?: number;
  readonly imapPort?: number;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly blobs?: (store: EnginePorts["blobs"]) => EnginePorts["blobs"];
}

/** What a worker process does with one mailbox, in this process. */
export interface BenchWorker {
  readonly ports: EnginePorts;
  sync(lane: Lane, settings?: SyncSettings, ports?: Partial<EnginePorts>): Promise<SyncOutcome>;
  /** Session after session until nothing is left to do, as the producer would give it; failures of Redis and leases are waited out. */
  finish(settings?: SyncSettings, ports?: Partial<EnginePorts>): Promise<void>;
  close(): Promise<void>;
}

/** One Redis, one mailbox, and any number of workers. */
export interface FaultBench {
  readonly mailbox: MailboxRef;
  readonly redisDir: string;
  server: RunningRedis;
  /** A connection of the test's own, straight to `server`. */
  readonly redis: Redis;
  readonly queue: Queue;
  worker(options?: WorkerOptions): Promise<BenchWorker>;
  /** Starts the server again on its files and port. */
  restart(options?: Pick<RedisOptions, "extraArgs">): Promise<void>;
  /** Messages that the ledger counts as handed off. */
  handedOff(): Promise<number>;
  audit(): Promise<Audit>;
  close(): Promise<void>;
}

const finishWithinMs = 90_000;

/** @param world whose next mailbox it takes */
export async function startBench(world: World, options: RedisOptions = {}): Promise<FaultBench> {
  const mailbox = world.nextMailbox();
  const redisDir = await mkdtemp(join(world.dir, "redis-"));
  const blobsDir = await mkdtemp(join(world.dir, "blobs-"));
  const first = await startRedis({ ...options, shared: false, dir: redisDir });
  const { port } = first;
  const redis = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on("error", () => undefined);
  const queue = openMessagesQueue({ connection: connectionTo(port), keys, log: silentLog });
  await createMailboxRegistry(redis, keys).register([mailbox], 0);
  const workers: BenchWorker[] = [];
  const bench: FaultBench = {
    mailbox,
    redisDir,
    server: first,
    redis,
    queue,
    async worker(given = {}) {
      const worker = await openWorker(world, mailbox, blobsDir, { redisPort: port, ...given });
      workers.push(worker);
      return worker;
    },
    async restart(again = {}) {
      bench.server = await startRedis({ ...options, ...again, shared: false, dir: redisDir, port });
    },
    handedOff: async () => Number((await redis.hget(keys.mailbox(mailboxId(mailbox)), "h")) ?? 0),
    audit: () => audit(world.sandbox, mailbox, queue),
    async close() {
      for (const worker of workers) await worker.close();
      await queue.close().catch(() => undefined);
      redis.disconnect();
      await bench.server.stop().catch(() => undefined);
    },
  };
  return bench;
}

export function connectionTo(port: number): ReturnType<typeof redisOptions> {
  return redisOptions({ host: "127.0.0.1", port, db: 0, tls: false });
}

async function openWorker(world: World, mailbox: MailboxRef, blobsDir: string, options: WorkerOptions): Promise<BenchWorker> {
  const { sandbox } = world;
  const { redisPort = 0, log = silentLog, clock = systemClock } = options;
  const connection = connectionTo(redisPort);
  const redis = new Redis(connection as object);
  redis.on("error", (error: Error & { code?: string }) => log.warn({ code: error.code }, "connection to redis failed, trying again"));
  const queue = openMessagesQueue({ connection, keys, log });
  const ca = await readFile(sandbox.caFile, "utf8");
  const [tenant] = sandbox.tenants;
  const tokens = createTokenSource({
    tenants: () => ({
      alias: "contoso",
      tenantId: tenant?.tenantId ?? "",
      clientId: tenant?.clientId ?? "",
      credential: { kind: "secret", secret: new Secret(sandbox.secretOf("contoso")) },
      authority: sandbox.authority,
      isCustomAuthority: true,
      scope: "https://outlook.office365.com/.default",
      caPem: ca,
      protocols: ["imap"],
    }),
    cache: createTokenCache(redis, keys),
    keyRing: () => createKeyRing([new Uint8Array(32)]),
    clock,
    chance: systemChance,
    log,
    scrub: (text) => text,
  });
  const host = { ...sandbox.imap, port: options.imapPort ?? sandbox.imap.port };
  const mail: MailSource = createImapSource({
    endpoint: () => ({ ...host, tls: true, ca }),
    log,
    scrub: (text) => text,
    clock,
    lookUp: lookup,
  });
  const blobs = createFileStore({ dir: blobsDir, clock, chance: systemChance });
  const store = createMailboxStore({ redis, keys, clock, chance: systemChance, log, worker: "bench" });
  const ports: EnginePorts = {
    clock,
    chance: systemChance,
    digest: systemDigest,
    log,
    tokens,
    mail,
    blobs: options.blobs ? options.blobs(blobs) : blobs,
    mime: world.mime,
    store,
    breakers: createBreakers({ redis, keys, clock }),
    handOff: await createHandOff({ queue, keys, clock }),
    gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
    bytes: createByteBudget(64e6),
    slots: noSlots,
    signals: createMemorySignals(clock),
  };
  const reader = createFleetReader(redis, keys);
  const worker: BenchWorker = {
    ports,
    sync: (lane, settings = calm, given = {}) => syncMailbox({ ...ports, ...given }, settings, mailbox, lane, never),
    async finish(settings = calm, given = {}) {
      const until = performance.now() + finishWithinMs;
      for (;;) {
        const outcome = await worker.sync("backfill", settings, given).catch((error: Error) => error);
        if (!(outcome instanceof Error) && outcome.kind === "done") {
          const [record] = await reader.mailboxes();
          if (record && !record.hasHistory && record.ledger.toDo === 0) return;
        }
        if (performance.now() > until) throw new Error(`${mailbox.address} is not finished: ${JSON.stringify(outcome)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close() {
      await tokens.close().catch(() => undefined);
      await queue.disconnect().catch(() => undefined);
      redis.disconnect();
    },
  };
  return worker;
}

/** Resolves to how long it took, in ms, until `look` is true. */
export async function waitUntil(what: string, look: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    if (await look()) return performance.now() - startedAt;
    if (performance.now() - startedAt > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export type { MailEvent };
