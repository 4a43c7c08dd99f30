import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import { hourMs, packHours, type RecordedHours, stripHours, unpackHours, withHour } from "@mailfleet/core/console";

/** Each mailbox's last fourteen days, an hour a letter: about 10 bytes where nothing happened, 350 at most, in a key of its own. */
export interface StateStrips {
  /** @param id `tenant/address` */
  read(id: string): Promise<RecordedHours | undefined>;
  /** Adds one hour to each that is a mailbox of the fleet. One console of a fleet writes at a time, see `HistoryRings.amScribe`. @param states by mailbox id */
  write(hour: number, states: Iterable<readonly [id: string, state: number]>): Promise<void>;
}

/** In one go: an answer of Redis that holds nobody up. */
const atOnce = 500;
/** A day longer than it shows: a mailbox that is gone leaves nothing. */
const keptMs = stripHours * hourMs + 24 * hourMs;

/**
 * KEYS mailboxes, then strips ; ARGV ms, then id and hours of each
 * What was removed meanwhile leaves nothing more: a console knows of it some seconds later, and a purge looks here once.
 */
const writeScript = `
for i = 2, #KEYS do
  local id = ARGV[2 * i - 2]
  if redis.call('SISMEMBER', KEYS[1], id) == 1 then redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'PX', ARGV[1]) end
end
return #KEYS - 1`;

export function createStateStrips(redis: Redis, keys: RedisKeys): StateStrips {
  return {
    async read(id) {
      return unpackHours((await redis.get(keys.strip(id))) ?? "");
    },

    async write(hour, states) {
      const all = [...states];
      for (let i = 0; i < all.length; i += atOnce) {
        const some = all.slice(i, i + atOnce);
        const strips = some.map(([id]) => keys.strip(id));
        const before = await redis.mget(strips);
        const hours = some.flatMap(([id, state], j) => [id, packHours(withHour(unpackHours(before[j] ?? ""), hour, state))]);
        await redis.eval(writeScript, strips.length + 1, keys.mailboxes, ...strips, keptMs, ...hours);
      }
    },
  };
}
