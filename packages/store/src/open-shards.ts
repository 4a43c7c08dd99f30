import type { Redis, RedisOptions } from "ioredis";
import { type Clock, type FleetShard, fleetShards, type Log, type RedisTarget } from "@mailfleet/core";
import { connectRedis, describeTarget, inspectRedis, type RedisHealth, redisOptions } from "./connection.ts";

/** A shard with a client of its own. */
export interface OpenShard extends FleetShard {
  readonly redis: Redis;
  /** For clients that BullMQ makes. */
  readonly connection: RedisOptions;
}

/** Where all of a fleet's servers are. */
export interface FleetTarget extends RedisTarget {
  readonly others?: readonly RedisTarget[];
}

/** A server that does not say how it is in this time is in trouble, ms. */
const inspectMs = 5_000;

/**
 * Connects to all shards, or to none.
 * @param caPem certificate authorities for these servers, instead of the built-in ones
 * @throws SyncError REDIS_UNAVAILABLE of the first that does not answer
 */
export async function openShards(
  fleet: { readonly name: string; readonly shards: number },
  target: FleetTarget,
  log: Log,
  caPem?: string,
): Promise<readonly OpenShard[]> {
  const connecting = fleetShards(fleet, [target, ...(target.others ?? [])]).map(async (shard): Promise<OpenShard> => ({
    ...shard,
    redis: await connectRedis(shard.target, log, caPem),
    connection: redisOptions(shard.target, caPem),
  }));
  const results = await Promise.allSettled(connecting);
  const open = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return open;
  closeShards(open);
  throw failed.reason;
}

export function closeShards(shards: readonly OpenShard[]): void {
  for (const { redis } of shards) redis.disconnect();
}

/** What is wrong with any of the servers; the version is the first one's. */
export async function inspectShards(shards: readonly OpenShard[]): Promise<RedisHealth> {
  const each = await Promise.all(shards.map(({ redis }) => inspectRedis(redis)));
  // Shards that share a server say the same.
  const all = (what: "problems" | "fixes" | "troubles"): string[] => [...new Set(each.flatMap((one) => one[what]))];
  return { version: each[0]?.version ?? "unknown", problems: all("problems"), fixes: all("fixes"), troubles: all("troubles") };
}

/**
 * Why a shard may not be used as its server is now; none where it may. With other shards beside it a server that does not answer is one of
 * these sentences, so that nothing of theirs waits for it.
 */
export async function shardProblems(shard: OpenShard, isOnly: boolean, clock: Clock): Promise<readonly string[]> {
  const looking = inspectRedis(shard.redis).then(({ problems, troubles }) => [...problems, ...troubles]);
  if (isOnly) return looking;
  const late = new AbortController();
  const silent = clock
    .sleep(inspectMs, late.signal)
    .then(() => [`Redis at ${describeTarget(shard.target)} does not answer: the tenants of shard ${shard.number} wait.`]);
  silent.catch(() => undefined);
  looking.catch(() => undefined);
  try {
    return await Promise.race([looking, silent]);
  } finally {
    late.abort();
  }
}
