import type { Redis } from "ioredis";
import {
  type Cause,
  type Chance,
  type Clock,
  limits,
  mailboxId,
  type MailboxRef,
  parseMailboxId,
  type PushClaim,
  type PushLeases,
  pushWait,
  type RedisKeys,
} from "@mailfleet/core";
import { readHolds } from "./holds.ts";
import { parseCause } from "./parse-cause.ts";
import {
  chooseScript,
  claimScript,
  freeScript,
  joinScript,
  noteTriesScript,
  postponeScript,
  pushPokeScript,
  renewPlaceScript,
  surveyScript,
} from "./push-scripts.ts";
import { paceScript } from "./take-script.ts";
import { withPlainErrors } from "./push-errors.ts";
import { createMailboxRegistry } from "./registry.ts";

export interface PushLeasesOptions {
  readonly redis: Redis;
  readonly keys: RedisKeys;
  readonly clock: Pick<Clock, "now">;
  readonly chance: Chance;
}

/** Ids in one script: bounds the time Redis is blocked. */
const chunkIds = 500;
/** A mailbox whose registration cannot be read, or that an operator parked, is looked at again so much later. */
const unreadableMs = 60_000;

/** Push in Redis: about 140 bytes for a chosen mailbox, 120 more for one that is held, and one write per worker and renewal. */
export function createPushLeases({ redis, keys, clock, chance }: PushLeasesOptions): PushLeases {
  let turn = 0;

  const free = async (place: string, ids: readonly string[], afterMs: number, isOnlyIfOver: boolean): Promise<void> => {
    for (const [tenant, some] of byTenant(ids)) {
      for (const chunk of chunks(some)) {
        await redis.eval(
          freeScript,
          3,
          keys.pushPlaces,
          keys.pushHeld,
          keys.pushFree(tenant),
          place,
          isOnlyIfOver ? 1 : 0,
          afterMs,
          ...chunk,
        );
      }
    }
  };

  /** Who holds what, as far as it is wanted. The hash is read in steps: for the rare case, not for every round. */
  const heldBy = async (isWanted: (id: string, place: string) => boolean): Promise<ReadonlyMap<string, string[]>> => {
    const found = new Map<string, string[]>();
    for await (const fields of redis.hscanStream(keys.pushHeld, { count: chunkIds }) as AsyncIterable<string[]>) {
      for (let i = 0; i + 1 < fields.length; i += 2) {
        const [id, place] = [fields[i] as string, fields[i + 1] as string];
        if (!isWanted(id, place)) continue;
        const some = found.get(place);
        if (some) some.push(id);
        else found.set(place, [id]);
      }
    }
    return found;
  };

  const readPlaces = async (): Promise<{ alive: ReadonlySet<string>; over: readonly string[] }> => {
    const [places, now] = await Promise.all([redis.zrange(keys.pushPlaces, "0", "-1", "WITHSCORES"), redisNow(redis)]);
    const alive = new Set<string>();
    const over: string[] = [];
    for (let i = 0; i + 1 < places.length; i += 2) {
      if (Number(places[i + 1]) > now) alive.add(places[i] as string);
      else over.push(places[i] as string);
    }
    return { alive, over };
  };

  /** Frees what is held by no living place. */
  const reap = async (alive: ReadonlySet<string>, over: readonly string[]): Promise<void> => {
    for (const [place, ids] of await heldBy((_id, holder) => !alive.has(holder))) await free(place, ids, 0, true);
    if (over.length > 0) await redis.zrem(keys.pushPlaces, ...over);
  };

  /** A mailbox whose tenant is held waits with it, whatever its own cause; not until the next look, because the hold may end before. */
  const readMailboxes = async (
    ids: readonly string[],
  ): Promise<{ id: string; mailbox: MailboxRef | undefined; cause: Cause | undefined }[]> => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hmget(keys.mailbox(id), "tenant", "address", "protocol", "cause", "parkedBy");
    const held = await readHolds(redis, keys);
    const soon = clock.now() + limits.pushSurveyMs;
    const answers = (await pipeline.exec()) ?? [];
    return ids.map((id, i) => {
      const [error, fields] = answers[i] ?? [];
      if (error) throw error;
      const [tenant, address, protocol, cause, parkedBy] = (fields ?? []) as (string | null)[];
      const mailbox = tenant && address && protocol === "imap" && !parkedBy ? ({ tenant, address, protocol } as const) : undefined;
      const hold = tenant ? held.get(tenant) : undefined;
      const tenants = hold && { ...hold.cause, nextAt: Math.min(hold.cause.nextAt, soon) };
      return { id, mailbox, cause: tenants ?? parseCause(cause ?? undefined) };
    });
  };

  const readTries = async (ids: readonly string[]): Promise<number[]> =>
    ids.length === 0 ? [] : (await redis.hmget(keys.pushTries, ...ids)).map((text) => Number(text ?? 0) || 0);

  return withPlainErrors({
    async join(budget) {
      const random = chance.uuid().slice(0, 8);
      return (await redis.eval(joinScript, 2, keys.pushPlaces, keys.fence, random, Math.trunc(budget), limits.leaseMs)) as string;
    },

    async renew(place, ids) {
      const lost: string[] = [];
      const causes = new Map<string, Cause>();
      for (const chunk of ids.length === 0 ? [[]] : chunks(ids)) {
        const answer = await redis.eval(renewPlaceScript, 2, keys.pushPlaces, keys.pushHeld, place, limits.leaseMs, ...chunk);
        if (answer === null) return undefined;
        lost.push(...(answer as string[]));
        if (chunk.length === 0) continue;
        for (const { id, cause } of await readMailboxes(chunk)) if (cause) causes.set(id, cause);
      }
      return { lost, causes };
    },

    async look() {
      const [tenants, held] = await Promise.all([redis.smembers(keys.tenants), readHolds(redis, keys)]);
      const { alive, over } = await readPlaces();
      if (over.length > 0) await reap(alive, over);
      const now = await redisNow(redis);
      const pipeline = redis.pipeline();
      for (const tenant of tenants) pipeline.zcard(keys.pushFree(tenant)).zcount(keys.pushFree(tenant), "-inf", now);
      let [chosen, freeNow] = [0, 0];
      for (const [i, [error, count]] of ((await pipeline.exec()) ?? []).entries()) {
        if (error) throw error;
        if (i % 2 === 0) chosen += count as number;
        else if (!held.has(tenants[(i - 1) / 2] as string)) freeNow += count as number;
      }
      return { chosen, free: freeNow, budgets: [...alive].map((place) => Number(place.split(":")[2] ?? 0)) };
    },

    async claim(place, count) {
      const held = count < 1 ? undefined : await readHolds(redis, keys);
      // Nobody asks for those of a held tenant; once it goes on, they are free as they were.
      const tenants = (await redis.smembers(keys.tenants)).filter((tenant) => !held?.has(tenant)).sort();
      if (tenants.length === 0 || count < 1) return [];
      turn = (turn + 1) % tenants.length;
      const now = await redisNow(redis);
      const pipeline = redis.pipeline();
      for (const tenant of tenants) pipeline.zcount(keys.pushFree(tenant), "-inf", now);
      const waiting = ((await pipeline.exec()) ?? []).map(([error, size]) => (error ? 0 : Number(size)));
      const claims: PushClaim[] = [];
      for (const [tenant, share] of turns(tenants, waiting, count, turn)) {
        // The longest free first.
        const ids = await redis.zrangebyscore(keys.pushFree(tenant), "-inf", now, "LIMIT", 0, share);
        const fit: MailboxRef[] = [];
        for (const { id, mailbox, cause } of await readMailboxes(ids)) {
          const waitMs = mailbox ? pushWait(cause, clock.now(), false) : unreadableMs;
          if (mailbox && waitMs === undefined) fit.push(mailbox);
          else await redis.eval(postponeScript, 2, keys.pushFree(tenant), keys.pushHeld, Math.ceil(waitMs ?? 0) + 1_000, id);
        }
        if (fit.length === 0) continue;
        const wanted = fit.map(mailboxId);
        const claimed = (await redis.eval(
          claimScript,
          3,
          keys.pushPlaces,
          keys.pushHeld,
          keys.pushFree(tenant),
          place,
          ...wanted,
        )) as string[];
        const tries = await readTries(claimed);
        for (const [i, id] of claimed.entries()) {
          const mailbox = fit[wanted.indexOf(id)];
          if (mailbox) claims.push({ mailbox, tries: tries[i] ?? 0 });
        }
      }
      return claims;
    },

    async giveBack(place, id, afterMs, tries) {
      await redis.eval(
        noteTriesScript,
        2,
        keys.pushTries,
        keys.pushFree(parseMailboxId(id)?.tenant ?? ""),
        id,
        Math.max(0, Math.trunc(tries)),
      );
      await free(place, [id], Math.ceil(afterMs), false);
    },

    async tidy(place, ids) {
      const known = new Set(ids);
      for (const [, unknown] of await heldBy((id, holder) => holder === place && !known.has(id))) await free(place, unknown, 0, false);
    },

    async leave(place, ids) {
      await free(place, ids, 0, false);
      // Over from now on, and removed by whoever looks next, who frees what is left.
      await redis.zadd(keys.pushPlaces, "XX", 0, place);
    },

    async loginSlot(tenant) {
      const gapMs = Math.round(limits.pushLoginGapMs * (1 + chance.random()));
      return Number(await redis.eval(paceScript, 2, keys.pushPace(tenant), keys.loginRate(tenant), gapMs));
    },

    async poke(place, mailbox) {
      const id = mailboxId(mailbox);
      const answer = (await redis.eval(
        pushPokeScript,
        5,
        keys.pushHeld,
        keys.lease(id),
        keys.mailbox(id),
        keys.due("fresh", mailbox.tenant),
        keys.tenantsDue("fresh"),
        place,
        id,
      )) as string;
      if (answer === "poked" || answer === "lost") return answer;
      // A cause that cannot be read is none for everybody else too; the next session overwrites it.
      return parseCause(answer) ?? "poked";
    },

    async choose(isChosen) {
      if ((await redis.eval(surveyScript, 2, keys.pushSurvey, keys.mailboxes, limits.pushSurveyMs)) !== 1) return;
      // Also what is held by a place that nobody knows: of a Redis that forgot its last second.
      const { alive, over } = await readPlaces();
      await reap(alive, over);
      const registered = await createMailboxRegistry(redis, keys).list();
      const chosen = Map.groupBy(registered.filter(isChosen), ({ tenant }) => tenant);
      for (const tenant of await redis.smembers(keys.tenants)) {
        const wanted = new Set((chosen.get(tenant) ?? []).map(mailboxId));
        const gone = (await redis.zrange(keys.pushFree(tenant), "0", "-1")).filter((id) => !wanted.has(id));
        for (const chunk of chunks([...wanted])) {
          await redis.eval(chooseScript, 2, keys.pushFree(tenant), keys.pushHeld, chunk.length, ...chunk);
        }
        for (const chunk of chunks(gone)) {
          await redis.eval(chooseScript, 2, keys.pushFree(tenant), keys.pushHeld, 0, ...chunk);
          await redis.hdel(keys.pushTries, ...chunk);
        }
      }
    },
  });
}

/** How many of each tenant: one by one in turns, beginning with another tenant each time. */
function turns(tenants: readonly string[], waiting: readonly number[], count: number, first: number): readonly [string, number][] {
  const shares = tenants.map(() => 0);
  let left = Math.min(
    count,
    waiting.reduce((sum, size) => sum + size, 0),
  );
  for (let i = first; left > 0; i = (i + 1) % tenants.length) {
    if ((shares[i] ?? 0) >= (waiting[i] ?? 0)) continue;
    shares[i] = (shares[i] ?? 0) + 1;
    left--;
  }
  return tenants.flatMap((tenant, i): [string, number][] => ((shares[i] ?? 0) > 0 ? [[tenant, shares[i] ?? 0]] : []));
}

async function redisNow(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

function byTenant(ids: readonly string[]): Map<string, string[]> {
  return Map.groupBy(ids, (id) => parseMailboxId(id)?.tenant ?? "");
}

function* chunks(ids: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < ids.length; i += chunkIds) yield ids.slice(i, i + chunkIds);
}
