import { type Clock, isSyncError, type SharedTokenCache, syncError } from "@mailfleet/core";
import type { QuietLog } from "./quiet-log.ts";
import { type KeyRing, openToken, sealToken, type TokenRecord } from "./seal-token.ts";
import { failureTtlMs, packFailure, type TokenFailure, unpackFailure } from "./token-failure.ts";
import type { TokenStats } from "./token-stats.ts";

export interface SharedMemoryDeps {
  readonly cache: SharedTokenCache;
  readonly keyRing: () => KeyRing;
  readonly clock: Pick<Clock, "now">;
  readonly quiet: QuietLog;
  readonly scrub: (text: string) => string;
  readonly stats: TokenStats;
}

/** What the fleet remembers of an identity, checked. */
export interface Remembered {
  readonly token?: TokenRecord;
  readonly failure?: TokenFailure;
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

  constructor(identity: string, alias: string, deps: SharedMemoryDeps) {
    this.#identity = identity;
    this.#alias = alias;
    this.#deps = deps;
  }

  /** @throws SyncError REDIS_UNAVAILABLE */
  async read(): Promise<Remembered> {
    const { cache, clock, scrub } = this.#deps;
    const state = await cache.read(this.#identity).catch(rethrow);
    const token = this.#open(state.sealed);
    const failure = state.failure === undefined ? undefined : unpackFailure(state.failure, clock.now(), scrub);
    return { ...(token && { token }), ...(failure && { failure }) };
  }

  /** True when this process is now the one that asks. @throws SyncError REDIS_UNAVAILABLE */
  lock(owner: string): Promise<boolean> {
    return this.#deps.cache.tryLock(this.#identity, owner, lockMs).catch(rethrow);
  }

  /** Never throws: the lock ends by itself. */
  async unlock(owner: string): Promise<void> {
    await this.#deps.cache.unlock(this.#identity, owner).catch(() => undefined);
  }

  /** Never throws: a token that could not be shared is still a token. */
  async keepToken(record: TokenRecord): Promise<void> {
    const { cache, clock, keyRing, stats } = this.#deps;
    const ttlMs = Math.floor(record.expiresAt - clock.now());
    try {
      if (this.#isForeign) await cache.clearFailure(this.#identity);
      else if (ttlMs > 0) {
        await cache.putToken(this.#identity, sealToken(keyRing(), this.#identity, record), ttlMs);
        stats.stored++;
      }
    } catch (error) {
      this.#warn("store", { error: nameOf(error) }, "token not shared, kept in memory only");
    }
  }

  /** Never throws. */
  async keepFailure(failure: TokenFailure): Promise<void> {
    const { cache, clock } = this.#deps;
    try {
      await cache.putFailure(this.#identity, packFailure(failure), Math.ceil(failureTtlMs(failure, clock.now())));
    } catch (error) {
      this.#warn("failure", { error: nameOf(error) }, "token failure not shared, kept in memory only");
    }
  }

  #open(sealed: string | undefined): TokenRecord | undefined {
    const { keyRing, clock, stats } = this.#deps;
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
        const leftMs = result.record.expiresAt - clock.now();
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
