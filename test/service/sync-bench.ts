import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Queue } from "bullmq";
import { Redis } from "ioredis";
import {
  byProtocol,
  type MailboxRef,
  type MailEvent,
  type MailSource,
  type Protocol,
  redisKeys,
  type RedisKeys,
  Secret,
} from "@mailfleet/core";
import { createFileStore } from "@mailfleet/blobs";
import { createByteBudget, type EnginePorts, syncMailbox, type SyncOutcome, type SyncSettings } from "@mailfleet/engine";
import { createKeyRing, createTokenSource, type EntraTokenSource } from "@mailfleet/entra";
import { createImapSource, type ImapSourceOptions } from "@mailfleet/imap";
import { createMimeParser } from "@mailfleet/mime";
import { createPop3Source, type Pop3SourceOptions } from "@mailfleet/pop3";
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
import { type Fault } from "./session-faults.ts";
import { createMemorySignals, noSlots, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

export let dir: string;
export let sandbox: Sandbox;
export let redis: Redis;
let mime: ReturnType<typeof createMimeParser>;
let tokens: EntraTokenSource;
export let keys: RedisKeys;
export let queue: Queue;
export let ports: EnginePorts;
export const noFault: Fault = (session) => session;
/** What a test turns. */
export const world = { clockOffset: 0, isDraining: false, fault: noFault };
export const address = "support@contoso.example";
/** Over which protocol: see `SyncBenchOptions`. */
export let mailbox: MailboxRef = { tenant: "contoso", address, protocol: "imap" };
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

export interface SyncBenchOptions {
  readonly tokenLifetimeSeconds?: number;
  /** In two mailboxes; default 300. */
  readonly messages?: number;
  /** What the mailbox is read over. */
  readonly protocol?: Protocol;
  /** In place of the adapter's own. */
  readonly imapLimits?: ImapSourceOptions["limits"];
  readonly pop3Limits?: Pop3SourceOptions["limits"];
}

/** Registers the hooks: one sandbox a file, one fleet a test. */
export function setUpSyncBench({ imapLimits, pop3Limits, messages = 300, protocol = "imap", ...options }: SyncBenchOptions = {}): void {
  beforeAll(async () => {
    mailbox = { tenant: "contoso", address, protocol };
    dir = await mkdtemp(join(tmpdir(), "mailfleet-sync-"));
    sandbox = await startSandbox({
      dataDir: join(dir, "sandbox"),
      tenants: [{ alias: "contoso", mailboxes: 2, messages }],
      trickle: 0,
      faults: false,
      ...options,
    });
    redis = new Redis(sharedRedisUrl());
    mime = createMimeParser({ threads: 1 });
  });
  afterAll(async () => {
    await mime.close();
    redis.disconnect();
    await sandbox.close();
    await rm(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    Object.assign(world, { clockOffset: 0, isDraining: false, fault: noFault });
    keys = redisKeys(uniqueName("sync"));
    const { hostname, port } = new URL(sharedRedisUrl());
    queue = openMessagesQueue({
      connection: redisOptions({ host: hostname, port: Number(port), db: 0, tls: false }),
      keys,
      log: silentLog,
    });
    const clock = { ...systemClock, now: () => Date.now() + world.clockOffset };
    const ca = await readFile(sandbox.caFile, "utf8");
    const [tenant] = sandbox.tenants;
    tokens = createTokenSource({
      tenants: () => ({
        alias: "contoso",
        tenantId: tenant?.tenantId ?? "",
        clientId: tenant?.clientId ?? "",
        credential: { kind: "secret", secret: new Secret(sandbox.secretOf("contoso")) },
        authority: sandbox.authority,
        isCustomAuthority: true,
        scope: "https://outlook.office365.com/.default",
        caPem: ca,
        protocols: [protocol],
      }),
      cache: createTokenCache(redis, keys),
      keyRing: () => createKeyRing([new Uint8Array(32)]),
      clock,
      chance: systemChance,
      log: silentLog,
      scrub: (text) => text,
    });
    const forMail = { log: silentLog, scrub: (text: string) => text, clock, lookUp: lookup };
    const mail = byProtocol({
      imap: createImapSource({
        ...forMail,
        endpoint: () => ({ ...sandbox.imap, tls: true, ca }),
        ...(imapLimits !== undefined && { limits: imapLimits }),
      }),
      pop3: createPop3Source({
        ...forMail,
        endpoint: () => ({ ...sandbox.pop3, tls: true, ca }),
        ...(pop3Limits !== undefined && { limits: pop3Limits }),
      }),
    });
    const faulty: MailSource = { open: async (...args) => world.fault(await mail.open(...args)) };
    ports = {
      clock,
      chance: systemChance,
      digest: systemDigest,
      log: silentLog,
      tokens,
      mail: faulty,
      blobs: createFileStore({ dir: join(dir, "blobs"), clock, chance: systemChance }),
      mime,
      store: createMailboxStore({ redis, keys, clock, chance: systemChance, log: silentLog, worker: "test" }),
      breakers: createBreakers({ redis, keys, clock }),
      handOff: await createHandOff({ queue, keys, clock }),
      gate: { shouldYield: () => Promise.resolve(false), isDraining: () => world.isDraining },
      bytes: createByteBudget(64e6),
      slots: noSlots,
      signals: createMemorySignals(clock),
    };
    await register(mailbox);
  });
  afterEach(async () => {
    await tokens.close();
    await queue.close();
  });
}

/** What the configuration says of a mailbox. */
export async function register(one: MailboxRef): Promise<void> {
  await createMailboxRegistry(redis, keys).register([one], 0);
}

export const never = new AbortController().signal;
export const sync = (lane: "fresh" | "backfill", settings = calm): Promise<SyncOutcome> =>
  syncMailbox(ports, settings, mailbox, lane, never);
export const events = async (): Promise<MailEvent[]> => (await queue.getJobs(["waiting"], 0, -1, true)).map((job) => job.data as MailEvent);
export const record = async () => (await createFleetReader(redis, keys).mailboxes())[0];
export const truth = (folder?: string) =>
  [...sandbox.truth()].filter((one) => one.address === address && one.isMail && (folder === undefined || one.folder === folder));
export const keyOf = (event: MailEvent): string => ("uid" in event && "folder" in event ? `${event.folder.path} ${event.uid}` : event.key);
