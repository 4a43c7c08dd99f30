import { type Clock, type Lane, type Lease, limits, mailboxId, type MailboxRef, type MailboxState, syncError } from "@mailfleet/core";

/** What can befall a process of the fleet, as far as the store's own timers notice. */
export interface ProcessFate {
  isDead: boolean;
  /** SIGSTOP, or a machine that sleeps: nothing of it runs, and its leases run out. */
  isAsleep: boolean;
}

export interface HeldLease {
  readonly clock: Clock;
  readonly mailbox: MailboxRef;
  readonly lane: Lane;
  readonly token: string;
  readonly found: MailboxState;
  readonly fate: ProcessFate;
  /** False when somebody else holds it, or nobody. */
  readonly renew: () => boolean;
}

/** Nobody sees it; made once, because an abort without a reason makes an error with a stack each time. */
const over = new Error("the lease is held no more");

/** The holder's side of a lease: renews it, and aborts its signal when that was refused or did not happen in time. */
export function holdMemoryLease(held: HeldLease): Lease {
  const { clock, fate, found, mailbox } = held;
  const lost = new AbortController();
  const stopped = new AbortController();
  const lose = (why: string): void => {
    stopped.abort(over);
    lost.abort(
      syncError("LEASE_LOST", `The lease of ${mailboxId(mailbox)} is lost: ${why}. Another worker goes on.`, {
        layer: "engine",
        text: why,
      }),
    );
  };
  let renewedAt = clock.monotonic();
  /** A process that slept notices by itself, before any timer could fire (F02, F03). */
  const isHeld = (): boolean => {
    if (clock.monotonic() - renewedAt >= limits.leaseSelfStopMs) lose("it could not be renewed in time");
    return !lost.signal.aborted;
  };
  const keep = async (): Promise<void> => {
    while (!stopped.signal.aborted && !fate.isDead) {
      await clock.sleep(limits.leaseRenewMs, stopped.signal);
      if (fate.isDead) return;
      if (fate.isAsleep || !isHeld()) continue;
      if (held.renew()) renewedAt = clock.monotonic();
      else lose("another session holds it");
    }
  };
  // Ends with the lease; the only thing it is woken by is the clock, or the stop.
  keep().catch(() => undefined);
  return { mailbox, token: held.token, lane: held.lane, found, signal: lost.signal, isHeld, stop: () => stopped.abort(over) };
}
