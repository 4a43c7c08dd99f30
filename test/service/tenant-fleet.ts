import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createFileStore } from "@mailfleet/blobs";
import { type MailEvent, redisKeys, Secret } from "@mailfleet/core";
import { createByteBudget, type EnginePorts, syncMailbox, type SyncSettings, watchCredentials } from "@mailfleet/engine";
import { createKeyRing, createTokenSource } from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createHandOff, createHoldTeller, openMessagesQueue } from "@mailfleet/queue";
import { systemChance, systemClock, systemDigest } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import {
  createBreakers,
  createDueIndex,
  createFleetReader,
  createHoldReader,
  createMailboxRegistry,
  createMailboxStore,
  createTokenCache,
  openSignals,
  readUntold,
  redisOptions,
} from "@mailfleet/store";
import { noSlots, plainParser, sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";

const settings: SyncSettings = {
  pollMs: 1_000,
  freshWithinMs: 600_000,
  backfill: false,
  folders: { include: ["INBOX"], exclude: [] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: 0, bytes: 0 },
  listMs: 0,
  compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
};

/** A fleet over several tenants of one sandbox: one producer, and workers that share nothing but Redis. */
export interface TenantFleet {
  readonly sandbox: Sandbox;
  readonly redis: Redis;
  readonly keys: ReturnType<typeof redisKeys>;
  /** By alias; what workers that start from now on, and those that run, know. */
  readonly secrets: Map<string, string>;
  readonly holds: ReturnType<typeof createHoldReader>;
  readonly reader: ReturnType<typeof createFleetReader>;
  startWorker(): Promise<{ stop(): Promise<void> }>;
  /** What consumers were told, in order. */
  events(): Promise<readonly MailEvent[]>;
  logins(tenant: string): number;
  close(): Promise<void>;
}

export async function startTenantFleet(aliases: readonly string[], mailboxes: number): Promise<TenantFleet> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-tenants-"));
  const tenants = aliases.map((alias) => ({ alias, mailboxes, messages: mailboxes * 3 }));
  const sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants, trickle: 0, faults: false });
  const keys = redisKeys(uniqueName("tenants"));
  const redis = new Redis(sharedRedisUrl());
  const { hostname, port } = new URL(sharedRedisUrl());
  const queue = openMessagesQueue({
    connection: redisOptions({ host: hostname, port: Number(port), db: 0, tls: false }),
    keys,
    log: silentLog,
  });
  const registry = createMailboxRegistry(redis, keys);
  await registry.register(
    sandbox.tenants.flatMap(({ alias, addresses }) => addresses.map((address) => ({ tenant: alias, address, protocol: "imap" as const }))),
    0,
  );
  const secrets = new Map(aliases.map((alias) => [alias, sandbox.secretOf(alias)]));
  const ca = await readFile(sandbox.caFile, "utf8");
  const holds = createHoldReader(redis, keys);
  const due = createDueIndex(redis, keys);
  const untold = (tenant: string, count: number) => readUntold(redis, keys, tenant, count);
  const teller = await createHoldTeller({ queue, keys, clock: systemClock, holds, untold });
  const workers = new Set<{ stop(): Promise<void> }>();
  const closing = new AbortController();

  async function startWorker(): Promise<{ stop(): Promise<void> }> {
    const clock = systemClock;
    const leaving = new AbortController();
    const tokens = createTokenSource({
      tenants: (alias) => {
        const found = sandbox.tenants.find((tenant) => tenant.alias === alias);
        const credential = { kind: "secret", secret: new Secret(secrets.get(alias) ?? "") } as const;
        const { tenantId = "", clientId = "" } = found ?? {};
        return {
          ...{ alias, tenantId, clientId, credential, authority: sandbox.authority, isCustomAuthority: true, caPem: ca },
          ...{ scope: "https://outlook.office365.com/.default", protocols: ["imap"] },
        };
      },
      cache: createTokenCache(redis, keys),
      keyRing: () => createKeyRing([new Uint8Array(32)]),
      ...{ clock, chance: systemChance, log: silentLog, scrub: (text: string) => text },
    });
    const credentialOf = (tenant: string) => tokens.identityOf(tenant);
    const signals = openSignals({ redis, keys, clock, log: silentLog });
    const ports: EnginePorts = {
      ...{ clock, chance: systemChance, digest: systemDigest, log: silentLog, tokens, mime: plainParser, slots: noSlots, signals },
      mail: createImapSource({
        endpoint: () => ({ ...sandbox.imap, tls: true, ca }),
        log: silentLog,
        scrub: (text) => text,
        clock,
        lookUp: lookup,
      }),
      blobs: createFileStore({ dir: join(dir, "blobs"), clock, chance: systemChance }),
      store: createMailboxStore({ redis, keys, clock, chance: systemChance, log: silentLog, worker: "test" }),
      breakers: createBreakers({ redis, keys, clock, credentialOf }),
      handOff: await createHandOff({ queue, keys, clock }),
      gate: { shouldYield: () => Promise.resolve(false), isDraining: () => leaving.signal.aborted },
      bytes: createByteBudget(64e6),
    };
    const running = new Set<Promise<unknown>>();
    const watching = watchCredentials({ clock, log: silentLog, holds, credentialOf }, leaving.signal);
    const work = async (): Promise<void> => {
      while (!leaving.signal.aborted) {
        for (const { id } of await due.take({ lane: "fresh", count: 8 - running.size, perTenant: 8 })) {
          const mailbox = await registry.find(id);
          if (!mailbox) continue;
          // Stopped in the middle of a step it rejects, as in a worker; what it left is what is looked at.
          const session: Promise<unknown> = syncMailbox(ports, settings, mailbox, "fresh", leaving.signal)
            .catch(() => undefined)
            .finally(() => running.delete(session));
          running.add(session);
        }
        await clock.sleep(25, leaving.signal).catch(() => undefined);
      }
      await Promise.allSettled(running);
    };
    const working = work();
    const worker = {
      async stop() {
        leaving.abort();
        workers.delete(worker);
        await Promise.all([working, watching]);
        signals.close();
        await tokens.close();
      },
    };
    workers.add(worker);
    return worker;
  }

  const telling = (async () => {
    while (!closing.signal.aborted) {
      await teller.tell();
      await systemClock.sleep(100, closing.signal).catch(() => undefined);
    }
  })();

  return {
    ...{ sandbox, redis, keys, secrets, holds, reader: createFleetReader(redis, keys), startWorker },
    events: async () => (await queue.getJobs(["waiting"], 0, -1, true)).map((job) => job.data as MailEvent),
    logins(tenant) {
      const { addresses = [] } = sandbox.tenants.find(({ alias }) => alias === tenant) ?? {};
      return addresses.reduce((all, address) => all + (sandbox.counters.mailboxes.get(address)?.logins ?? 0), 0);
    },
    async close() {
      for (const worker of workers) await worker.stop();
      closing.abort();
      await telling;
      await queue.close();
      redis.disconnect();
      await sandbox.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
