import type { Redis } from "ioredis";
import type { RedisKeys, SharedTokenCache } from "@mailfleet/core";
import { releaseScript } from "./scripts.ts";

/** The fleet's tokens in Redis: sealed text only, each with its expiry. */
export function createTokenCache(redis: Redis, keys: RedisKeys): SharedTokenCache {
  return {
    async read(identity) {
      // One transaction: the age of what is read is measured by the clock of the same moment.
      const answers = (await redis.multi().time().mget(keys.token(identity), keys.tokenFailure(identity)).exec()) ?? [];
      for (const [error] of answers) if (error) throw error;
      const [seconds = 0, micros = 0] = (answers[0]?.[1] ?? []) as readonly (number | string)[];
      const [token, failure] = (answers[1]?.[1] ?? []) as readonly (string | null)[];
      const at = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
      return { at, ...(token != null && { sealed: token }), ...(failure != null && { failure }) };
    },
    async putToken(identity, sealed, ttlMs) {
      const answers = await redis.multi().set(keys.token(identity), sealed, "PX", Math.ceil(ttlMs)).del(keys.tokenFailure(identity)).exec();
      for (const [error] of answers ?? []) if (error) throw error;
    },
    async putFailure(identity, failure, ttlMs) {
      await redis.set(keys.tokenFailure(identity), failure, "PX", Math.ceil(ttlMs));
    },
    async clearFailure(identity) {
      await redis.del(keys.tokenFailure(identity));
    },
    async tryLock(identity, owner, ttlMs) {
      return (await redis.set(keys.tokenLock(identity), owner, "PX", Math.ceil(ttlMs), "NX")) === "OK";
    },
    async unlock(identity, owner) {
      await redis.eval(releaseScript, 1, keys.tokenLock(identity), owner);
    },
  };
}
