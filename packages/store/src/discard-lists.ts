import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import type { DiscardedItem } from "@mailfleet/core/console";

/** Which letters were discarded, so that they can be put back: their keys alone, no content. */
export interface DiscardLists {
  /** @returns the discard's id */
  keep(about: { readonly at: number; readonly who: string; readonly cause: string }, ids: readonly string[]): Promise<string>;
  /** The latest first. */
  list(now: number): Promise<readonly DiscardedItem[]>;
  /** Once; undefined where there is none any more. */
  take(id: string): Promise<readonly string[] | undefined>;
}

/** experience.md section 3.9. */
const keptMs = 7 * 86_400_000;
/** Discards that are remembered; the oldest give way. */
const mostDiscards = 100;
const pageSize = 1_000;

export function createDiscardLists(redis: Redis, keys: RedisKeys): DiscardLists {
  return {
    async keep({ at, who, cause }, ids) {
      const id = `${at.toString(36)}-${randomBytes(4).toString("hex")}`;
      const key = keys.discarded(id);
      for (let i = 0; i < ids.length; i += pageSize) await redis.rpush(key, ...ids.slice(i, i + pageSize));
      await redis.pexpire(key, keptMs);
      const item: DiscardedItem = { id, at, who, letters: ids.length, cause, until: at + keptMs };
      await redis.lpush(keys.discards, JSON.stringify(item));
      for (const dropped of await redis.lrange(keys.discards, mostDiscards, -1)) {
        const old = parseItem(dropped);
        if (old) await redis.del(keys.discarded(old.id));
      }
      await redis.ltrim(keys.discards, 0, mostDiscards - 1);
      await redis.pexpire(keys.discards, keptMs);
      return id;
    },

    async list(now) {
      const items = (await redis.lrange(keys.discards, 0, -1)).flatMap((text) => parseItem(text) ?? []);
      return items.filter(({ until }) => until > now);
    },

    async take(id) {
      if (!/^[0-9a-z]{1,12}-[0-9a-f]{8}$/.test(id)) return undefined;
      const own = (await redis.lrange(keys.discards, 0, -1)).find((text) => parseItem(text)?.id === id);
      // Whoever takes it off the list has it: two that ask at once do not both.
      if (own === undefined || (await redis.lrem(keys.discards, 1, own)) === 0) return undefined;
      const ids = await redis.lrange(keys.discarded(id), 0, -1);
      await redis.del(keys.discarded(id));
      return ids;
    },
  };
}

function parseItem(text: string): DiscardedItem | undefined {
  try {
    const item = JSON.parse(text) as DiscardedItem;
    return typeof item.id === "string" && typeof item.until === "number" ? item : undefined;
  } catch {
    return undefined;
  }
}
