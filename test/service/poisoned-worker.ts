import { lookup } from "node:dns";
import { readFile } from "node:fs/promises";
import { Redis } from "ioredis";
import { type MimeParser, redisKeys, Secret } from "@mailfleet/core";
import { createFileStore } from "@mailfleet/blobs";
import { createByteBudget, syncMailbox } from "@mailfleet/engine";
import { createKeyRing, createTokenSource } from "@mailfleet/entra";
import { createImapSource } from "@mailfleet/imap";
import { createMimeParser } from "@mailfleet/mime";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { systemChance, systemClock, systemDigest } from "@mailfleet/runtime";
import { createBreakers, createMailboxStore, createTokenCache, redisOptions } from "@mailfleet/store";
import { createMemorySignals, noSlots, silentLog } from "@mailfleet/testkit";

/** One session in a process of its own, which dies as the OOM killer ends it when it parses a message that holds `poison`. */
export interface PoisonedWorkerOptions {
  readonly redisUrl: string;
  readonly fleet: string;
  readonly address: string;
  readonly blobsDir: string;
  readonly poison: string;
  readonly tenant: { readonly tenantId: string; readonly clientId: string; readonly secret: string };
  readonly authority: string;
  readonly imap: { readonly host: string; readonly port: number };
  readonly caFile: string;
}

const options = JSON.parse(process.argv[2] ?? "") as PoisonedWorkerOptions;
const { hostname, port } = new URL(options.redisUrl);
const keys = redisKeys(options.fleet);
const redis = new Redis(options.redisUrl);
const queue = openMessagesQueue({
  connection: redisOptions({ host: hostname, port: Number(port), db: 0, tls: false }),
  keys,
  log: silentLog,
});
const ca = await readFile(options.caFile, "utf8");
const clock = systemClock;
const tokens = createTokenSource({
  tenants: () => ({
    alias: "contoso",
    tenantId: options.tenant.tenantId,
    clientId: options.tenant.clientId,
    credential: { kind: "secret", secret: new Secret(options.tenant.secret) },
    authority: options.authority,
    isCustomAuthority: true,
    scope: "https://outlook.office365.com/.default",
    caPem: ca,
    protocols: ["imap"],
  }),
  cache: createTokenCache(redis, keys),
  keyRing: () => createKeyRing([new Uint8Array(32)]),
  clock,
  chance: systemChance,
  log: silentLog,
  scrub: (text) => text,
});
const mime = createMimeParser({ threads: 1 });
const poisoned: MimeParser = {
  name: mime.name,
  version: mime.version,
  parse: async (bytes) => {
    if (Buffer.from(bytes).includes(options.poison)) process.kill(process.pid, "SIGKILL");
    return mime.parse(bytes);
  },
  parseStream: (source, keep) => mime.parseStream(source, keep),
};
const outcome = await syncMailbox(
  {
    clock,
    chance: systemChance,
    digest: systemDigest,
    log: silentLog,
    tokens,
    mail: createImapSource({
      endpoint: () => ({ ...options.imap, tls: true, ca }),
      log: silentLog,
      scrub: (text) => text,
      clock,
      lookUp: lookup,
    }),
    blobs: createFileStore({ dir: options.blobsDir, clock, chance: systemChance }),
    mime: poisoned,
    store: createMailboxStore({ redis, keys, clock, chance: systemChance, log: silentLog, worker: "poisoned" }),
    breakers: createBreakers({ redis, keys, clock }),
    handOff: await createHandOff({ queue, keys, clock }),
    gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
    bytes: createByteBudget(64e6),
    slots: noSlots,
    signals: createMemorySignals(clock),
  },
  {
    pollMs: 1_000,
    freshWithinMs: 600_000,
    backfill: true,
    folders: { include: ["*"], exclude: [] },
    slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
    smallHistory: { messages: 0, bytes: 0 },
    listMs: 0,
    compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
  },
  { tenant: "contoso", address: options.address, protocol: "imap" },
  "fresh",
  new AbortController().signal,
);
process.stdout.write(JSON.stringify(outcome));
process.exit(0);
