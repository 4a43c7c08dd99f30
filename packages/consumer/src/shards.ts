/**
 * BullMQ's prefixes of a fleet's queues: one for each shard, and mailfleet's only one where it is not sharded. The braces are part of them:
 * they keep what belongs together in one slot of a Redis Cluster.
 */
export function shardPrefixes(fleet: string, shards: number): readonly string[] {
  if (!Number.isInteger(shards) || shards < 1)
    throw new RangeError(`shards is ${shards}; expected 1 or more, as in mailfleet's configuration`);
  return shards === 1 ? [`{${fleet}}`] : Array.from({ length: shards }, (_, i) => `{${fleet}:${i + 1}}`);
}
