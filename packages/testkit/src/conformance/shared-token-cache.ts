import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import type { SharedTokenCache } from "@mailfleet/core";

export interface SharedTokenCacheHarness {
  /** Two handles on the same store, as two processes have them. May be the same object. */
  readonly caches: readonly [SharedTokenCache, SharedTokenCache];
  /** Lets `ms` pass on the cache's own clock: by the fake clock, or for real. */
  pass(ms: number): Promise<void>;
}

/** Handed in, so that this file can be imported outside of a test run. */
type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

/** Times to live long enough that no slow machine ends them by itself, and one short enough to wait for. */
const longMs = 600_000;
const shortMs = 60;

/** What every {@link SharedTokenCache} must do. `open` gives an empty store for each test. */
export function describeSharedTokenCache(
  name: string,
  open: () => Promise<SharedTokenCacheHarness>,
  { describe, test, expect }: Vitest,
): void {
  const first = "a".repeat(64);
  const second = "b".repeat(64);

  const known = async (cache: SharedTokenCache, identity: string): Promise<object> => {
    const { at: _, ...rest } = await cache.read(identity);
    return rest;
  };

  describe(`${name} as a shared token cache`, () => {
    test("knows nothing of an identity at first", async () => {
      const { caches } = await open();
      expect(await known(caches[0], first)).toEqual({});
    });

    test("gives every process the token that one of them put, byte for byte", async () => {
      const { caches } = await open();
      const sealed = `mf1.k.${"-_Az09".repeat(500)}`;
      await caches[0].putToken(first, sealed, longMs);
      expect(await known(caches[1], first)).toEqual({ sealed });
    });

    test("says what time it is by its own clock, the same for every process, and the clock goes on", async () => {
      const { caches, pass } = await open();
      const [one, other] = [(await caches[0].read(first)).at, (await caches[1].read(second)).at];
      expect(Math.abs(other - one)).toBeLessThan(5_000);
      await pass(shortMs);
      expect((await caches[0].read(first)).at).toBeGreaterThanOrEqual(one + shortMs);
    });

    test("keeps identities apart", async () => {
      const { caches } = await open();
      await caches[0].putToken(first, "one", longMs);
      await caches[0].putFailure(second, "two", longMs);
      expect(await known(caches[0], first)).toEqual({ sealed: "one" });
      expect(await known(caches[0], second)).toEqual({ failure: "two" });
    });

    test("gives token and failure together, because an old token serves while the endpoint is down", async () => {
      const { caches } = await open();
      await caches[0].putToken(first, "old", longMs);
      await caches[0].putFailure(first, "down", longMs);
      expect(await known(caches[1], first)).toEqual({ sealed: "old", failure: "down" });
    });

    test("forgets the failure when a token is put", async () => {
      const { caches } = await open();
      await caches[0].putFailure(first, "down", longMs);
      await caches[1].putToken(first, "new", longMs);
      expect(await known(caches[0], first)).toEqual({ sealed: "new" });
    });

    test("forgets a failure on request and leaves the token", async () => {
      const { caches } = await open();
      await caches[0].putToken(first, "old", longMs);
      await caches[0].putFailure(first, "down", longMs);
      await caches[1].clearFailure(first);
      await caches[1].clearFailure(second);
      expect(await known(caches[0], first)).toEqual({ sealed: "old" });
    });

    test("replaces token and failure, their times to live included", async () => {
      const { caches, pass } = await open();
      await caches[0].putToken(first, "short", shortMs);
      await caches[0].putToken(first, "long", longMs);
      await caches[0].putFailure(first, "short", shortMs);
      await caches[0].putFailure(first, "long", longMs);
      await pass(shortMs * 2);
      expect(await known(caches[0], first)).toEqual({ sealed: "long", failure: "long" });
    });

    test("ends token and failure with their time to live", async () => {
      const { caches, pass } = await open();
      await caches[0].putToken(first, "short", shortMs);
      await caches[0].putFailure(first, "short", shortMs);
      await pass(shortMs * 2);
      expect(await known(caches[0], first)).toEqual({});
    });

    test("gives the lock to one of many who ask at once", async () => {
      const { caches } = await open();
      const owners = Array.from({ length: 20 }, (_, n) => `owner-${n}`);
      const answers = await Promise.all(owners.map((owner, n) => caches[n % 2 === 0 ? 0 : 1].tryLock(first, owner, longMs)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test("refuses the lock to its own holder, and gives it for another identity", async () => {
      const { caches } = await open();
      expect(await caches[0].tryLock(first, "me", longMs)).toBe(true);
      expect(await caches[0].tryLock(first, "me", longMs)).toBe(false);
      expect(await caches[0].tryLock(second, "me", longMs)).toBe(true);
    });

    test("lets only the holder unlock", async () => {
      const { caches } = await open();
      await caches[0].tryLock(first, "me", longMs);
      await caches[1].unlock(first, "other");
      expect(await caches[1].tryLock(first, "other", longMs)).toBe(false);
      await caches[0].unlock(first, "me");
      expect(await caches[1].tryLock(first, "other", longMs)).toBe(true);
    });

    test("ends a lock with its time to live, and its late holder does not end the next one's", async () => {
      const { caches, pass } = await open();
      await caches[0].tryLock(first, "slow", shortMs);
      await pass(shortMs * 2);
      expect(await caches[1].tryLock(first, "next", longMs)).toBe(true);
      await caches[0].unlock(first, "slow");
      expect(await caches[0].tryLock(first, "third", longMs)).toBe(false);
    });

    test("leaves token and failure alone when locking and unlocking", async () => {
      const { caches } = await open();
      await caches[0].putToken(first, "one", longMs);
      await caches[0].tryLock(first, "me", longMs);
      await caches[0].unlock(first, "me");
      expect(await known(caches[1], first)).toEqual({ sealed: "one" });
    });
  });
}
