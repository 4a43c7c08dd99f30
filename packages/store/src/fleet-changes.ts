import type { Redis } from "ioredis";
import type { RedisKeys, TenantHold } from "@mailfleet/core";
import { withTenantCause } from "./fleet-reader.ts";
import { readHolds } from "./holds.ts";
import { createIndexReader } from "./read-indexes.ts";
import { type ReadMailbox, readWatched, type WatchedMailbox } from "./read-watched.ts";

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

/** Everything is looked at again within so many looks, whatever the index said: what moved without moving its due time is noticed by then. */
const sweepLooks = 60;

/**
 * Follows what happens to all mailboxes of a shard without a stream of changes, which each commit would have to write: whatever happens to
 * a mailbox (taken, renewed, settled, parked, resumed) moves its score in the due index, so that a look reads that index, about 40 bytes a
 * mailbox, and then only the mailboxes whose score moved. Holds of tenants and push have keys of their own.
 */
export function createFleetChanges(redis: Redis, keys: RedisKeys): FleetChanges {
  const readIndexes = createIndexReader(redis, keys);
  const known = new Map<string, ReadMailbox>();
  let holds: ReadonlyMap<string, TenantHold> = new Map();
  let pushed: ReadonlySet<string> = new Set();
  let sweep: string[] = [];
  const syncing = new Set<string>();
  /** Read again because a look failed after it had found that these moved. */
  const owed = new Set<string>();

  /** Those that are parked are in no index: they are found in the set of all, when its size is not what is known. */
  const findUnlisted = async (count: number): Promise<{ added: string[]; gone: string[] }> => {
    if (count === known.size) return { added: [], gone: [] };
    const all = new Set(await redis.smembers(keys.mailboxes));
    return { added: [...all].filter((id) => !known.has(id)), gone: [...known.keys()].filter((id) => !all.has(id)) };
  };

  /** Most are as their hash has them: nothing is copied then. */
  const watched = (id: string): WatchedMailbox | undefined => {
    const own = known.get(id)?.mailbox;
    if (own === undefined) return undefined;
    const mailbox = withTenantCause(own, holds.get(own.tenant));
    return pushed.has(id) ? { ...mailbox, isPushed: true } : mailbox;
  };

  return {
    async look() {
      const index = await readIndexes();
      const newHolds = index.isAnyHeld ? await readHolds(redis, keys) : new Map<string, TenantHold>();
      for (const id of index.moved) owed.add(id);
      const { added, gone } = await findUnlisted(index.count);
      for (const id of added) owed.add(id);
      for (const id of gone) owed.delete(id);
      if (sweep.length === 0) sweep = [...known.keys()];
      const swept = sweep.splice(0, Math.ceil(known.size / sweepLooks));
      // A session that ended without moving its mailbox's score is over when its time is.
      const asked = new Set([...owed, ...swept, ...syncing]);
      const digestOf = (id: string): string | undefined => (syncing.has(id) ? undefined : known.get(id)?.digest);
      const changed = new Set<string>();
      for (const [id, one] of await readWatched(redis, keys, [...asked], digestOf, index.at)) {
        if (one === undefined) {
          if (known.delete(id)) gone.push(id);
          syncing.delete(id);
          continue;
        }
        if (one.mailbox.isSyncing) syncing.add(id);
        else syncing.delete(id);
        if (!isSame(known.get(id)?.mailbox, one.mailbox)) changed.add(id);
        known.set(id, one);
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
  known: ReadonlyMap<string, ReadMailbox>,
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
  for (const [id, { mailbox }] of known) if (moved.has(mailbox.tenant)) changed.add(id);
}

function isSame(before: WatchedMailbox | undefined, after: WatchedMailbox): boolean {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after);
}
