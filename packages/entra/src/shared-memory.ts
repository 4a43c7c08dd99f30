import { type Clock, isSyncError, type SharedTokenCache, syncError } from "@mailfleet/core";
import type { QuietLog } from "./quiet-log.ts";
import { type KeyRing, openToken, sealToken, type TokenRecord } from "./seal-token.ts";
import { failureTtlMs, packFailure, type TokenFailure, unpackFailure } from "./token-failure.ts";
import type { TokenStats } from "./token-stats.ts";

export interface SharedMemoryDeps {
  readonly cache: SharedTokenCache;
  readonly keyRing: () => KeyRing;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly quiet: QuietLog;
  readonly scrub: (text: string) => string;
  readonly stats: TokenStats;
}

/** What the fleet remembers of an identity, checked. */
export interface Remembered {
  readonly token?: TokenRecord;
  /** How each credential fared last, in the order that was asked for. */
  readonly failures: readonly (TokenFailure | undefined)[];
}

/** Longer than a request and the writes around it; a holder that dies delays the others by this much at most. */
const lockMs = 20_000;
/** No login service gives more (28 h), plus a day for clocks that differ: what says more was not written by us. */
const maxLeftMs = 52 * 3_600_000;

/** One identity's part of the shared cache. Whatever does not open is a miss, counted, and logged once a minute (T05). */
export class SharedMemory {
  readonly #identity: string;
  readonly #alias: string;
  readonly #deps: SharedMemoryDeps;
  /** The last token read was sealed by a key of another process: overwriting each other would help nobody (T06). */
  #isForeign = false;
  /** The cache's clock minus our monotonic one, as of the last read. */
  #offset: number | undefined;

  constructor(identity: string, alias: string, deps: SharedMemoryDeps) {
    this.#identity = identity;
    this.#alias = alias;
    this.#deps = deps;
  }

  /**
   * Epoch ms as the fleet counts: the cache's clock, carried on by our monotonic one. A wall clock that is wrong here, or that steps,
   * neither ends a token nor prolongs it (F25).
   */
  now(): number {
    const { clock } = this.#deps;
    return this.#offset === undefined ? clock.now() : Math.floor(clock.monotonic() + this.#offset);
  }

  /** @param credentials identities. @throws SyncError REDIS_UNAVAILABLE */
  async read(credentials: readonly string[]): Promise<Remembered> {
    const { cache, clock, scrub } = this.#deps;
    const [own, ...states] = await Promise.all([this.#identity, ...credentials].map((identity) => cache.read(identity))).catch(rethrow);
    if (own) this.#offset = own.at - clock.monotonic();
    const now = this.now();
    const token = this.#open(own?.sealed);
    const failures = states.map(({ failure }) => (failure === undefined ? undefined : unpackFailure(failure, now, scrub)));
    return { ...(token && { token }), failures };
  }

  /** True when this process is now the one that asks. @throws SyncError REDIS_UNAVAILABLE */
  lock(owner: string): Promise<boolean> {
    return this.#deps.cache.tryLock(this.#identity, owner, lockMs).catch(rethrow);
  }

  /** Never throws: the lock ends by itself. */
  async unlock(owner: string): Promise<void> {
    await this.#deps.cache.unlock(this.#identity, owner).catch(() => undefined);
  }

  /** Never throws: a token that could not be shared is still a token. @param credential the one that got it */
  async keepToken(record: TokenRecord, credential: string): Promise<void> {
    const { cache, keyRing, stats } = this.#deps;
    const ttlMs = Math.floor(record.expiresAt - this.now());
    try {
      await cache.clearFailure(credential);
      if (this.#isForeign || ttlMs <= 0) return;
      await cache.putToken(this.#identity, sealToken(keyRing(), this.#identity, record), ttlMs);
      stats.stored++;
    } catch (error) {
      this.#warn("store", { error: nameOf(error) }, "token not shared, kept in memory only");
    }
  }

  /** Never throws. */
  async keepFailure(failure: TokenFailure, credential: string): Promise<void> {
    try {
      await this.#deps.cache.putFailure(credential, packFailure(failure), Math.ceil(failureTtlMs(failure, this.now())));
    } catch (error) {
      this.#warn("failure", { error: nameOf(error) }, "token failure not shared, kept in memory only");
    }
  }

  #open(sealed: string | undefined): TokenRecord | undefined {
    const { keyRing, stats } = this.#deps;
    this.#isForeign = false;
    if (sealed === undefined) return undefined;
    const result = openToken(keyRing(), this.#identity, sealed);
    switch (result.kind) {
      case "unknown-key":
        this.#isForeign = true;
        stats.unknownKey++;
        this.#warn("unknown-key", {}, "stored token is sealed with a key that this process lacks: give all processes the same token keys");
        return undefined;
      case "broken":
        stats.broken++;
        this.#warn("broken", {}, "stored token does not open: changed, cut or of another identity; it is asked for anew");
        return undefined;
      case "opened": {
        const leftMs = result.record.expiresAt - this.now();
        if (leftMs > 0 && leftMs <= maxLeftMs) return result.record;
        stats.expired++;
        return undefined;
      }
    }
  }

  #warn(cause: string, fields: object, message: string): void {
    this.#deps.quiet.warn(`${this.#identity} ${cause}`, { tenant: this.#alias, ...fields }, message);
  }
}

/** An adapter that breaks its promise must not bring its client's error objects along (T02). */
function rethrow(error: unknown): never {
  if (isSyncError(error)) throw error;
  throw syncError("REDIS_UNAVAILABLE", "The shared token cache does not answer. mailfleet tries again; check Redis.", { layer: "redis" });
}

function nameOf(error: unknown): string {
  return isSyncError(error) ? error.failure.code : error instanceof Error ? error.name : "unknown";
}
