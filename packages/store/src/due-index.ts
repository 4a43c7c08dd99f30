import type { Redis } from "ioredis";
import { type Lane, limits, type RedisKeys } from "@mailfleet/core";
import { giveBackScript, pokeScript } from "./scripts.ts";
import { dueSurveyScript, lineScript, takeScript } from "./take-script.ts";

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

export interface DueMailbox {
  readonly id: string;
  /** It goes before polls: somebody saw mail come, or it is late by more than `limits.pokeAheadMs`. */
  readonly isAhead: boolean;
}

export interface TenantLimits {
  /** Of its mail server. */
  readonly host: string;
  /** Logins per second until more was learned. */
  readonly loginsAtFirst: number;
  readonly loginsAtMost: number;
}

/**
 * When each mailbox is to be looked at: a sorted set per tenant and lane, about 120 bytes a mailbox. Tenants of which something is due
 * stand in line, each turn is one mailbox, and places are kept between two rounds and by all producers together: between two turns of a
 * tenant every other one in line had its own. Tenants without anything due cost nothing.
 */
export interface DueIndex {
  /** Mailboxes that are due, fair over tenants. Any number of producers may take at once. */
  take(options: TakeOptions): Promise<readonly DueMailbox[]>;
  /** Makes mailboxes due now, before those whose time came by itself. */
  poke(tenant: string, ids: readonly string[]): Promise<void>;
  /** A mailbox that was taken and not begun is due again at once. */
  giveBack(lane: Lane, tenant: string, id: string): Promise<void>;
  /** Looks at all tenants for what the line was not told of. The first `take` does so by itself. */
  survey(): Promise<void>;
}

/** More than any fleet does. */
const unlimited = 1e9;
const noLimits: TenantLimits = { host: "", loginsAtFirst: unlimited, loginsAtMost: unlimited };
/** Places that are looked at beyond those that are wanted: some of them have nothing, or may not. */
const spareLooks = 16;
/** Others may begin so often between a look at the line and the turns that are given: then the next round goes on. */
const mostAgain = 10;
/** Tenants of one survey script. */
const surveyedAtOnce = 500;
const lanes: readonly Lane[] = ["fresh", "backfill"];

export function createDueIndex(redis: Redis, keys: RedisKeys): DueIndex {
  let isSurveyed = false;

  const survey = async (): Promise<void> => {
    const tenants = await redis.smembers(keys.tenants);
    for (const lane of lanes) {
      for (let i = 0; i < tenants.length; i += surveyedAtOnce) {
        const some = tenants.slice(i, i + surveyedAtOnce);
        const names = [keys.tenantsDue(lane), keys.tenantsInFlight("fresh"), keys.tenantsInFlight("backfill")];
        for (const one of some)
          names.push(keys.due(lane, one), keys.inFlight("fresh", one), keys.inFlight("backfill", one), keys.hold(one));
        await redis.eval(dueSurveyScript, names.length, ...names, ...some);
      }
    }
    isSurveyed = true;
  };

  /** All that are due join first: whoever came behind a thousand others would else stand behind the second turns of these. */
  const lookAtLine = async (lane: Lane, first: number, count: number): Promise<Line> => {
    const names = lineKeys(keys, lane);
    for (;;) {
      const answer = (await redis.eval(lineScript, names.length, ...names, first, count)) as [number, number, number, ...string[]];
      const [joined, length, words, ...rest] = answer;
      if (joined >= limits.tenantsJoining) continue;
      const places: Place[] = [];
      for (let i = 0; i < words; i += 2) places.push({ tenant: rest[i] as string, place: rest[i + 1] as string });
      return { length, places, inFlight: rest.slice(words) };
    }
  };

  /** Gives turns to these places. Undefined where more tenants are in flight than were counted. */
  const giveTurns = async (options: TakeOptions, count: number, places: readonly Place[], line: Line): Promise<Turns | undefined> => {
    const { lane, perTenant, inAll = -1, perHost = unlimited, limitsOf = () => noLimits } = options;
    const other = otherLane(lane);
    const isInLine = new Set(places.map(({ tenant }) => tenant));
    const all = [...places, ...line.inFlight.filter((tenant) => !isInLine.has(tenant)).map((tenant) => ({ tenant, place: "" }))];
    const names = lineKeys(keys, lane);
    const hosts = new Map<string, number>();
    const about: (string | number)[] = [];
    for (const { tenant, place } of all) {
      const { host, loginsAtFirst, loginsAtMost } = limitsOf(tenant);
      if (!hosts.has(host)) hosts.set(host, hosts.size);
      about.push(tenant, place, hosts.get(host) ?? 0, loginsAtFirst, loginsAtMost);
      names.push(
        keys.due(lane, tenant),
        keys.inFlight(lane, tenant),
        keys.inFlight(other, tenant),
        keys.hold(tenant),
        keys.loginRate(tenant),
      );
    }
    const isWhole = places.length === line.length ? 1 : 0;
    const args = [count, perTenant, limits.takenMs, inAll, lane, perHost, limits.canaryMs, places.length, isWhole, ...about];
    const answer = (await redis.eval(takeScript, names.length, ...names, ...args)) as
      | "again"
      | [number, number, number, string, ...(string | number)[]];
    if (answer === "again") return undefined;
    const [left, kept, moved, full, ...words] = answer;
    const taken: DueMailbox[] = [];
    for (let i = 0; i < words.length; i += 2) taken.push({ id: String(words[i]), isAhead: words[i + 1] === 1 });
    const numbers = new Set(full.split(" "));
    return { left, kept, moved, taken, full: [...hosts].filter(([, number]) => numbers.has(String(number))).map(([host]) => host) };
  };

  return {
    survey,

    async take(options) {
      const { lane, count, limitsOf = () => noLimits } = options;
      if (count < 1) return [];
      if (!isSurveyed) await survey();
      const taken: DueMailbox[] = [];
      const full = new Set<string>();
      let left = count;
      // Of those that keep their place: what stands behind them is looked at as well, or a host without room would stop all others.
      let passed = 0;
      // A lap along the line in which nobody had a turn is the last one.
      let inVain = 0;
      for (let again = 0; left > 0 && again < mostAgain;) {
        const line = await lookAtLine(lane, passed, Math.min(left + spareLooks, limits.lineAtOnce));
        if (line.places.length === 0 || inVain > line.length) break;
        const places = line.places.filter(({ tenant }) => !full.has(limitsOf(tenant).host));
        const turns = places.length === 0 ? nobodysTurn(left) : await giveTurns(options, left, places, line);
        if (turns === undefined || turns.moved > 0) again++;
        if (turns === undefined) continue;
        inVain = turns.taken.length > 0 ? 0 : inVain + line.places.length;
        passed += line.places.length - places.length;
        taken.push(...turns.taken);
        left = turns.left;
        passed += turns.kept;
        for (const host of turns.full) full.add(host);
        // Every tenant that has something due had turns until there was nothing, or it may not.
        if (places.length === line.length && turns.moved === 0) break;
      }
      return taken;
    },

    async giveBack(lane, tenant, id) {
      await redis.eval(giveBackScript, 3, keys.due(lane, tenant), keys.inFlight(lane, tenant), keys.tenantsDue(lane), id);
    },

    async poke(tenant, ids) {
      for (let i = 0; i < ids.length; i += 1_000) {
        await redis.eval(pokeScript, 2, keys.due("fresh", tenant), keys.tenantsDue("fresh"), ...ids.slice(i, i + 1_000));
      }
    },
  };
}

interface Place {
  readonly tenant: string;
  readonly place: string;
}

interface Line {
  readonly length: number;
  readonly places: readonly Place[];
  /** Tenants of which anything is in flight, in either lane. */
  readonly inFlight: readonly string[];
}

interface Turns {
  /** How many more may be taken. */
  readonly left: number;
  /** How many were passed over and keep their place: they or their host have as much in flight as they may. */
  readonly kept: number;
  /** How many had their turn by another producer in between. */
  readonly moved: number;
  readonly full: readonly string[];
  readonly taken: readonly DueMailbox[];
}

const nobodysTurn = (left: number): Turns => ({ left, kept: 0, moved: 0, full: [], taken: [] });

function lineKeys(keys: RedisKeys, lane: Lane): string[] {
  return [
    keys.tenantsDue(lane),
    keys.tenantsInLine(lane),
    keys.turn(lane),
    keys.tenantsInFlight(lane),
    keys.tenantsInFlight(otherLane(lane)),
  ];
}

function otherLane(lane: Lane): Lane {
  return lane === "fresh" ? "backfill" : "fresh";
}
