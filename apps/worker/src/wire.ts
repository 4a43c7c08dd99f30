import { hostname } from "node:os";
import { join } from "node:path";
import { lookAtBucket, openBlobStore } from "@mailfleet/blobs";
import type { Config, MailEndpoint } from "@mailfleet/config";
import {
  type BucketLook,
  bucketTrouble,
  byProtocol,
  type Clock,
  type Lane,
  limits,
  type Log,
  type MailSource,
  type Protocol,
  protocolNames,
  type RedisKeys,
  syncError,
  type Tracer,
} from "@mailfleet/core";
import {
  bytesInFlight,
  createByteBudget,
  createRightOfWay,
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
import { createMimeParser } from "@mailfleet/mime";
import { createPop3Source } from "@mailfleet/pop3";
import { createHandOff, handOffByLane, openMessagesQueue } from "@mailfleet/queue";
import type { RoleStart } from "@mailfleet/role";
import {
  boundedLookUp,
  compileCacheFolder,
  createLoopWatch,
  createTlsMemory,
  keepCompiledCode,
  programVersion,
  readOrMakeKey,
  settlesWithin,
  systemChance,
  systemClock,
  systemDigest,
} from "@mailfleet/runtime";
import {
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
  type OpenShard,
  tenantsElsewhere,
} from "@mailfleet/store";
import { openTraces } from "@mailfleet/telemetry";
import { laterSource } from "./later-source.ts";
import { createGate, type WorkerGate } from "./worker-gate.ts";

/** Closing a queue waits for Redis, which may not answer. */
const closeMs = 500;

/** What a worker has of one shard. */
export interface ShardParts {
  readonly shard: OpenShard;
  readonly keys: RedisKeys;
  /** The slots are the lanes' own. */
  readonly ports: Omit<EnginePorts, "slots">;
  readonly gate: WorkerGate;
  readonly push: PushPorts;
  readonly registry: ReturnType<typeof createMailboxRegistry>;
  readonly due: DueIndex;
  readonly credentials: CredentialWatchPorts;
}

export interface WorkerParts {
  readonly shards: readonly ShardParts[];
  readonly settings: SyncSettings;
  /** Of the fleet's processes, which are in the first shard. */
  readonly reader: ReturnType<typeof createFleetReader>;
  readonly clock: Clock;
  readonly log: Log;
  readonly name: string;
  readonly tenants: TenantBook;
  readonly credentialDesk: CredentialDesk;
  readonly tokenStats: () => TokenStats;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Returns after half a second at the latest; what is open by then ends with the process. */
  close(): Promise<void>;
}

/** Said once, before the first mailbox meets it. The worker runs all the same: its mailboxes wait, and go on when the bucket does. */
function tellRefusal(look: BucketLook, log: Log): void {
  if (look.kind === "ready") return;
  const { bucket, at, code } = look;
  log.error(
    { code: "BLOB_UNAVAILABLE", bucket, at, reason: code },
    `the bucket of the blob store does not take mail. ${bucketTrouble(code).cause}`,
  );
}

/** imapflow takes 7 MB and a part of each start: a worker that reads by POP3 only does without. Mailboxes that are registered besides may still need it. */
function hasImap({ tenants }: Config): boolean {
  return Object.values(tenants).some(
    ({ protocol, mailboxes }) => (protocol === "imap" && mailboxes.length === 0) || mailboxes.some((one) => one.protocol === "imap"),
  );
}

export interface BegunParser {
  readonly mime: ReturnType<typeof createMimeParser>;
  /** Settles with its first message. */
  readonly began: Promise<unknown>;
}

/** Its threads read their files while the rest begins. Later, sessions may have taken all file descriptors (F17). */
export function beginParser({ worker }: Config): BegunParser {
  const compileCache = compileCacheFolder();
  const mime = createMimeParser({ threads: worker.parseThreads, ...(compileCache !== undefined && { compileCache }) });
  const began = mime.parse(Buffer.from("Subject: first\r\n\r\n"));
  began.catch(() => undefined);
  return { mime, began };
}

/** Puts a worker together; nothing runs yet. @throws SyncError CONFIG_INVALID */
export async function wireWorker({ config, shards, log, scrub, hide, env }: RoleStart, { mime, began }: BegunParser): Promise<WorkerParts> {
  const name = `${hostname()}-${process.pid}`;
  const tenants = await openTenantBook({ tenants: config.tenants, env, clock: systemClock, log, hide });
  tenants.requireAll();
  const { keys: givenKeys, keyFile } = config.tokenCache;
  const tokenKeys = createTokenKeys({
    keys: givenKeys ?? [await readOrMakeKey(join(config.dataDir, "token.key"))],
    ...(keyFile !== undefined && { file: keyFile }),
    clock: systemClock,
    log,
  });

  const version = programVersion(new URL("../package.json", import.meta.url));
  const tracer =
    config.traces && (await openTraces({ ...config.traces, log, service: { name: "mailfleet-worker", version, instance: name } }));
  const [first] = shards as readonly [OpenShard, ...OpenShard[]];
  const clock = systemClock;
  const chance = systemChance;
  const tokenCache = createTokenCache(first.redis, first.keys);
  const notes = createCredentialNotes(first.redis, first.keys);
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
  const forMail = { log, scrub, clock, lookUp: boundedLookUp() };
  const readImap = async (): Promise<MailSource> => {
    const { createImapSource } = await import("@mailfleet/imap");
    return createImapSource({ ...forMail, endpoint: endpointOf("imap"), tlsMemory: createTlsMemory(clock) });
  };
  const mail = byProtocol({
    imap: hasImap(config) ? await readImap() : laterSource(readImap),
    pop3: createPop3Source({ ...forMail, endpoint: endpointOf("pop3"), quits: config.sync.pop3.quit }),
  });
  const blobs = openBlobStore(config.blobs, { clock, chance });
  if (config.blobs.s3) void lookAtBucket(config.blobs.s3, clock).then((look) => tellRefusal(look, log));
  const bytes = createByteBudget(bytesInFlight(config.worker.memoryMb, config.worker.parseThreads));
  const way = createRightOfWay({ clock, isBusy: createLoopWatch() });
  const closers: (() => Promise<void> | void)[] = [];
  const wireShard = async (shard: OpenShard): Promise<ShardParts> => {
    const { redis, keys, connection } = shard;
    const openMessages = () => openMessagesQueue({ connection, keys, log });
    const messages = { fresh: openMessages(), backfill: openMessages() };
    const handOffTo = (lane: Lane) => createHandOff({ queue: messages[lane], keys, clock });
    const signals = openSignals({ redis, keys, clock, log });
    closers.push(
      () => messages.fresh.close(),
      () => messages.backfill.close(),
      () => signals.close(),
    );
    const gate = createGate();
    const [fresh, backfill] = await Promise.all([handOffTo("fresh"), handOffTo("backfill")]);
    const others = shards.filter((one) => one !== shard);
    const elsewhere = others.length > 0 ? { elsewhere: tenantsElsewhere(others, clock) } : {};
    return {
      shard,
      keys,
      gate,
      registry: createMailboxRegistry(redis, keys),
      due: createDueIndex(redis, keys),
      credentials: { clock, log, holds: createHoldReader(redis, keys), credentialOf },
      push: { clock, chance, log, tokens, mail, leases: createPushLeases({ redis, keys, clock, chance }), signals },
      ports: {
        clock,
        chance,
        digest: systemDigest,
        log,
        tokens,
        mail,
        blobs,
        mime,
        store: createMailboxStore({ redis, keys, clock, chance, log, worker: name }),
        breakers: createBreakers({ redis, keys, clock, credentialOf, ...elsewhere }),
        handOff: handOffByLane({ fresh, backfill }),
        gate,
        signals,
        bytes,
        way,
      },
    };
  };
  const wired = await Promise.all(shards.map(wireShard));
  const [anyTenant] = Object.keys(config.tenants);
  // This thread would only wait for the parser's.
  await Promise.all([began, anyTenant !== undefined && tokens.readAhead(anyTenant)]);
  keepCompiledCode();
  return {
    name,
    clock,
    log,
    tenants,
    credentialDesk,
    tokenStats: () => tokens.stats(),
    tracer,
    shards: wired,
    reader: createFleetReader(first.redis, first.keys),
    settings: {
      pollMs: config.sync.pollSeconds * 1_000,
      freshWithinMs: config.sync.freshWithinSeconds * 1_000,
      backfill: config.sync.backfill,
      folders: config.sync.folders,
      listMs: Math.min(limits.listMs, limits.listPolls * config.sync.pollSeconds * 1_000),
      slice: config.sync.slice,
      smallHistory: { messages: limits.smallHistoryMessages, bytes: limits.smallHistoryBytes },
      compare: {
        recentMs: config.sync.changes.recentSeconds * 1_000,
        wholeMs: config.sync.changes.wholeSeconds * 1_000,
        recentUids: config.sync.changes.recentMessages,
      },
    },
    async close() {
      const closing = [
        tracer?.close() ?? Promise.resolve(),
        credentialDesk.stop(),
        mime.close(),
        tokens.close(),
        ...closers.map(async (close) => close()),
      ];
      await settlesWithin(clock, closeMs, Promise.allSettled(closing));
    },
  };
}
