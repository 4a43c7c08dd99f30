import { readFile } from "node:fs/promises";
import type { Config } from "@mailfleet/config";
import { type Log, type MailboxStore, sharded } from "@mailfleet/core";
import { systemChance, systemClock } from "@mailfleet/runtime";
import {
  checkShards,
  closeShards,
  createDueIndex,
  createFleetReader,
  createMailboxRegistry,
  createMailboxStore,
  type DueIndex,
  type FleetReader,
  type FleetTarget,
  type MailboxRegistry,
  type OpenShard,
  openShards,
  shardedPokes,
  shardedReader,
  shardedRegistry,
  shardedStore,
} from "@mailfleet/store";

/** For looks that tell what they found in their answer. */
export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A fleet's state in Redis. */
export interface Fleet {
  readonly shards: readonly OpenShard[];
  /** Has what is the fleet's and not one mailbox's: tokens, credentials, processes. */
  readonly first: OpenShard;
  readonly reader: FleetReader;
  readonly registry: MailboxRegistry;
  readonly due: Pick<DueIndex, "poke">;
  close(): void;
}

/** @throws SyncError REDIS_UNAVAILABLE, CONFIG_INVALID where the fleet has another number of shards */
export async function connectFleet(config: Config, target: FleetTarget, log: Log): Promise<Fleet> {
  const ca = config.redis?.caFile === undefined ? undefined : await readFile(config.redis.caFile, "utf8");
  const shards = await openShards(config, target, log, ca);
  try {
    await checkShards(config.name, shards);
  } catch (error) {
    closeShards(shards);
    throw error;
  }
  return {
    shards,
    first: shards[0] as OpenShard,
    reader: shardedReader(shards.map(({ redis, keys }) => createFleetReader(redis, keys))),
    registry: shardedRegistry(sharded(shards.map(({ redis, keys }) => createMailboxRegistry(redis, keys)))),
    due: shardedPokes(sharded(shards.map(({ redis, keys }) => createDueIndex(redis, keys)))),
    close: () => closeShards(shards),
  };
}

/** @param worker names who asks, where the store writes that down */
export function openStore({ shards }: Pick<Fleet, "shards">, worker = "prove"): MailboxStore {
  const common = { clock: systemClock, chance: systemChance, log: silentLog, worker };
  return shardedStore(sharded(shards.map(({ redis, keys }) => createMailboxStore({ redis, keys, ...common }))));
}
