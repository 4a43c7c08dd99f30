import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import { type HistoryPoint, historyRings, type HistorySpan } from "@mailfleet/core/console";

/** What charts show, in lists that are as long as their chart is wide. */
export interface HistoryRings {
  /** True for one console of the fleet, until it does not ask again for 30 s. */
  amScribe(id: string): Promise<boolean>;
  /** @param points by tenant; the fleet's under "" */
  write(span: HistorySpan, points: ReadonlyMap<string, HistoryPoint>): Promise<void>;
  read(span: HistorySpan, tenant: string | undefined): Promise<readonly HistoryPoint[]>;
}

const scribeMs = 30_000;
/** Longer than the longest span: a tenant that is gone leaves nothing. */
const keptMs = 8 * 86_400_000;

/** KEYS scribe ; ARGV id, ms. Answers 1 for the one that writes. */
const scribeScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

export function createHistoryRings(redis: Redis, keys: RedisKeys): HistoryRings {
  const keyOf = (span: HistorySpan, tenant: string | undefined): string => keys.history(span, tenant === "" ? undefined : tenant);
  return {
    async amScribe(id) {
      return (await redis.eval(scribeScript, 1, keys.scribe, id, scribeMs)) === 1;
    },

    async write(span, points) {
      const pipeline = redis.pipeline();
      for (const [tenant, point] of points) {
        const key = keyOf(span, tenant);
        pipeline.rpush(key, pack(point));
        pipeline.ltrim(key, -historyRings[span].points, -1);
        pipeline.pexpire(key, keptMs);
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    },

    async read(span, tenant) {
      return (await redis.lrange(keyOf(span, tenant), 0, -1)).flatMap((text) => unpack(text) ?? []);
    },
  };
}

/** About 40 bytes. */
function pack({ at, fresh, history, p50, p99, worst }: HistoryPoint): string {
  return [at, fresh, history, p50, p99, worst].map((value) => Math.round(value * 10) / 10).join(" ");
}

function unpack(text: string): HistoryPoint | undefined {
  const values = text.split(" ").map(Number);
  if (values.length !== 6 || values.some((value) => !Number.isFinite(value))) return undefined;
  const [at, fresh, history, p50, p99, worst] = values as [number, number, number, number, number, number];
  return { at, fresh, history, p50, p99, worst };
}
