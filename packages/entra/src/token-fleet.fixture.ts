import { type AccessToken, type Clock, createScrubber, isSyncError, Secret, type SharedTokenCache, type SyncError } from "@mailfleet/core";
import { createMemoryTokenCache, recordingLog, type RecordingLog, seededChance } from "@mailfleet/testkit";
import type { EntraTenant } from "./entra-tenant.ts";
import { grant, json, type LoginService, startLoginService } from "./login-service.fixture.ts";
import { createKeyRing, type KeyRing } from "./seal-token.ts";
import { createTokenSource, type EntraTokenSource } from "./token-source.ts";

/** The client secret of every tenant here; must not show up anywhere. */
export const canary = "canary-Secret~0123456789";
const ring = createKeyRing([Buffer.alloc(32, 1)]);

export interface TokenFleet {
  readonly service: LoginService;
  /** Goes on by itself, because the network is real; a test skips some time by adding here. */
  skippedMs: number;
  /** How far the wall clock was set off; the monotonic one does not follow. */
  wallStepMs: number;
  readonly clock: Clock;
  readonly cache: SharedTokenCache;
  readonly log: RecordingLog;
  tenants: Map<string, EntraTenant>;
  /** What was put into the cache, identity and sealed text. */
  readonly stored: (readonly [identity: string, sealed: string])[];
  contoso(changes?: Partial<EntraTenant>): EntraTenant;
  /** One process of the fleet. */
  start(changes?: { readonly keyRing?: KeyRing; readonly requestMs?: number; readonly cache?: SharedTokenCache }): EntraTokenSource;
  /** Requests that reached the login service meanwhile. */
  requestsDuring(work: () => Promise<unknown>): Promise<number>;
  /** An empty cache, one tenant, and a login service that gives tokens. */
  reset(): void;
  closeSources(): Promise<void>;
}

/** Token sources that share a cache, and the login service they ask. */
export async function openTokenFleet(): Promise<TokenFleet> {
  const service = await startLoginService(json(500, {}));
  const open: EntraTokenSource[] = [];
  let seed = 1;
  let memory = createMemoryTokenCache({ monotonic: () => 0 });
  let log = recordingLog();

  const clock: Clock = {
    now: () => Date.now() + fleet.skippedMs + fleet.wallStepMs,
    monotonic: () => performance.now() + fleet.skippedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, Math.min(ms, 10));
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      }),
  };

  const fleet: TokenFleet = {
    service,
    skippedMs: 0,
    wallStepMs: 0,
    clock,
    get log() {
      return log;
    },
    cache: {
      read: (identity) => memory.read(identity),
      putToken: (identity, sealed, ttlMs) => {
        fleet.stored.push([identity, sealed]);
        return memory.putToken(identity, sealed, ttlMs);
      },
      putFailure: (identity, failure, ttlMs) => memory.putFailure(identity, failure, ttlMs),
      clearFailure: (identity) => memory.clearFailure(identity),
      tryLock: (identity, owner, ttlMs) => memory.tryLock(identity, owner, ttlMs),
      unlock: (identity, owner) => memory.unlock(identity, owner),
    },
    tenants: new Map(),
    stored: [],
    contoso: (changes = {}) => ({
      alias: "contoso",
      tenantId: "11111111-1111-1111-1111-111111111111",
      clientId: "22222222-2222-2222-2222-222222222222",
      credential: { kind: "secret", secret: new Secret(canary) },
      authority: service.authority,
      isCustomAuthority: false,
      scope: "https://outlook.office365.com/.default",
      caPem: service.caPem,
      protocols: ["imap"],
      ...changes,
    }),
    start(changes = {}) {
      const source = createTokenSource({
        tenants: (alias) => fleet.tenants.get(alias),
        cache: changes.cache ?? fleet.cache,
        keyRing: () => changes.keyRing ?? ring,
        clock,
        chance: seededChance(seed++),
        log,
        scrub: createScrubber([]),
        requestMs: changes.requestMs ?? 5_000,
      });
      open.push(source);
      return source;
    },
    async requestsDuring(work) {
      const before = service.requests.length;
      await work();
      return service.requests.length - before;
    },
    reset() {
      fleet.skippedMs = 0;
      fleet.wallStepMs = 0;
      memory = createMemoryTokenCache(clock);
      log = recordingLog();
      fleet.stored.length = 0;
      fleet.tenants = new Map([["contoso", fleet.contoso()]]);
      service.answer = grant(fleet.contoso());
    },
    async closeSources() {
      await Promise.all(open.splice(0).map((source) => source.close()));
    },
  };
  return fleet;
}

export async function failureOf(work: Promise<unknown>): Promise<SyncError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSyncError(error)) throw new Error(`expected a SyncError, got ${String(error)}`);
  return error;
}

export function valueOf(token: AccessToken): string {
  return token.value.reveal();
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
