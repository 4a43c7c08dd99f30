import { eventStem, type Lane, mailboxId, type MailboxRef, type PurgePlace, queueNames, type RedisKeys } from "@mailfleet/core";

/** A client of Redis, as far as it is needed. */
export interface PurgeClient {
  eval(script: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
}

const lists = ["active", "wait", "paused"] as const;
const sets = ["delayed", "prioritized", "failed", "completed", "waiting-children"] as const;
const states = [...lists, ...sets];
type State = (typeof states)[number];

/** Ids that are read in one go. */
const pageSize = 1_000;
/** Jobs of one script: each is looked for in lists of up to 50,000 ids, which blocks Redis for about a millisecond. */
const removedAtOnce = 25;

/** KEYS a list or sorted set ; ARGV first, last */
const pageScript = `return redis.call(redis.call('TYPE', KEYS[1])['ok'] == 'list' and 'LRANGE' or 'ZRANGE', KEYS[1], ARGV[1], ARGV[2])`;

/**
 * KEYS the eight states above, then stalled
 * ARGV the queue's key prefix, then ids
 * Removes jobs wherever they are, a consumer's hands included: what it holds is its copy, and it cannot hand anything back.
 */
const removeJobsScript = `
for i = 2, #ARGV do
  local job = ARGV[1] .. ARGV[i]
  for k = 1, ${lists.length} do redis.call('LREM', KEYS[k], 0, ARGV[i]) end
  for k = ${lists.length + 1}, ${states.length} do redis.call('ZREM', KEYS[k], ARGV[i]) end
  redis.call('SREM', KEYS[${states.length + 1}], ARGV[i])
  if redis.call('TYPE', job)['ok'] == 'hash' then
    local deduplication = redis.call('HGET', job, 'deid')
    if deduplication then redis.call('DEL', ARGV[1] .. 'de:' .. deduplication, ARGV[1] .. 'dn:' .. deduplication) end
    redis.call('DEL', job)
  end
  redis.call('DEL', job .. ':logs', job .. ':lock', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful')
end
return #ARGV - 1`;

/** Events of a mailbox in the `messages` queue, dead letters included. */
export function purgeMessages(client: PurgeClient, keys: RedisKeys): PurgePlace {
  const prefix = `${keys.bullPrefix}:${queueNames.messages}:`;
  const find = async (mailbox: MailboxRef) => {
    const stem = eventStem(mailbox);
    return findJobs(client, prefix, async (id) => {
      if (id.startsWith(stem)) return true;
      // Long ids are hashes of themselves: what they are about is in the event alone.
      return id.startsWith("key-") && isEventOf(await readData(client, prefix, id), mailbox);
    });
  };
  return {
    name: "the messages queue",
    weigh: async (mailbox) => countEvents(await find(mailbox)),
    purge: async (mailbox) => countEvents(await removeAll(client, prefix, () => find(mailbox))),
  };
}

/** What is left of a mailbox in the two sync queues: jobs that failed, jobs of workers that died, and marks against doubles. */
export function purgeSyncJobs(client: PurgeClient, keys: RedisKeys, lane: Lane): PurgePlace {
  const prefix = `${keys.bullPrefix}:${queueNames[lane]}:`;
  const find = async (mailbox: MailboxRef) =>
    findJobs(client, prefix, async (id) => (await readData(client, prefix, id))?.["mailbox"] === mailboxId(mailbox));
  return {
    name: `the queue ${queueNames[lane]}`,
    weigh: async (mailbox) => ({ entries: (await find(mailbox)).size }),
    async purge(mailbox) {
      const found = await removeAll(client, prefix, () => find(mailbox));
      const mark = mailboxId(mailbox).replaceAll(":", "%3A");
      await client.eval("return redis.call('DEL', KEYS[1], KEYS[2])", 2, `${prefix}de:${mark}`, `${prefix}dn:${mark}`);
      return { entries: found.size };
    },
  };
}

/** Jobs move between states while they are read, so it is done when nothing was found. */
async function removeAll(client: PurgeClient, prefix: string, find: () => Promise<Map<string, State>>): Promise<Map<string, State>> {
  const removed = new Map<string, State>();
  const names = [...states, "stalled"].map((name) => prefix + name);
  for (;;) {
    const found = await find();
    if (found.size === 0) return removed;
    const ids = [...found.keys()];
    for (let at = 0; at < ids.length; at += removedAtOnce) {
      await client.eval(removeJobsScript, names.length, ...names, prefix, ...ids.slice(at, at + removedAtOnce));
    }
    for (const [id, state] of found) removed.set(id, state);
  }
}

/** Lists are read from the end that grows: what is added meanwhile comes twice, and nothing is passed over. */
async function findJobs(client: PurgeClient, prefix: string, isOf: (id: string) => Promise<boolean>): Promise<Map<string, State>> {
  const found = new Map<string, State>();
  for (const state of states) {
    for (let at = 0; ; at += pageSize) {
      const ids = (await client.eval(pageScript, 1, prefix + state, at, at + pageSize - 1)) as string[];
      for (const id of ids) if (await isOf(id)) found.set(id, state);
      if (ids.length < pageSize) break;
    }
  }
  return found;
}

function countEvents(found: ReadonlyMap<string, State>): { events: number; letters: number } {
  const letters = [...found.values()].filter((state) => state === "failed").length;
  return { events: found.size - letters, letters };
}

/** Undefined where there is none, and where somebody put something else: anybody may have put anything into a queue. */
async function readData(client: PurgeClient, prefix: string, id: string): Promise<Record<string, unknown> | undefined> {
  const [text] = await client.hmget(prefix + id, "data").catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith("WRONGTYPE")) return [];
    throw error;
  });
  try {
    const data: unknown = JSON.parse(text ?? "");
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isEventOf(data: Record<string, unknown> | undefined, { tenant, address }: MailboxRef): boolean {
  return data?.["tenant"] === tenant && data["mailbox"] === address;
}
