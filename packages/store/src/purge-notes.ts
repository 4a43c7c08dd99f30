import type { Redis } from "ioredis";
import { eventStem, mailboxId, mailboxNames, type MailboxRef, type PurgePlace, type RedisKeys, type RefusalKind } from "@mailfleet/core";
import type { DiscardedItem } from "@mailfleet/core/console";

const kinds: readonly RefusalKind[] = ["login", "access", "reach", "throttle"];

/** KEYS hold ; ARGV field, value as it was read, value to be. A hold that moved on since is another. */
const replaceScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])`;

/** KEYS list ; ARGV item as it was read, item to be or '' where it goes. */
const replaceItemScript = `
if ARGV[2] == '' then return redis.call('LREM', KEYS[1], 0, ARGV[1]) end
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

/** Letters of the mailbox that were discarded, and can no longer be put back. */
export function purgeDiscards(redis: Redis, keys: RedisKeys): PurgePlace {
  const find = async (mailbox: MailboxRef) => {
    const stem = eventStem(mailbox);
    const names = mailboxNames(mailbox);
    const found: { text: string; item: DiscardedItem; letters: readonly string[]; own: readonly string[]; isNamed: boolean }[] = [];
    for (const text of await redis.lrange(keys.discards, 0, -1)) {
      const item = parseItem(text);
      if (item === undefined) continue;
      const letters = await redis.lrange(keys.discarded(item.id), 0, -1);
      const own = letters.filter((id) => id.startsWith(stem));
      const isNamed = names.isNamedIn(text);
      if (own.length > 0 || isNamed) found.push({ text, item, letters, own, isNamed });
    }
    return found;
  };
  return {
    name: "what was discarded",
    weigh: async (mailbox) => ({ discarded: (await find(mailbox)).reduce((sum, { own }) => sum + own.length, 0) }),
    async purge(mailbox) {
      const names = mailboxNames(mailbox);
      let discarded = 0;
      for (const { text, item, letters, own } of await find(mailbox)) {
        for (const id of own) discarded += await redis.lrem(keys.discarded(item.id), 0, id);
        const left = letters.length - own.length;
        const kept = left === 0 ? "" : names.mask(JSON.stringify({ ...item, letters: left }), () => "[purged]");
        await redis.eval(replaceItemScript, 1, keys.discards, text, kept);
      }
      return { discarded };
    },
  };
}

function parseItem(text: string): DiscardedItem | undefined {
  try {
    const item = JSON.parse(text) as DiscardedItem | null;
    return typeof item?.id === "string" ? item : undefined;
  } catch {
    return undefined;
  }
}
