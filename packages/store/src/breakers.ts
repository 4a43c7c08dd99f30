import type { Redis } from "ioredis";
import {
  type Breakers,
  type Clock,
  limits,
  mailboxId,
  type NeighbourView,
  redisRefusal,
  type RedisKeys,
  type RefusalKind,
} from "@mailfleet/core";
import { holdScript, openedScript, refusedScript, releaseScript } from "./hold-scripts.ts";
import { addOthers, hurryHolds, type TenantsElsewhere } from "./tenants-elsewhere.ts";

export interface BreakersOptions {
  readonly redis: Redis;
  readonly keys: RedisKeys;
  readonly clock: Pick<Clock, "monotonic">;
  /**
   * Names what the tenant's token is asked for with, and tells nothing about it. It is kept with a hold, so that a worker that has another
   * one has the tenant looked at, at once.
   */
  readonly credentialOf?: (tenant: string) => Promise<string | undefined>;
  /** The tenants of the fleet's other shards: an outage of the service is everybody's. */
  readonly elsewhere?: TenantsElsewhere;
}

/** In the order of the scripts. */
const kinds: readonly RefusalKind[] = ["login", "access", "reach", "throttle"];

/** Breakers in Redis: about 1 kB for a tenant in trouble, 200 bytes for one that is not, and a write in ten seconds from each worker. */
export function createBreakers({ redis, keys, clock, credentialOf, elsewhere }: BreakersOptions): Breakers {
  /** Opened and not reported yet. */
  const counted = new Map<string, { count: number; reportedAt: number }>();

  return {
    async opened({ mailbox: { tenant }, token, canary }, wasRefused) {
      const mine = counted.get(tenant) ?? { count: 0, reportedAt: -Infinity };
      counted.set(tenant, mine);
      mine.count++;
      const now = clock.monotonic();
      if (!wasRefused && canary === undefined && now - mine.reportedAt < limits.openedReportMs) return;
      const { count } = mine;
      [mine.count, mine.reportedAt] = [0, now];
      const names = [
        keys.opened(tenant),
        ...kinds.slice(0, 3).map((kind) => keys.refused(tenant, kind)),
        keys.tenantsOpened,
        keys.tenantsDown,
        keys.hold(tenant),
        keys.untold(tenant),
        keys.loginRate(tenant),
        keys.tenantsDue("fresh"),
        keys.tenantsDue("backfill"),
      ];
      await ask(redis.eval(openedScript, names.length, ...names, tenant, count, token, keys.signals));
      if (canary?.cause.code !== "SERVICE_INCIDENT") return;
      await ask(hurryHolds(redis, keys));
      await elsewhere?.hurry();
    },

    async refused(mailbox, kind, slows) {
      const { tenant } = mailbox;
      const names = [
        keys.opened(tenant),
        ...kinds.map((one) => keys.refused(tenant, one)),
        keys.tenantsOpened,
        keys.tenantsDown,
        keys.due("fresh", tenant),
        keys.loginRate(tenant),
      ];
      const args = [mailboxId(mailbox), tenant, kinds.indexOf(kind) + 1, slows ? 1 : 0];
      const view = readView((await ask(redis.eval(refusedScript, names.length, ...names, ...args))) as number[]);
      return elsewhere ? { ...view, others: addOthers(view.others, await elsewhere.look(view.refusedForMs)) } : view;
    },

    async hold({ mailbox, token }, order) {
      const { tenant } = mailbox;
      const { code, scope, text, state, tries, inMs, isSame } = order;
      const credential = (await credentialOf?.(tenant)) ?? "";
      const names = [
        keys.hold(tenant),
        keys.untold(tenant),
        keys.lease(mailboxId(mailbox)),
        keys.due("fresh", tenant),
        keys.fence,
        keys.tenantsDue("fresh"),
      ];
      const args = [
        token,
        tenant,
        code,
        scope,
        text,
        state,
        tries,
        Math.round(inMs),
        isSame ? 1 : 0,
        credential,
        keys.signals,
        mailboxId(mailbox),
      ];
      return (await ask(redis.eval(holdScript, names.length, ...names, ...args))) === 1;
    },

    async release({ mailbox: { tenant }, token }) {
      const due = [keys.tenantsDue("fresh"), keys.tenantsDue("backfill")];
      const names = [keys.hold(tenant), keys.untold(tenant), keys.loginRate(tenant), ...due];
      await ask(redis.eval(releaseScript, names.length, ...names, tenant, token, keys.signals));
    },
  };
}

function readView(answer: readonly number[]): NeighbourView {
  const [mailboxes = 0, login = 0, access = 0, reach = 0, throttle = 0, refusedForMs = 0, openedLately = 0, ago = -1] = answer;
  const [active = 0, down = 0, open = 0] = answer.slice(8);
  return {
    mailboxes,
    refused: { login, access, reach, throttle },
    refusedForMs,
    openedLately,
    ...(ago >= 0 && { openedAgoMs: ago }),
    others: { active, down, open },
  };
}

/** Foreign errors carry the whole command (T02) and no port knows them. */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw redisRefusal(error, "breaker");
  }
}
