import type { Redis } from "ioredis";
import { type Clock, limits, type NeighbourView, type RedisKeys } from "@mailfleet/core";
import { hurryScript, othersScript } from "./hold-scripts.ts";
import { readHolds } from "./holds.ts";

type Others = NeighbourView["others"];

/** What an outage needs to know of tenants that are in other shards: kept there with all else of them, and put together when one asks. */
export interface TenantsElsewhere {
  /** @param refusedForMs since when the tenant that asks is refused */
  look(refusedForMs: number): Promise<Others>;
  /** One tenant came back from an incident: the others are looked at soon. */
  hurry(): Promise<void>;
}

/** A shard that does not answer in this time counts as having no tenants: an outage is judged without it, ms. */
const answerMs = 1_000;

/** Asked at refusals only, so that it costs nothing while all is well. Never rejects. */
export function tenantsElsewhere(
  shards: readonly { readonly redis: Redis; readonly keys: RedisKeys }[],
  clock: Pick<Clock, "sleep">,
): TenantsElsewhere {
  const each = async <T>(ask: (shard: { redis: Redis; keys: RedisKeys }) => Promise<T>): Promise<readonly T[]> => {
    const late = new AbortController();
    const timeout = clock.sleep(answerMs, late.signal).catch(() => undefined);
    const answers = await Promise.all(shards.map((shard) => Promise.race([ask(shard).catch(() => undefined), timeout])));
    late.abort();
    return answers.filter((answer) => answer !== undefined);
  };
  return {
    async look(refusedForMs) {
      const answers = await each(async ({ redis, keys }) => {
        const answer = await redis.eval(othersScript, 2, keys.tenantsOpened, keys.tenantsDown, Math.round(refusedForMs));
        const [active = 0, down = 0, open = 0] = answer as number[];
        return { active, down, open };
      });
      return answers.reduce(addOthers, { active: 0, down: 0, open: 0 });
    },
    async hurry() {
      await each(({ redis, keys }) => hurryHolds(redis, keys).then(() => true));
    },
  };
}

/** Has the shard's tenants that wait for the end of an incident looked at, one after the other. */
export async function hurryHolds(redis: Redis, keys: RedisKeys): Promise<void> {
  let inMs = 0;
  for (const tenant of (await readHolds(redis, keys)).keys())
    await redis.eval(hurryScript, 1, keys.hold(tenant), (inMs += limits.incidentOverMs));
}

export function addOthers(a: Others, b: Others): Others {
  return { active: a.active + b.active, down: a.down + b.down, open: a.open + b.open };
}
