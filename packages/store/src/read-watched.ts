import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import { type MailboxRecord, recordFields, toRecord } from "./fleet-reader.ts";

/** A mailbox as the console keeps it. */
export interface WatchedMailbox extends MailboxRecord {
  readonly addedAt?: number;
  /** A session opened it at least once. */
  readonly isOpened: boolean;
  /** A connection waits for the server's word on it now. */
  readonly isPushed: boolean;
}

/** What a mailbox's own hash says, whatever its tenant is held for, and not pushed. */
export interface ReadMailbox {
  readonly mailbox: WatchedMailbox;
  /** Of all that was read. */
  readonly digest: string;
}

/** Mailboxes of one script, which blocks Redis for about a millisecond: others are answered in between. */
const mailboxesOfScript = 200;
const fields = [...recordFields, "addedAt", "opened"] as const;
/** Stands for a field that is not there; no value begins with it. */
const absent = "\u0001";

/**
 * KEYS hashes of mailboxes. ARGV the number of fields, their names, and for each mailbox the digest of what is known of it. Answers with
 * those that differ: their place among the keys, the digest, and the values as one text with NUL between them. As an answer for each
 * mailbox with a string for each field, a sweep of a still fleet would cost more than everything else in a look.
 */
const watchedScript = `
local count = tonumber(ARGV[1])
local names = {}
for i = 1, count do names[i] = ARGV[1 + i] end
local found = {}
for i, key in ipairs(KEYS) do
  local values = redis.call('HMGET', key, unpack(names))
  for j = 1, count do values[j] = values[j] or '\\1' end
  local text = table.concat(values, '\\0')
  local digest = string.sub(redis.sha1hex(text), 1, 16)
  if digest ~= ARGV[1 + count + i] then
    found[#found + 1] = i
    found[#found + 1] = digest
    found[#found + 1] = text
  end
end
return found`;

/**
 * Those of the mailboxes that are not as they were; undefined for one that is gone.
 * @param digestOf of what is known of a mailbox; undefined has it read whatever it holds
 * @param at epoch ms by Redis' clock
 */
export async function readWatched(
  redis: Redis,
  keys: RedisKeys,
  ids: readonly string[],
  digestOf: (id: string) => string | undefined,
  at: number,
): Promise<ReadonlyMap<string, ReadMailbox | undefined>> {
  const read = new Map<string, ReadMailbox | undefined>();
  for (let i = 0; i < ids.length; i += mailboxesOfScript) {
    const some = ids.slice(i, i + mailboxesOfScript);
    const args = [fields.length, ...fields, ...some.map((id) => digestOf(id) ?? "")];
    const found = (await redis.eval(watchedScript, some.length, ...some.map((id) => keys.mailbox(id)), ...args)) as (string | number)[];
    for (let j = 0; j < found.length; j += 3) {
      const id = some[Number(found[j]) - 1] as string;
      read.set(id, toMailbox(id, String(found[j + 1]), String(found[j + 2]), at));
    }
  }
  return read;
}

function toMailbox(id: string, digest: string, text: string, at: number): ReadMailbox | undefined {
  const values = text.split("\0").map((value) => (value === absent ? null : value));
  const record = toRecord(id, values, at);
  if (record === undefined) return undefined;
  const [addedAt, opened] = values.slice(recordFields.length);
  // V8 makes a long piece of a text by pointing into it: an address of its own would keep all that was read.
  const address = id.endsWith(`/${record.address}`) ? id.slice(-record.address.length) : record.address;
  const more = { address, ...(addedAt && { addedAt: Number(addedAt) }), isOpened: opened === "1", isPushed: false };
  return { mailbox: { ...record, ...more }, digest };
}
