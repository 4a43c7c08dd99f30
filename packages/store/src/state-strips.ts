import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import { hourMs, packHours, type RecordedHours, stripHours, unpackHours, withHour } from "@mailfleet/core/console";

/** Each mailbox's last fourteen days, an hour a letter: about 10 bytes where nothing happened, 350 at most, in a key of its own. */
export interface StateStrips {
  /** @param id `tenant/address` */
  read(id: string): Promise<RecordedHours | undefined>;
  /** Adds one hour to each. One console of a fleet writes at a time, see `HistoryRings.amScribe`. @param states by mailbox id */
  write(hour: number, states: Iterable<readonly [id: string, state: number]>): Promise<void>;
}

/** In one go: an answer of Redis that holds nobody up. */
const atOnce = 500;
/** A day longer than it shows: a mailbox that is gone leaves nothing. */
const keptMs = stripHours * hourMs + 24 * hourMs;

export function createStateStrips(redis: Redis, keys: RedisKeys): StateStrips {
  return {
    async read(id) {
      return unpackHours((await redis.get(keys.strip(id))) ?? "");
    },

    async write(hour, states) {
      const all = [...states];
      for (let i = 0; i < all.length; i += atOnce) {
        const some = all.slice(i, i + atOnce);
        const before = await redis.mget(some.map(([id]) => keys.strip(id)));
        const pipeline = redis.pipeline();
        for (const [j, [id, state]] of some.entries()) {
          pipeline.set(keys.strip(id), packHours(withHour(unpackHours(before[j] ?? ""), hour, state)), "PX", keptMs);
        }
        for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
      }
    },
  };
}
