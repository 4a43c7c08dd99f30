import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createFileStore } from "@mailfleet/blobs";
import type { Config, Environment, MailEndpoint } from "@mailfleet/config";
import {
  byProtocol,
  limits,
  type Log,
  type Protocol,
  protocolNames,
  type RedisTarget,
  redisKeys,
  type SliceGate,
  syncError,
} from "@mailfleet/core";
import {
  bytesInFlight,
  createByteBudget,
  type CredentialWatchPorts,
  type EnginePorts,
  type PushPorts,
  type SyncSettings,
} from "@mailfleet/engine";
import {
  createCredentialDesk,
  createTokenKeys,
  createTokenSource,
  type CredentialDesk,
  openTenantBook,
  type TenantBook,
  type TokenStats,
} from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createMimeParser } from "@mailfleet/mime";
import { createPop3Source } from "@mailfleet/pop3";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { boundedLookUp, createTlsMemory, readOrMakeKey, settlesWithin, systemChance, systemClock, systemDigest } from "@mailfleet/runtime";
import {
  connectRedis,
  createBreakers,
  createCredentialNotes,
  createDueIndex,
  createFleetReader,
  createHoldReader,
  createMailboxRegistry,
  createMailboxStore,
  createPushLeases,
  createTokenCache,
  type DueIndex,
  openSignals,
  redisOptions,
} from "@mailfleet/store";

/** Closing a queue waits for Redis, which may not answer. */
const closeMs = 500;

export interface WorkerParts {
  /** The slots are the lanes' own. */
  readonly ports: Omit<EnginePorts, "slots">;
  readonly settings: SyncSettings;
  readonly push: PushPorts;
  readonly redis: Awaited<ReturnType<typeof connectRedis>>;
  readonly registry: ReturnType<typeof createMailboxRegistry>;
  readonly reader: ReturnType<typeof createFleetReader>;
  readonly due: DueIndex;
  readonly credentials: CredentialWatchPorts;
  readonly messages: ReturnType<typeof openMessagesQueue>;
  readonly connection: ReturnType<typeof redisOptions>;
  readonly name: string;
  readonly tenants: TenantBook;
  readonly credentialDesk: CredentialDesk;
  readonly tokenStats: () => TokenStats;
  /** Returns after half a second at the latest; what is open by then ends with the process. */
  close(): Promise<void>;
}

export interface WireOptions {
  readonly config: Config;
  readonly redisTarget: RedisTarget;
  readonly log: Log;
  readonly scrub: (text: string) => string;
  /** Told of secrets that are read later than the configuration. */
  readonly hide: (secret: string) => void;
  readonly env: Environment;
  readonly gate: SliceGate;
}

/** Puts a worker together; nothing runs yet. @throws SyncError REDIS_UNAVAILABLE, CONFIG_INVALID */
export async function wireWorker({ config, redisTarget, log, scrub, hide, env, gate }: WireOptions): Promise<WorkerParts> {
  const keys = redisKeys(config.name);
  const name = `${hostname()}-${process.pid}`;
  const redisCa = config.redis?.caFile === undefined ? undefined : await readFile(config.redis.caFile, "utf8");
  const tenants = await openTenantBook({ tenants: config.tenants, env, clock: systemClock, log, hide });
  tenants.requireAll();
  const { keys: givenKeys, keyFile } = config.tokenCache;
  const tokenKeys = createTokenKeys({
    keys: givenKeys ?? [await readOrMakeKey(join(config.dataDir, "token.key"))],
    ...(keyFile !== undefined && { file: keyFile }),
    clock: systemClock,
    log,
  });

  const redis = await connectRedis(redisTarget, log, redisCa);
  const connection = redisOptions(redisTarget, redisCa);
  const messages = openMessagesQueue({ connection, keys, log });
  const clock = systemClock;
  const chance = systemChance;
  const tokenCache = createTokenCache(redis, keys);
  const notes = createCredentialNotes(redis, keys);
  const tokens = createTokenSource({
    tenants: tenants.tenant,
    cache: tokenCache,
    onTried: (note) => void notes.write(note).catch(() => undefined),
    keyRing: tokenKeys.ring,
    clock,
    chance,
    log,
    scrub,
  });
  const credentialOf = (tenant: string): Promise<string | undefined> => tokens.identityOf(tenant);
  const credentialDesk = createCredentialDesk({ book: tenants, keys: tokenKeys, cache: tokenCache, notes, clock, chance, log, scrub });
  const mime = createMimeParser({ threads: config.worker.parseThreads });
  // Its threads read their files now: later, sessions may have taken all file descriptors (F17).
  await mime.parse(Buffer.from("Subject: first\r\n\r\n"));
  const endpointOf =
    (protocol: Protocol) =>
    (alias: string): MailEndpoint & { readonly ca?: string } => {
      const found = Object.hasOwn(config.tenants, alias) ? config.tenants[alias]?.endpoints[protocol] : undefined;
      if (!found) {
        const missing = `Tenant ${alias} has no ${protocolNames[protocol]} endpoint in this worker's configuration (tenants.${alias}.endpoints.${protocol}).`;
        throw syncError("CONFIG_INVALID", missing, { layer: "engine" });
      }
      const ca = tenants.caPem(alias);
      return { ...found, ...(ca !== undefined && { ca }) };
    };
  const signals = openSignals({ redis, keys, clock, log });
  const forMail = { log, scrub, clock, lookUp: boundedLookUp() };
  const mail = byProtocol({
    imap: createImapSource({ ...forMail, endpoint: endpointOf("imap"), tlsMemory: createTlsMemory(clock) }),
    pop3: createPop3Source({ ...forMail, endpoint: endpointOf("pop3"), quits: config.sync.pop3.quit }),
  });
  return {
    name,
    tenants,
    credentialDesk,
    tokenStats: () => tokens.stats(),
    redis,
    connection,
    messages,
    registry: createMailboxRegistry(redis, keys),
    reader: createFleetReader(redis, keys),
    due: createDueIndex(redis, keys),
    credentials: { clock, log, holds: createHoldReader(redis, keys), credentialOf },
    settings: {
      pollMs: config.sync.pollSeconds * 1_000,
      backfill: config.sync.backfill,
      folders: config.sync.folders,
      listMs: Math.min(limits.listMs, limits.listPolls * config.sync.pollSeconds * 1_000),
      slice: config.sync.slice,
      compare: {
        recentMs: config.sync.changes.recentSeconds * 1_000,
        wholeMs: config.sync.changes.wholeSeconds * 1_000,
        recentUids: config.sync.changes.recentMessages,
      },
    },
    push: { clock, chance, log, tokens, mail, leases: createPushLeases({ redis, keys, clock, chance }), signals },
    ports: {
      clock,
      chance,
      digest: systemDigest,
      log,
      tokens,
      mail,
      blobs: createFileStore({ dir: config.blobs.dir, clock, chance }),
      mime,
      store: createMailboxStore({ redis, keys, clock, chance, log, worker: name }),
      breakers: createBreakers({ redis, keys, clock, credentialOf }),
      handOff: await createHandOff({ queue: messages, keys, clock }),
      gate,
      signals,
      bytes: createByteBudget(bytesInFlight(config.worker.memoryMb, config.worker.parseThreads)),
    },
    async close() {
      await settlesWithin(clock, closeMs, Promise.allSettled([credentialDesk.stop(), mime.close(), tokens.close(), messages.close()]));
      signals.close();
      redis.disconnect();
    },
  };
}
