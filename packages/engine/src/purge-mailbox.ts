import { addSums, type Clock, limits, type MailboxRef, type PurgeHold, type PurgePlace, type PurgeSums } from "@mailfleet/core";

export interface PurgePorts {
  readonly clock: Pick<Clock, "sleep">;
  /**
   * Takes the mailbox out of registry, index, push and sums, and its checkpoints with it; ends the session that runs.
   * @returns what went with it
   */
  readonly remove: (mailbox: MailboxRef) => Promise<PurgeSums>;
  readonly hold: PurgeHold;
  readonly places: readonly PurgePlace[];
}

/** Longest pause between two looks at a lease, ms. */
const longestLookMs = 1_000;

/**
 * Removes all that is stored of a mailbox, registered or not. First it is no mailbox of the fleet any more, in one step: killed behind that,
 * nothing is half-known, and one that comes back meanwhile begins afresh. Then the session that ran gets the time in which it notices
 * that it has no lease. Whoever runs this again after it was killed does the rest.
 * @param holder unique for this call
 * @param onWait told once when a session has to end first, with ms
 */
export async function purgeMailbox(
  ports: PurgePorts,
  mailbox: MailboxRef,
  holder: string,
  onWait: (ms: number) => void = () => undefined,
): Promise<PurgeSums> {
  const { hold, places } = ports;
  let sums = await takeOver(ports, mailbox, holder, onWait);
  const done = new AbortController();
  const keeping = keep(ports, mailbox, holder, done.signal);
  try {
    for (const place of places) sums = addSums(sums, await place.purge(mailbox));
    return sums;
  } finally {
    done.abort();
    await keeping;
    await hold.release(mailbox, holder);
  }
}

/** What a purge would remove. */
export async function weighMailbox({ places }: Pick<PurgePorts, "places">, mailbox: MailboxRef): Promise<PurgeSums> {
  let sums: PurgeSums = {};
  for (const place of places) sums = addSums(sums, await place.weigh(mailbox));
  return sums;
}

async function takeOver(
  { clock, remove, hold }: PurgePorts,
  mailbox: MailboxRef,
  holder: string,
  onWait: (ms: number) => void,
): Promise<PurgeSums> {
  let sums: PurgeSums = {};
  for (let isTold = false; ;) {
    // Again each time: a producer that starts meanwhile may have registered it, and a worker begun with it.
    sums = addSums(sums, await remove(mailbox));
    const waitMs = await hold.take(mailbox, holder);
    if (waitMs === 0) return sums;
    if (!isTold) onWait(waitMs);
    isTold = true;
    await clock.sleep(Math.min(waitMs, longestLookMs));
  }
}

/** A hold that could not be kept once is tried again; what is removed is of the old life in any case. */
async function keep({ clock, hold }: PurgePorts, mailbox: MailboxRef, holder: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await clock.sleep(limits.purgeHoldMs / 3, signal);
    } catch {
      return;
    }
    await hold.take(mailbox, holder).catch(() => undefined);
  }
}
