import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { limits, type RedisKeys } from "@mailfleet/core";
import type { DiscardedItem } from "@mailfleet/core/console";

/**
 * Which letters were discarded, so that they can be put back: their keys alone, no content. The names are written by the script that takes
 * letters out of a shard's queue, into a list of that shard: exactly what was taken is in it, wherever a discard is cut short.
 */
export interface DiscardLists {
  /** Before the first letter goes. @returns the discard's id */
  begin(about: { readonly at: number; readonly who: string; readonly cause: string }): Promise<string>;
  /** Those that took letters, the latest first. */
  list(now: number): Promise<readonly DiscardedItem[]>;
  /** Once; undefined where there is none any more. */
  take(id: string): Promise<readonly string[] | undefined>;
}

export interface DiscardPlace {
  readonly redis: Redis;
  readonly keys: RedisKeys;
}

/** Discards that are remembered; the oldest give way. */
const mostDiscards = 100;

/** @param shards of the fleet, the first of which has the list of discards */
export function createDiscardLists(shards: readonly DiscardPlace[]): DiscardLists {
  const [{ redis, keys }] = shards as readonly [DiscardPlace, ...DiscardPlace[]];
  const forget = async (id: string): Promise<void> => {
    await Promise.all(shards.map((shard) => shard.redis.del(shard.keys.discarded(id))));
  };
  const count = async (id: string): Promise<number> => {
    const counts = await Promise.all(shards.map((shard) => shard.redis.llen(shard.keys.discarded(id))));
    return counts.reduce((sum, one) => sum + one, 0);
  };
  return {
    async begin(about) {
      const id = `${about.at.toString(36)}-${randomBytes(4).toString("hex")}`;
      // How many are in it is counted where they are.
      const item: DiscardedItem = { id, ...about, letters: 0, until: about.at + limits.discardedLettersMs };
      await redis.lpush(keys.discards, JSON.stringify(item));
      for (const dropped of await redis.lrange(keys.discards, mostDiscards, -1)) {
        const old = parseDiscard(dropped);
        if (old) await forget(old.id);
      }
      await redis.ltrim(keys.discards, 0, mostDiscards - 1);
      await redis.pexpire(keys.discards, limits.discardedLettersMs);
      return id;
    },

    async list(now) {
      const items = (await redis.lrange(keys.discards, 0, -1)).flatMap((text) => parseDiscard(text) ?? []);
      const counted = await Promise.all(items.map(async (item) => ({ ...item, letters: await count(item.id) })));
      return counted.filter(({ until, letters }) => until > now && letters > 0);
    },

    async take(id) {
      if (!/^[0-9a-z]{1,12}-[0-9a-f]{8}$/.test(id)) return undefined;
      const own = (await redis.lrange(keys.discards, 0, -1)).find((text) => parseDiscard(text)?.id === id);
      // Whoever takes it off the list has it: two that ask at once do not both.
      if (own === undefined || (await redis.lrem(keys.discards, 1, own)) === 0) return undefined;
      const parts = await Promise.all(shards.map((shard) => shard.redis.lrange(shard.keys.discarded(id), 0, -1)));
      await forget(id);
      return parts.flat();
    },
  };
}

/** Undefined for what is of no version of ours. */
export function parseDiscard(text: string): DiscardedItem | undefined {
  try {
    const item = JSON.parse(text) as DiscardedItem | null;
    return typeof item?.id === "string" && typeof item.until === "number" ? item : undefined;
  } catch {
    return undefined;
  }
}
