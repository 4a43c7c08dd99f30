import type { Redis } from "ioredis";
import {
  failureCodes,
  type FailureScope,
  type HoldReader,
  limits,
  parseMailboxId,
  redisRefusal,
  type RedisKeys,
  type TenantHold,
} from "@mailfleet/core";
import { parseCause } from "./parse-cause.ts";
import { tryCredentialScript } from "./hold-scripts.ts";

/** Which tenants are held, from Redis. */
export function createHoldReader(redis: Redis, keys: RedisKeys): HoldReader {
  return {
    held: () => ask(readHolds(redis, keys)),
    async tryCredential(tenant, credential) {
      return (await ask(redis.eval(tryCredentialScript, 1, keys.hold(tenant), credential, limits.credentialAgainMs))) === 1;
    },
  };
}

/** Mailboxes of a parked tenant that consumers are to be told of now. */
export async function readUntold(redis: Redis, keys: RedisKeys, tenant: string, count: number) {
  const [seconds] = await redis.time();
  const ids = await redis.zrangebyscore(keys.untold(tenant), "-inf", Number(seconds) * 1_000, "LIMIT", 0, count);
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(keys.mailbox(id), "address", "protocol", "cause");
  return ((await pipeline.exec()) ?? []).map(([error, fields], i) => {
    if (error) throw error;
    const [address, protocol, causeText] = fields as (string | null)[];
    // One that is gone is named by its id: the script takes it off the list.
    const known = parseMailboxId(ids[i] as string);
    const mailbox = { tenant, address: address ?? known?.address ?? "", protocol: protocol === "pop3" ? "pop3" : "imap" } as const;
    return { mailbox, causeText: causeText ?? "", cause: parseCause(causeText ?? undefined) };
  });
}

export async function readHolds(redis: Redis, keys: RedisKeys): Promise<ReadonlyMap<string, TenantHold>> {
  const tenants = (await redis.smembers(keys.tenants)).sort();
  const pipeline = redis.pipeline();
  for (const tenant of tenants) pipeline.hgetall(keys.hold(tenant));
  const found = new Map<string, TenantHold>();
  for (const [i, [error, fields]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error) throw error;
    const hold = readHold(fields as Record<string, string>);
    if (hold) found.set(tenants[i] as string, hold);
  }
  return found;
}

/** A hold as its hash has it; undefined where there is none, and for one that cannot be read, which still holds. */
export function readHold(fields: Readonly<Record<string, string | undefined>>): TenantHold | undefined {
  const { id, scope, text = "", state } = fields;
  const code = failureCodes.find((one) => one === fields["code"]);
  const [since, tries, nextAt] = [Number(fields["since"]), Number(fields["tries"]), Number(fields["nextAt"])];
  if (id === undefined || code === undefined || (state !== "parked" && state !== "waiting")) return undefined;
  if (!Number.isFinite(since) || !Number.isFinite(tries) || !Number.isFinite(nextAt)) return undefined;
  return { id, cause: { code, scope: scope as FailureScope, text, since, tries, nextAt, state } };
}

/** Foreign errors carry the whole command (T02) and no port knows them. */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw redisRefusal(error, "hold");
  }
}
