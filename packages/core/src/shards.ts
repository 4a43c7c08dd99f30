import type { RedisTarget } from "./redis-target.ts";
import { type RedisKeys, redisKeys } from "./redis-keys.ts";

/** A part of the fleet that is complete in Redis: due index, queues, leases, checkpoints, ledger and events of its tenants. */
export interface FleetShard {
  /** From 1. Facts of the fleet as a whole are kept in the first. */
  readonly number: number;
  readonly keys: RedisKeys;
  readonly target: RedisTarget;
}

/** How many a fleet may have: each costs every worker half a dozen connections. */
export const mostShards = 64;

/**
 * In which shard everything of a tenant is: 1 to `shards`. For ever the same for the same two values, because nothing is moved when the
 * answer changes. By tenant and not by mailbox, since what is decided for a tenant as a whole is decided in one script.
 */
export function shardOf(tenant: string, shards: number): number {
  // FNV-1a, then the finalizer of MurmurHash3: FNV's low bits alone hardly depend on the first letters.
  let hash = 0x811c9dc5;
  for (let i = 0; i < tenant.length; i++) hash = Math.imul(hash ^ tenant.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) % shards) + 1;
}

/** BullMQ's `prefix` of each shard. A consumer reads the queue `messages` under every one of them. */
export function shardPrefixes(name = "mailfleet", shards = 1): readonly string[] {
  return Array.from({ length: shards }, (_, i) => redisKeys(name, i + 1).bullPrefix);
}

/**
 * The shards of a fleet and where each is.
 * @param servers at least one; shards are dealt to them in turn, so that their order must stay
 */
export function fleetShards(fleet: { readonly name: string; readonly shards: number }, servers: readonly RedisTarget[]): FleetShard[] {
  return Array.from({ length: fleet.shards }, (_, i) => {
    const keys = redisKeys(fleet.name, i + 1);
    const server = servers[i % servers.length];
    if (server === undefined) throw new Error("a fleet needs a server");
    const target = server.cluster ? { ...server, cluster: { ...server.cluster, slotOf: keys.bullPrefix } } : server;
    return { number: i + 1, keys, target };
  });
}

/** The same thing of each shard, in order. */
export interface Sharded<T> {
  readonly all: readonly T[];
  /** The one that has everything of the tenant. */
  of(tenant: string): T;
}

export function sharded<T>(all: readonly T[]): Sharded<T> {
  return {
    all,
    of(tenant) {
      const one = all[shardOf(tenant, all.length) - 1];
      if (one === undefined) throw new Error("a fleet has a shard");
      return one;
    },
  };
}
