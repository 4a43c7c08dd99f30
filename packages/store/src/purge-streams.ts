import type { Redis } from "ioredis";
import { eventStem, type MailboxNames, mailboxNames, type MailboxRef, type PurgePlace, queueNames, type RedisKeys } from "@mailfleet/core";
import type { NewActivity } from "./activity-log.ts";

/** Entries that are read in one go. */
const pageSize = 1_000;
/** In place of a name that was purged. */
const mask = "[purged]";

/**
 * KEYS a stream ; ARGV per change: entry id, what its first field holds from now on, or '' where the entry goes
 * Writes the stream anew, ids as they were: XDEL only marks what it deletes, and leaves the bytes in memory and in Redis' files until
 * all of their node is gone. Some 10,000 entries at most, 30 ms.
 */
const rewriteScript = `
local changes = {}
for i = 1, #ARGV, 2 do changes[ARGV[i]] = ARGV[i + 1] end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local info, last = redis.call('XINFO', 'STREAM', KEYS[1]), nil
for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
local kept = 0
for _, entry in ipairs(entries) do
  local change = changes[entry[1]]
  if change ~= '' then
    if change then entry[2][2] = change end
    redis.call('XADD', KEYS[1], entry[1], unpack(entry[2]))
    kept = kept + 1
  end
end
if kept > 0 then redis.call('XSETID', KEYS[1], last) end
return #entries - kept`;

type Entry = readonly [id: string, fields: readonly string[]];
type Change = (entry: Entry) => string | undefined;

/** What BullMQ told about jobs: an entry that names the mailbox goes. */
export function purgeQueueEvents(redis: Redis, keys: RedisKeys): readonly PurgePlace[] {
  return Object.values(queueNames).map((queue) =>
    streamPlace(redis, `what queue ${queue} told`, `${keys.bullPrefix}:${queue}:events`, (mailbox) => {
      const names = mailboxNames(mailbox);
      const stem = eventStem(mailbox);
      return ([, fields]) => (fields.some((text) => text.startsWith(stem) || names.isNamedIn(text)) ? "" : undefined);
    }),
  );
}

/** Who did what stays, and when; to whom it was done, and what was said about it, goes. */
export function purgeActivity(redis: Redis, keys: RedisKeys): PurgePlace {
  return streamPlace(redis, "the activity", keys.activity, (mailbox) => {
    const names = mailboxNames(mailbox);
    return ([, fields]) => maskEntry(fields[1] ?? "", mailbox, names);
  });
}

function maskEntry(text: string, { tenant, address }: MailboxRef, names: MailboxNames): string | undefined {
  if (!names.isNamedIn(text)) return undefined;
  const entry = parse(text);
  // Of no version of ours.
  if (entry === undefined) return "";
  // The same address under another tenant's name is another mailbox.
  if (entry.tenant !== undefined && entry.tenant !== tenant) return undefined;
  const { mailbox, reason, ...rest } = entry;
  const isAboutIt = mailbox === address;
  const kept = { ...rest, ...(!isAboutIt && mailbox !== undefined && { mailbox }), ...(!isAboutIt && reason !== undefined && { reason }) };
  return names.mask(JSON.stringify(kept), () => mask);
}

function parse(text: string): NewActivity | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === "object" && entry !== null ? (entry as NewActivity) : undefined;
  } catch {
    return undefined;
  }
}

function streamPlace(redis: Redis, name: string, key: string, changeOf: (mailbox: MailboxRef) => Change): PurgePlace {
  const find = async (mailbox: MailboxRef): Promise<(readonly [string, string])[]> => {
    const change = changeOf(mailbox);
    const found: (readonly [string, string])[] = [];
    for (let from = "-"; ;) {
      const page = await redis.xrange(key, from, "+", "COUNT", pageSize);
      for (const entry of page) {
        const changed = change(entry);
        if (changed !== undefined) found.push([entry[0], changed]);
      }
      const last = page.at(-1)?.[0];
      if (last === undefined || page.length < pageSize) return found;
      from = `(${last}`;
    }
  };
  return {
    name,
    weigh: async (mailbox) => ({ entries: (await find(mailbox)).length }),
    async purge(mailbox) {
      let entries = 0;
      // Others write meanwhile: until there is nothing.
      for (;;) {
        const found = await find(mailbox);
        if (found.length === 0) return { entries };
        await redis.eval(rewriteScript, 1, key, ...found.flat());
        entries += found.length;
      }
    },
  };
}
