import type { Clock, SharedTokenCache, SharedTokenState } from "@mailfleet/core";

/** Any epoch will do, as long as nobody takes the process' own clock for the cache's. */
const startedAt = Date.UTC(2026, 0, 1);

interface Entry {
  readonly value: string;
  /** Monotonic ms. */
  readonly endsAt: number;
}

/**
 * The shared token cache in this process' memory: passes the same conformance suite as the Redis one.
 * Two token sources that get the same object behave as two processes of one fleet.
 */
export function createMemoryTokenCache(clock: Pick<Clock, "monotonic">): SharedTokenCache {
  const tokens = new Map<string, Entry>();
  const failures = new Map<string, Entry>();
  const locks = new Map<string, Entry>();

  function live(entries: Map<string, Entry>, identity: string): string | undefined {
    const entry = entries.get(identity);
    if (entry && entry.endsAt > clock.monotonic()) return entry.value;
    entries.delete(identity);
    return undefined;
  }

  function put(entries: Map<string, Entry>, identity: string, value: string, ttlMs: number): void {
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) throw new RangeError(`not a time to live: ${ttlMs}`);
    entries.set(identity, { value, endsAt: clock.monotonic() + ttlMs });
  }

  return {
    async read(identity): Promise<SharedTokenState> {
      const sealed = live(tokens, identity);
      const failure = live(failures, identity);
      return {
        at: Math.floor(startedAt + clock.monotonic()),
        ...(sealed !== undefined && { sealed }),
        ...(failure !== undefined && { failure }),
      };
    },
    async putToken(identity, sealed, ttlMs) {
      put(tokens, identity, sealed, ttlMs);
      failures.delete(identity);
    },
    async putFailure(identity, failure, ttlMs) {
      put(failures, identity, failure, ttlMs);
    },
    async clearFailure(identity) {
      failures.delete(identity);
    },
    async tryLock(identity, owner, ttlMs) {
      if (live(locks, identity) !== undefined) return false;
      put(locks, identity, owner, ttlMs);
      return true;
    },
    async unlock(identity, owner) {
      if (live(locks, identity) === owner) locks.delete(identity);
    },
  };
}
