import type { Redis } from "ioredis";
import { limits, mailboxId, type PurgeHold, type RedisKeys } from "@mailfleet/core";
import { releaseScript } from "./scripts.ts";

/**
 * KEYS lease, ending ; ARGV holder, ms
 * Answers 0 when the lease is the holder's now, else for how long it is somebody else's.
 */
const takeScript = `
local ending = redis.call('PTTL', KEYS[2])
if ending > 0 then return ending end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return math.max(1, redis.call('PTTL', KEYS[1])) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0`;

export function createPurgeHold(redis: Redis, keys: RedisKeys): PurgeHold {
  return {
    async take(mailbox, holder) {
      const id = mailboxId(mailbox);
      return (await redis.eval(takeScript, 2, keys.lease(id), keys.ending(id), holder, limits.purgeHoldMs)) as number;
    },
    async release(mailbox, holder) {
      await redis.eval(releaseScript, 1, keys.lease(mailboxId(mailbox)), holder);
    },
  };
}
