import type { Redis } from "ioredis";
import type { RedisKeys, TenantHold } from "@mailfleet/core";
import { type MailboxRecord, recordFields, toRecord, withTenantCause } from "./fleet-reader.ts";
import { readHolds } from "./holds.ts";

/** A mailbox as the console keeps it. */
export interface WatchedMailbox extends MailboxRecord {
  readonly addedAt?: number;
  /** A session opened it at least once. */
  readonly isOpened: boolean;
  /** A connection waits for the server's word on it now. */
  readonly isPushed: boolean;
}

/** What differs since the look before. */
export interface FleetNews {
  /** Epoch ms by Redis' clock. */
  readonly at: number;
  readonly changed: readonly WatchedMailbox[];
  /** Ids. */
  readonly gone: readonly string[];
}

export interface FleetChanges {
  /** The first look reads everything; later ones what moved since. A look that failed is made up for by the next. */
  look(): Promise<FleetNews>;
}

/** Mailboxes that are asked for in one go: Redis answers others in between. */
const pageSize = 1_000;
/** Everything is read again within so many looks, whatever the index said: what moved without moving its due time is noticed by then. */
const sweepLooks = 60;
const watchedFields = [...recordFields, "addedAt", "opened"] as const;

/**
 * KEYS a due index. ARGV the digest of what is known of it. All of it as one text, ids and scores in turns with NUL between them: twenty
 * thousand answers of their own would cost several times as much to read. Nothing of it where it is as it was: most looks find it so.
 */
const indexScript = `
local text = table.concat(redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), '\\0')
local digest = redis.sha1hex(text)
if digest == ARGV[1] then return {digest} end
return {digest, text}`;

/** A due index as it was at the last look. */
interface Index {
  readonly digest: string;
  readonly scores: ReadonlyMap<string, string>;
}

interface Known {
  readonly record: MailboxRecord;
  readonly addedAt?: number;
  readonly isOpened: boolean;
}

/**
 * Follows what happens to all mailboxes of a shard without a stream of changes, which each commit would have to write: whatever happens to
 * a mailbox (taken, renewed, settled, parked, resumed) moves its score in the due index, so that a look reads that index, about 40 bytes a
 * mailbox, and then only the mailboxes whose score moved. Holds of tenants and push have keys of their own.
 */
export function createFleetChanges(redis: Redis, keys: RedisKeys): FleetChanges {
  const known = new Map<string, Known>();
  const indexes = new Map<string, Index>();
  let holds: ReadonlyMap<string, TenantHold> = new Map();
  let pushed: ReadonlySet<string> = new Set();
  let sweep: string[] = [];
  const syncing = new Set<string>();
  /** Read again because a look failed after it had found that these moved. */
  const owed = new Set<string>();

  /** Which mailboxes' scores differ from the last look, and what else one round trip tells. */
  const readIndex = async (): Promise<{ at: number; moved: string[]; count: number; pushed: ReadonlySet<string> }> => {
    const tenants = (await redis.smembers(keys.tenants)).sort();
    const names = tenants.flatMap((tenant) => [keys.due("fresh", tenant), keys.due("backfill", tenant)]);
    const pipeline = redis.pipeline().time().scard(keys.mailboxes).hkeys(keys.pushHeld);
    for (const name of names) pipeline.eval(indexScript, 1, name, indexes.get(name)?.digest ?? "");
    const answers = ((await pipeline.exec()) ?? []).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
    const [time, count, held, ...answered] = answers as [[string, string], number, string[], ...[string, string?][]];
    const moved: string[] = [];
    for (const [i, name] of names.entries()) {
      const [digest, text] = answered[i] ?? [""];
      const before = indexes.get(name);
      if (text === undefined) continue;
      const scores = scoresOf(text);
      for (const [id, score] of scores) if (before?.scores.get(id) !== score) moved.push(id);
      // Parked, removed, or taken out of the index for another reason.
      for (const id of before?.scores.keys() ?? []) if (!scores.has(id)) moved.push(id);
      indexes.set(name, { digest, scores });
    }
    // Of tenants that are gone.
    for (const [name, { scores }] of indexes) {
      if (names.includes(name)) continue;
      moved.push(...scores.keys());
      indexes.delete(name);
    }
    return { at: Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000), moved, count, pushed: new Set(held) };
  };

  /** Those that are parked are in no index: they are found in the set of all, when its size is not what is known. */
  const findUnlisted = async (count: number): Promise<{ added: string[]; gone: string[] }> => {
    if (count === known.size) return { added: [], gone: [] };
    const all = new Set(await redis.smembers(keys.mailboxes));
    return { added: [...all].filter((id) => !known.has(id)), gone: [...known.keys()].filter((id) => !all.has(id)) };
  };

  const read = async (ids: readonly string[], at: number): Promise<Map<string, Known | undefined>> => {
    const found = new Map<string, Known | undefined>();
    for (let i = 0; i < ids.length; i += pageSize) {
      const some = ids.slice(i, i + pageSize);
      const pipeline = redis.pipeline();
      for (const id of some) pipeline.hmget(keys.mailbox(id), ...watchedFields);
      for (const [j, [error, answer]] of ((await pipeline.exec()) ?? []).entries()) {
        if (error) throw error;
        const values = answer as (string | null)[];
        const id = some[j] as string;
        const record = toRecord(id, values, at);
        const [addedAt, opened] = values.slice(recordFields.length);
        found.set(id, record && { record, ...(addedAt && { addedAt: Number(addedAt) }), isOpened: opened === "1" });
      }
    }
    return found;
  };

  const watched = (id: string): WatchedMailbox | undefined => {
    const one = known.get(id);
    if (one === undefined) return undefined;
    const { record, ...rest } = one;
    return { ...withTenantCause(record, holds.get(record.tenant)), ...rest, isPushed: pushed.has(id) };
  };

  return {
    async look() {
      const index = await readIndex();
      const newHolds = await readHolds(redis, keys);
      for (const id of index.moved) owed.add(id);
      const { added, gone } = await findUnlisted(index.count);
      for (const id of added) owed.add(id);
      for (const id of gone) owed.delete(id);
      if (sweep.length === 0) sweep = [...known.keys()];
      const swept = sweep.splice(0, Math.ceil(known.size / sweepLooks));
      // A session that ended without moving its mailbox's score is over when its time is.
      const asked = new Set([...owed, ...swept, ...syncing]);
      const changed = new Set<string>();
      for (const [id, one] of await read([...asked], index.at)) {
        if (one === undefined) {
          if (known.delete(id)) gone.push(id);
          syncing.delete(id);
        } else {
          if (one.record.isSyncing) syncing.add(id);
          else syncing.delete(id);
          if (isSame(known.get(id), one)) continue;
          known.set(id, one);
          changed.add(id);
        }
      }
      owed.clear();
      for (const id of gone) {
        known.delete(id);
        syncing.delete(id);
      }
      noteTenants(known, changed, holds, newHolds);
      for (const id of [...index.pushed].filter((one) => !pushed.has(one))) changed.add(id);
      for (const id of [...pushed].filter((one) => !index.pushed.has(one))) changed.add(id);
      holds = newHolds;
      pushed = index.pushed;
      return { at: index.at, changed: [...changed].flatMap((id) => watched(id) ?? []), gone };
    },
  };
}

/** All mailboxes of a tenant whose hold began, ended or moved. */
function noteTenants(
  known: ReadonlyMap<string, Known>,
  changed: Set<string>,
  before: ReadonlyMap<string, TenantHold>,
  after: ReadonlyMap<string, TenantHold>,
): void {
  const moved = new Set(
    [...new Set([...before.keys(), ...after.keys()])].filter(
      (tenant) => JSON.stringify(before.get(tenant)) !== JSON.stringify(after.get(tenant)),
    ),
  );
  if (moved.size === 0) return;
  for (const [id, { record }] of known) if (moved.has(record.tenant)) changed.add(id);
}

function isSame(a: Known | undefined, b: Known): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

function scoresOf(text: string): ReadonlyMap<string, string> {
  const scores = new Map<string, string>();
  if (text === "") return scores;
  const words = text.split("\0");
  for (let i = 0; i + 1 < words.length; i += 2) scores.set(words[i] as string, words[i + 1] as string);
  return scores;
}
