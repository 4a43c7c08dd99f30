import type { Redis } from "ioredis";
import { type Lane, limits, type RedisKeys } from "@mailfleet/core";
import { giveBackScript, pokeScript } from "./scripts.ts";
import { takeScript } from "./take-script.ts";

export interface TakeOptions {
  readonly lane: Lane;
  /** How many at most. */
  readonly count: number;
  /** Mailboxes of one tenant in flight at most, over the whole fleet. */
  readonly perTenant: number;
  /** Mailboxes of the lane in flight at most, over the whole fleet; absent: no limit but the tenants'. */
  readonly inAll?: number;
  /** Mailboxes in flight at most whose tenants share a server, both lanes counted; absent: no limit. */
  readonly perHost?: number;
  /** Absent: no limit, and one server for all. */
  readonly limitsOf?: (tenant: string) => TenantLimits;
}

export interface TenantLimits {
  /** Of its mail server. */
  readonly host: string;
  /** Logins per second until more was learned. */
  readonly loginsAtFirst: number;
  readonly loginsAtMost: number;
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

/** More than any fleet does. */
const unlimited = 1e9;
const noLimits: TenantLimits = { host: "", loginsAtFirst: unlimited, loginsAtMost: unlimited };

export function createDueIndex(redis: Redis, keys: RedisKeys): DueIndex {
  return {
    async take({ lane, count, perTenant, inAll = -1, perHost = unlimited, limitsOf = () => noLimits }) {
      const tenants = (await redis.smembers(keys.tenants)).sort();
      if (tenants.length === 0 || count < 1) return [];
      const turn = (await redis.incr(keys.turn(lane))) % tenants.length;
      const inTurn = [...tenants.slice(turn), ...tenants.slice(0, turn)];
      const other = lane === "fresh" ? "backfill" : "fresh";
      const names = inTurn.flatMap((tenant) => [
        keys.due(lane, tenant),
        keys.inFlight(lane, tenant),
        keys.inFlight(other, tenant),
        keys.hold(tenant),
        keys.loginRate(tenant),
      ]);
      const each = inTurn.map(limitsOf);
      const hosts = [...new Set(each.map(({ host }) => host))];
      const args = each.flatMap((one) => [hosts.indexOf(one.host), one.loginsAtFirst, one.loginsAtMost]);
      const all = [count, perTenant, limits.takenMs, inAll, lane, perHost, limits.canaryMs, ...args];
      return (await redis.eval(takeScript, names.length, ...names, ...all)) as string[];
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
