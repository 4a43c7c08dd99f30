import { mostShards, redisKeys, syncError } from "@mailfleet/core";
import { describeTarget } from "./connection.ts";
import type { OpenShard } from "./open-shards.ts";

/**
 * KEYS shard ; ARGV number, shards. Marks the shard where nobody has. Answers number and shards as they are now.
 */
const markScript = `
redis.call('HSETNX', KEYS[1], 'number', ARGV[1])
redis.call('HSETNX', KEYS[1], 'shards', ARGV[2])
return redis.call('HMGET', KEYS[1], 'number', 'shards')`;

interface Mark {
  readonly number: number;
  readonly shards: number;
}

/**
 * Refuses a configuration with another number of shards than the fleet has, or other servers: a tenant would be looked for where it is not,
 * and all its mail handed off anew. The number is written at the first start.
 * @throws SyncError CONFIG_INVALID
 */
export async function claimShards(name: string, shards: readonly OpenShard[]): Promise<void> {
  await checkShards(name, shards);
  // The first one last: once it is marked, all are.
  for (const shard of shards.toReversed()) {
    const { redis, keys, number } = shard;
    const answer = (await redis.eval(markScript, 1, keys.shard, number, shards.length)) as readonly string[];
    refuseOther(name, shards, toMark(answer));
  }
}

/** As {@link claimShards}, for who only looks: a fleet that was never started fits any number. */
export async function checkShards(name: string, shards: readonly OpenShard[]): Promise<void> {
  const marks = await Promise.all(shards.map((shard) => readMark(shard)));
  for (const mark of marks) refuseOther(name, shards, mark);
  await refuseMoved(name, shards);
  const missing = marks[0] && shards.find((_, i) => marks[i] === undefined);
  if (missing) {
    throw invalid(
      `Redis at ${describeTarget(missing.target)} should hold shard ${missing.number} of the fleet ${name}, and holds nothing of it. ` +
        "Put redis.urls back as they were when the fleet was started, or restore that server's data.",
    );
  }
}

async function readMark({ redis, keys, number }: OpenShard): Promise<Mark | undefined> {
  const mark = toMark(await redis.hmget(keys.shard, "number", "shards"));
  if (mark || number > 1) return mark;
  // A fleet from before there were shards has one.
  return (await redis.exists(keys.mailboxes)) === 1 ? { number: 1, shards: 1 } : undefined;
}

/** Servers are told apart by their place in the list alone: one that holds a shard which it should not was in another place. */
async function refuseMoved(name: string, shards: readonly OpenShard[]): Promise<void> {
  const servers = Map.groupBy(
    // In a cluster every name has its place.
    shards.filter(({ target }) => target.cluster === undefined),
    ({ target }) => `${describeTarget(target)}/${target.db}`,
  );
  for (const some of servers.values()) {
    const [{ redis, target }] = some as [OpenShard, ...OpenShard[]];
    const others = Array.from({ length: mostShards }, (_, i) => i + 1).filter((number) => some.every((shard) => shard.number !== number));
    const found = await Promise.all(others.map((number) => redis.exists(redisKeys(name, number).shard)));
    const moved = others.find((_, i) => found[i] === 1);
    if (moved === undefined) continue;
    throw invalid(
      `Redis at ${describeTarget(target)} holds shard ${moved} of the fleet ${name}, and by the configuration it should not. ` +
        "Put redis.urls and shards back as they were when the fleet was started: servers are told apart by their order.",
    );
  }
}

function refuseOther(name: string, shards: readonly OpenShard[], mark: Mark | undefined): void {
  if (mark === undefined || mark.shards === shards.length) return;
  throw invalid(
    `The fleet ${name} was started with ${mark.shards === 1 ? "1 shard" : `${mark.shards} shards`}, and the configuration says ${shards.length}. ` +
      `Set shards: ${mark.shards}. The number can't be changed: a fleet with another one needs another name, and hands off all mail anew.`,
  );
}

function toMark([number, shards]: readonly (string | null)[]): Mark | undefined {
  return number && shards ? { number: Number(number), shards: Number(shards) } : undefined;
}

function invalid(message: string): Error {
  return syncError("CONFIG_INVALID", message, { layer: "redis" });
}
