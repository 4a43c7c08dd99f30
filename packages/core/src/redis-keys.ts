import type { Lane } from "./ids.ts";
import type { RefusalKind } from "./neighbours.ts";

/** BullMQ queue names. Two sync queues, because a lane needs concurrency of its own. */
export const queueNames = { fresh: "sync-fresh", backfill: "sync-backfill", messages: "messages" } as const;

/** The names of everything that one shard keeps in Redis. All carry one hash tag, so that one script may touch them together. */
export interface RedisKeys {
  /** BullMQ's `prefix` option. */
  readonly bullPrefix: string;
  /** Set of tenant aliases that have mailboxes. */
  readonly tenants: string;
  /** Set of all mailbox ids. */
  readonly mailboxes: string;
  /** Hash: what is known of one mailbox, its ledger sums included. */
  mailbox(id: string): string;
  /** Hash: folder -> `version|commitId|checkpoint JSON`. */
  checkpoints(id: string): string;
  /** String: the fencing token of the session that works on the mailbox. */
  lease(id: string): string;
  /** String: a session whose lease was taken away may still write to the blob store; gone when it cannot any more. */
  ending(id: string): string;
  /** Counter that fencing numbers are dealt from. */
  readonly fence: string;
  /** Sorted set: mailbox id -> next time in ms by Redis' clock. */
  due(lane: Lane, tenant: string): string;
  /** Sorted set: mailbox id -> until when it counts as in flight. */
  inFlight(lane: Lane, tenant: string): string;
  /** Hash: why the whole tenant stands still; absent while it does not. */
  hold(tenant: string): string;
  /** Sorted set: mailboxes of a parked tenant that consumers were not told of yet -> from when on they may be. */
  untold(tenant: string): string;
  /** Hash: the tenant's logins per second, what is left of them, and since when. */
  loginRate(tenant: string): string;
  /** Hash: when a mailbox of the tenant opened last, how many lately, and since when others are refused. */
  opened(tenant: string): string;
  /** Sorted set: mailbox id -> when it was refused last in such a way, since any mailbox of the tenant opened. */
  refused(tenant: string, kind: RefusalKind): string;
  /** Sorted sets over all tenants: when a mailbox of it opened last, and since when all of its are refused. */
  readonly tenantsOpened: string;
  readonly tenantsDown: string;
  /** Hash of sums, `fleet` or one tenant. */
  readonly fleetLedger: string;
  tenantLedger(tenant: string): string;
  /** String: sealed token. */
  token(identity: string): string;
  tokenLock(identity: string): string;
  tokenFailure(identity: string): string;
  /** Hash: tenant and role -> how its credential fared when it was last tried. */
  readonly credentials: string;
  /** Sorted set: tenant -> from when on something of it may be due, in ms by Redis' clock; never later than it is. */
  tenantsDue(lane: Lane): string;
  /** Sorted set: tenants of which something was due when they were looked at last -> their place in line. */
  tenantsInLine(lane: Lane): string;
  /** Counter that places in line are dealt from. */
  turn(lane: Lane): string;
  /** Set of tenants of which something may be in flight. */
  tenantsInFlight(lane: Lane): string;
  /** Hash: role process id -> heartbeat JSON. */
  readonly processes: string;
  /** Hash: lane -> when a worker that serves it reported last, or from when on it is known that none did; ms by Redis' clock. */
  readonly lanesServed: string;
  /** Sorted set: a worker's place in the fleet's push -> until when it is its own, in ms by Redis' clock. */
  readonly pushPlaces: string;
  /** Hash: mailbox id -> the place that pushes it. */
  readonly pushHeld: string;
  /** Sorted set of the chosen mailboxes: mailbox id -> from when a place may take it; infinite while one holds it. */
  pushFree(tenant: string): string;
  /** Hash: mailbox id -> failures of push in a row. */
  readonly pushTries: string;
  /** String: when the tenant's next login of push may begin, in ms by Redis' clock. */
  pushPace(tenant: string): string;
  /** String: how many mailboxes were registered when the chosen ones were last brought in line. */
  readonly pushSurvey: string;
  /**
   * Channel: what all processes must know at once, as JSON: `{kind: "hold" | "hint" | "release", tenant, mailbox?, untilMs, code}`.
   * `mailbox` is an id; without it the whole tenant is meant. `untilMs` is epoch ms by Redis' clock.
   */
  readonly signals: string;
  /** Stream: what people and mailfleet did, bounded; never content. */
  readonly activity: string;
  /** List: discards of letters, the latest first; and of one discard the letters' keys. */
  readonly discards: string;
  discarded(id: string): string;
  /** List: what charts of one resolution show, the latest at its end; the fleet's without a tenant. */
  history(span: string, tenant?: string): string;
  /** String: a mailbox's states, hour by hour. */
  strip(id: string): string;
  /** String: which console writes the history, so that several do not write it twice; gone when it does not renew it. */
  readonly scribe: string;
  /** String: what the doctor writes to see how long a write takes; gone after some seconds. */
  readonly doctor: string;
  /** Hash, written at the first start: which shard of how many this is. */
  readonly shard: string;
}

/**
 * @param name the fleet's name in Redis; letters, digits and dashes
 * @param shard from 1; the first one's names are those of a fleet that has no other
 */
export function redisKeys(name = "mailfleet", shard = 1): RedisKeys {
  const tag = shard === 1 ? `{${name}}` : `{${name}:${shard}}`;
  const own = `${tag}:mf`;
  return {
    bullPrefix: tag,
    tenants: `${own}:tenants`,
    mailboxes: `${own}:mailboxes`,
    mailbox: (id) => `${own}:mailbox:${id}`,
    checkpoints: (id) => `${own}:checkpoints:${id}`,
    lease: (id) => `${own}:lease:${id}`,
    ending: (id) => `${own}:lease:${id}:ending`,
    fence: `${own}:fence`,
    due: (lane, tenant) => `${own}:due:${lane}:${tenant}`,
    inFlight: (lane, tenant) => `${own}:inflight:${lane}:${tenant}`,
    hold: (tenant) => `${own}:hold:${tenant}`,
    untold: (tenant) => `${own}:untold:${tenant}`,
    loginRate: (tenant) => `${own}:login-rate:${tenant}`,
    opened: (tenant) => `${own}:opened:${tenant}`,
    refused: (tenant, kind) => `${own}:refused:${kind}:${tenant}`,
    tenantsOpened: `${own}:tenants-opened`,
    tenantsDown: `${own}:tenants-down`,
    fleetLedger: `${own}:ledger:fleet`,
    tenantLedger: (tenant) => `${own}:ledger:tenant:${tenant}`,
    token: (identity) => `${own}:token:${identity}`,
    tokenLock: (identity) => `${own}:token-lock:${identity}`,
    tokenFailure: (identity) => `${own}:token-failure:${identity}`,
    credentials: `${own}:credentials`,
    tenantsDue: (lane) => `${own}:tenants-due:${lane}`,
    tenantsInLine: (lane) => `${own}:tenants-in-line:${lane}`,
    turn: (lane) => `${own}:turn:${lane}`,
    tenantsInFlight: (lane) => `${own}:tenants-in-flight:${lane}`,
    processes: `${own}:processes`,
    lanesServed: `${own}:lanes-served`,
    pushPlaces: `${own}:push:places`,
    pushHeld: `${own}:push:held`,
    pushFree: (tenant) => `${own}:push:free:${tenant}`,
    pushTries: `${own}:push:tries`,
    pushPace: (tenant) => `${own}:push:pace:${tenant}`,
    pushSurvey: `${own}:push:survey`,
    signals: `${own}:signals`,
    activity: `${own}:activity`,
    discards: `${own}:discards`,
    discarded: (id) => `${own}:discarded:${id}`,
    history: (span, tenant) => `${own}:history:${span}${tenant === undefined ? "" : `:${tenant}`}`,
    strip: (id) => `${own}:strip:${id}`,
    scribe: `${own}:scribe`,
    doctor: `${own}:doctor`,
    shard: `${own}:shard`,
  };
}
