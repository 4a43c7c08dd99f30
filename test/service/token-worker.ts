import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Redis } from "ioredis";
import { type Clock, isSyncError, redisKeys, Secret, type SharedTokenCache } from "@mailfleet/core";
import { createKeyRing, createTokenSource, type EntraTenant } from "@mailfleet/entra";
import { systemChance } from "@mailfleet/runtime";
import { createTokenCache } from "@mailfleet/store";
import { silentLog } from "@mailfleet/testkit";

/** One process of a fleet that does nothing but ask for the tokens of its mailboxes, again and again. */
export interface TokenWorkerOptions {
  readonly redisUrl: string;
  readonly fleet: string;
  readonly authority: string;
  readonly caFile: string;
  /** Time goes by so many times faster, for tokens and for waits; requests and locks take what they take. */
  readonly pace: number;
  /** Epoch ms from which it does, the same for the whole fleet. */
  readonly from: number;
  readonly tenants: readonly { readonly alias: string; readonly tenantId: string; readonly clientId: string; readonly secret: string }[];
  /** Alias of each mailbox that this process serves. */
  readonly mailboxes: readonly string[];
}

export interface TokenWorkerReport {
  readonly asked: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Tokens that were over when they were given. */
  readonly stale: number;
  /** Hashes of the tokens seen, by tenant. */
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  readonly slowestMs: number;
}

const options = JSON.parse(process.argv[2] ?? "") as TokenWorkerOptions;
const { pace, from } = options;
const redis = new Redis(options.redisUrl);
const caPem = await readFile(options.caFile, "utf8");
const began = performance.now();
const clock: Clock = {
  now: () => from + (Date.now() - from) * pace,
  monotonic: () => (performance.now() - began) * pace,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / pace)),
};
const real = createTokenCache(redis, redisKeys(options.fleet));
const cache: SharedTokenCache = {
  ...real,
  async read(identity) {
    const state = await real.read(identity);
    return { ...state, at: Math.floor(from + (state.at - from) * pace) };
  },
  putToken: (identity, sealed, ttlMs) => real.putToken(identity, sealed, Math.ceil(ttlMs / pace)),
  putFailure: (identity, failure, ttlMs) => real.putFailure(identity, failure, Math.ceil(ttlMs / pace)),
};
const tenants = new Map(
  options.tenants.map(({ alias, tenantId, clientId, secret }): [string, EntraTenant] => [
    alias,
    {
      alias,
      tenantId,
      clientId,
      credential: { kind: "secret", secret: new Secret(secret) },
      authority: options.authority,
      isCustomAuthority: true,
      scope: "https://outlook.office365.com/.default",
      caPem,
      protocols: ["imap"],
    },
  ]),
);
const keyRing = createKeyRing([new Uint8Array(32)]);
const tokens = createTokenSource({
  tenants: (alias) => tenants.get(alias),
  cache,
  keyRing: () => keyRing,
  clock,
  chance: systemChance,
  log: silentLog,
  scrub: (text) => text,
});

const failures: Record<string, number> = {};
const seen = new Map<string, Set<string>>();
let asked = 0;
let stale = 0;
let slowestMs = 0;
const stopping = new AbortController();

async function ask(alias: string): Promise<void> {
  asked++;
  const startedMs = performance.now();
  try {
    const token = await tokens.getToken(alias);
    if (token.expiresAt <= clock.now()) stale++;
    const known = seen.get(alias) ?? new Set();
    seen.set(alias, known.add(createHash("sha256").update(token.value.reveal()).digest("hex")));
  } catch (error) {
    const code = isSyncError(error) ? error.failure.code : String(error);
    failures[code] = (failures[code] ?? 0) + 1;
  }
  slowestMs = Math.max(slowestMs, performance.now() - startedMs);
}

process.on("message", (word) => {
  if (word === "go") void run();
  if (word === "stop") stopping.abort();
});
process.send?.("ready");

async function run(): Promise<void> {
  while (!stopping.signal.aborted) {
    await Promise.all(options.mailboxes.map(ask));
    if (asked === options.mailboxes.length) process.send?.("served");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Who renewed just now has the new token, and shows it.
  await Promise.all(options.mailboxes.map(ask));
  await tokens.close();
  redis.disconnect();
  const report: TokenWorkerReport = {
    asked,
    failures,
    stale,
    tokens: Object.fromEntries([...seen].map(([alias, known]) => [alias, [...known]])),
    slowestMs,
  };
  process.send?.(report, () => process.disconnect());
}
