import type { Redis } from "ioredis";
import { type Lane, limits, type RedisKeys } from "@mailfleet/core";
import { giveBackScript, pokeScript, takeScript } from "./scripts.ts";

export interface TakeOptions {
  readonly lane: Lane;
  /** How many at most. */
  readonly count: number;
  /** Mailboxes of one tenant in flight at most, over the whole fleet. */
  readonly perTenant: number;
  /** Mailboxes of the lane in flight at most, over the whole fleet; absent: no limit but the tenants'. */
  readonly inAll?: number;
}

/** When each mailbox is to be looked at: a sorted set per tenant and lane, about 120 bytes a mailbox. */
export interface DueIndex {
  /** Ids of mailboxes that are due, fair over tenants. Any number of producers may take at once. */
  take(options: TakeOptions): Promise<readonly string[]>;
  /** Makes mailboxes due now. */
  poke(tenant: string, ids: readonly string[]): Promise<void>;
  /** A mailbox that was taken and not begun is due again at once. */
  giveBack(lane: Lane, tenant: string, id: string): Promise<void>;
}

export function createDueIndex(redis: Redis, keys: RedisKeys): DueIndex {
  return {
    async take({ lane, count, perTenant, inAll }) {
      const tenants = (await redis.smembers(keys.tenants)).sort();
      if (tenants.length === 0 || count < 1) return [];
      const turn = (await redis.incr(keys.turn(lane))) % tenants.length;
      const inTurn = [...tenants.slice(turn), ...tenants.slice(0, turn)];
      const names = inTurn.flatMap((tenant) => [keys.due(lane, tenant), keys.inFlight(lane, tenant)]);
      return (await redis.eval(takeScript, names.length, ...names, count, perTenant, limits.takenMs, inAll ?? -1)) as string[];
    },

    async giveBack(lane, tenant, id) {
      await redis.eval(giveBackScript, 2, keys.due(lane, tenant), keys.inFlight(lane, tenant), id);
    },

    async poke(tenant, ids) {
      for (let i = 0; i < ids.length; i += 1_000) {
        await redis.eval(pokeScript, 1, keys.due("fresh", tenant), 0, ...ids.slice(i, i + 1_000));
      }
    },
  };
}
