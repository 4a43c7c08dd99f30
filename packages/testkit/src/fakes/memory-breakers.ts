import {
  type Breakers,
  type Clock,
  type HoldOrder,
  type Lease,
  limits,
  mailboxId,
  type MailboxRef,
  type NeighbourView,
  type RefusalKind,
  type TenantHold,
} from "@mailfleet/core";

/** What breakers must know of the fleet that they are part of. */
export interface BreakerWorld {
  readonly clock: Clock;
  readonly idsOf: (tenant: string) => readonly string[];
  /** Of the session that works on the mailbox. */
  readonly leaseOf: (mailbox: MailboxRef) => string | undefined;
}

export interface MemoryBreakers extends Breakers {
  holdOf(tenant: string): MemoryHold | undefined;
  /** Mailboxes of a parked tenant that consumers were not told of. */
  untold(tenant: string): Set<string>;
}

/** As the hash in Redis. */
export interface MemoryHold extends TenantHold {
  readonly by: string;
  canary: string | undefined;
  canaryUntil: number;
  canaryLease: string | undefined;
}

interface Known {
  openedAt: number | undefined;
  readonly opened: number[];
  since: number | undefined;
  readonly refused: Record<RefusalKind, Map<string, number>>;
  hold: MemoryHold | undefined;
  readonly untold: Set<string>;
}

/** Breakers of one test's fleet. Each call is one script, as in Redis. */
export function createMemoryBreakers({ clock, idsOf, leaseOf }: BreakerWorld): MemoryBreakers {
  const tenants = new Map<string, Known>();
  let serial = 0;
  const of = (tenant: string): Known => {
    const refused = { login: new Map(), access: new Map(), reach: new Map(), throttle: new Map() };
    const known = tenants.get(tenant) ?? { openedAt: undefined, opened: [], since: undefined, refused, hold: undefined, untold: new Set() };
    tenants.set(tenant, known);
    return known;
  };
  const release = (known: Known): void => {
    known.hold = undefined;
    known.untold.clear();
  };
  const isCanary = (known: Known, { token }: Lease): boolean => known.hold?.canaryLease === token;

  function opened(lease: Lease): void {
    const known = of(lease.mailbox.tenant);
    known.openedAt = clock.now();
    known.opened.push(clock.now());
    known.since = undefined;
    for (const kind of ["login", "access", "reach"] as const) known.refused[kind].clear();
    if (isCanary(known, lease)) release(known);
  }

  function refuse(mailbox: MailboxRef, kind: RefusalKind): NeighbourView {
    const known = of(mailbox.tenant);
    const now = clock.now();
    known.refused[kind].set(mailboxId(mailbox), now);
    for (const [id, at] of known.refused.throttle) if (at <= now - limits.throttleWindowMs) known.refused.throttle.delete(id);
    if (kind !== "throttle") known.since ??= now;
    const since = known.since ?? now;
    const { login, access, reach, throttle } = known.refused;
    const others = [...tenants].filter(([tenant, { openedAt }]) => tenant !== mailbox.tenant && openedAt !== undefined);
    const isTogether = (one: Known): boolean => one.since !== undefined && Math.abs(one.since - since) <= limits.incidentTogetherMs;
    return {
      mailboxes: idsOf(mailbox.tenant).length,
      refused: { login: login.size, access: access.size, reach: reach.size, throttle: throttle.size },
      refusedForMs: known.since === undefined ? 0 : now - known.since,
      openedLately: known.opened.filter((at) => at > now - 60_000).length,
      ...(known.openedAt !== undefined && { openedAgoMs: now - known.openedAt }),
      others: {
        active: others.length,
        down: others.filter(([tenant, one]) => isDown(one, idsOf(tenant).length) && isTogether(one)).length,
        open: others.filter(([, { openedAt = 0 }]) => openedAt > since).length,
      },
    };
  }

  function hold(lease: Lease, order: HoldOrder): boolean {
    const known = of(lease.mailbox.tenant);
    const { hold: before } = known;
    if (before?.by === lease.token) return true;
    if (leaseOf(lease.mailbox) !== lease.token) return false;
    const { code, scope, text, state, inMs, isSame } = order;
    const now = clock.now();
    const mine = isCanary(known, lease);
    if (before && !mine && !(before.cause.state === "waiting" && state === "parked")) {
      const isLonger = before.cause.code === code && before.cause.state === "waiting" && now + inMs > before.cause.nextAt;
      if (isLonger) known.hold = { ...before, cause: { ...before.cause, nextAt: now + inMs } };
      return true;
    }
    const since = before && mine && isSame ? before.cause.since : now;
    const tries = before && !mine ? 1 : order.tries;
    if (state === "parked" && before?.cause.state !== "parked") for (const id of idsOf(lease.mailbox.tenant)) known.untold.add(id);
    known.hold = {
      id: before?.id ?? `${++serial}`,
      cause: { code, scope, text, state, since, tries, nextAt: now + Math.round(inMs) },
      by: lease.token,
      ...{ canary: undefined, canaryUntil: 0, canaryLease: undefined },
    };
    return true;
  }

  return {
    holdOf: (tenant) => of(tenant).hold,
    untold: (tenant) => of(tenant).untold,
    opened: async (lease) => opened(lease),
    refused: async (mailbox, kind) => refuse(mailbox, kind),
    hold: async (lease, order) => hold(lease, order),
    async release(lease) {
      const known = of(lease.mailbox.tenant);
      if (isCanary(known, lease)) release(known);
    },
  };
}

function isDown({ refused }: Known, mailboxes: number): boolean {
  const enough = Math.max(1, Math.min(mailboxes, limits.tenantDownMailboxes));
  return refused.login.size + refused.access.size >= enough || refused.reach.size >= enough;
}
