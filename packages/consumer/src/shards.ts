/**
 * BullMQ's prefixes of a fleet's queues, one for each shard. The braces are part of them:
 * they keep what belongs together in one slot of a Redis Cluster.
 */
export function shardPrefixes(fleet: string, shards: number): readonly string[] {
  if (!Number.isInteger(shards) || shards < 1)
    throw new RangeError(`shards is ${shards}; expected 1 or more, as in mailfleet's configuration`);
  return Array.from({ length: shards }, (_, i) => (i === 0 ? `{${fleet}}` : `{${fleet}:${i + 1}}`));
}
