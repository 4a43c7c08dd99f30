import type { Redis } from "ioredis";
import { eventStem, mailboxId, mailboxNames, type MailboxRef, type PurgePlace, type RedisKeys, type RefusalKind } from "@mailfleet/core";
import { type DiscardPlace, parseDiscard } from "./discard-lists.ts";

const kinds: readonly RefusalKind[] = ["login", "access", "reach", "throttle"];

/** KEYS hold ; ARGV field, value as it was read, value to be. A hold that moved on since is another. */
const replaceScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])`;

/** KEYS list ; ARGV item as it was read, item to be. */
const replaceItemScript = `
local at = redis.call('LPOS', KEYS[1], ARGV[1])
if at then redis.call('LSET', KEYS[1], at, ARGV[2]) end
return at and 1 or 0`;

/** What a mailbox leaves in what is kept of it and of its tenant: checkpoints, its strip, refusals, the tenant's hold. */
export function purgeState(redis: Redis, keys: RedisKeys): PurgePlace {
  const heldBy = async ({ tenant, address }: MailboxRef): Promise<(readonly [string, string])[]> => {
    const { isNamedIn } = mailboxNames({ address });
    return Object.entries(await redis.hgetall(keys.hold(tenant))).filter(([, value]) => isNamedIn(value));
  };
  return {
    name: "the state of the mailbox",
    async weigh(mailbox) {
      const id = mailboxId(mailbox);
      const scores = await Promise.all(kinds.map((kind) => redis.zscore(keys.refused(mailbox.tenant, kind), id)));
      const folders = await redis.hlen(keys.checkpoints(id));
      const strips = await redis.exists(keys.strip(id));
      return { folders, entries: strips + scores.filter((score) => score !== null).length + (await heldBy(mailbox)).length };
    },
    async purge(mailbox) {
      const id = mailboxId(mailbox);
      const names = mailboxNames(mailbox);
      let entries = await redis.del(keys.strip(id));
      // Only what no new life of the mailbox has: its place in the index went with its registration.
      for (const kind of kinds) entries += await redis.zrem(keys.refused(mailbox.tenant, kind), id);
      for (const [field, value] of await heldBy(mailbox)) {
        const kept = field === "mailbox" || field === "canary" ? "" : names.mask(value, () => "[purged]");
        await redis.eval(replaceScript, 1, keys.hold(mailbox.tenant), field, value, kept);
        entries++;
      }
      return { entries };
    },
  };
}

/**
 * Letters of the mailbox that were discarded, and can no longer be put back. A discard of which none is left is shown nowhere.
 * @param home has the list of discards @param shard the mailbox's, whose queue kept the names of what it gave up
 */
export function purgeDiscards(home: DiscardPlace, shard: DiscardPlace): PurgePlace {
  // The first shard kept the names of all before each kept its own.
  const places = [...new Map([home, shard].map((place) => [place.keys.discards, place] as const)).values()];
  const find = async (mailbox: MailboxRef) => {
    const stem = eventStem(mailbox);
    const names = mailboxNames(mailbox);
    const found: { readonly text: string; readonly own: readonly (readonly [DiscardPlace, key: string, letter: string])[] }[] = [];
    for (const text of await home.redis.lrange(home.keys.discards, 0, -1)) {
      const item = parseDiscard(text);
      if (item === undefined) continue;
      const own: (readonly [DiscardPlace, string, string])[] = [];
      for (const place of places) {
        const key = place.keys.discarded(item.id);
        for (const letter of await place.redis.lrange(key, 0, -1)) if (letter.startsWith(stem)) own.push([place, key, letter]);
      }
      if (own.length > 0 || names.isNamedIn(text)) found.push({ text, own });
    }
    return found;
  };
  return {
    name: "what was discarded",
    weigh: async (mailbox) => ({ discarded: (await find(mailbox)).reduce((sum, { own }) => sum + own.length, 0) }),
    async purge(mailbox) {
      const names = mailboxNames(mailbox);
      let discarded = 0;
      for (const { text, own } of await find(mailbox)) {
        for (const [{ redis }, key, letter] of own) discarded += await redis.lrem(key, 0, letter);
        await home.redis.eval(
          replaceItemScript,
          1,
          home.keys.discards,
          text,
          names.mask(text, () => "[purged]"),
        );
      }
      return { discarded };
    },
  };
}
