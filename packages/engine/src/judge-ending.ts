import { type Failure, isSyncError, judge, type Lease, type MailboxState, type RefusalKind, refusalKind } from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";
import type { Ending } from "./settle.ts";

/** The mailbox answered: good news for its tenant, and the end of a hold whose canary it was. */
export async function noteOpened({ breakers, log }: EnginePorts, lease: Lease, state: MailboxState): Promise<void> {
  try {
    await breakers.opened(lease, state.cause !== undefined);
  } catch (error) {
    // Counting must not end a session that works. A canary whose news is lost is followed by another one.
    if (!isSyncError(error)) throw error;
    log.debug({ tenant: lease.mailbox.tenant, code: error.failure.code }, "an opened mailbox was not counted");
  }
}

/**
 * Whether a failure is the mailbox's own, its tenant's or everybody's, by how its neighbours do; the tenant's is kept with the tenant,
 * and the mailbox waits with it. `lease-lost`: nothing was written.
 */
export async function judgeEnding(
  ports: EnginePorts,
  lease: Lease,
  state: MailboxState,
  ending: Ending,
  isOpened: boolean,
): Promise<Ending | "lease-lost"> {
  if (ending.kind !== "failed") return ending;
  const { failure, hasHistory } = ending;
  const { breakers, clock, chance, log } = ports;
  const { mailbox } = lease;
  const kind = refusalKind(failure, isOpened);
  if (isOpened && kind === undefined) return ending;
  const slows = saysSlower(failure, kind, state, isOpened);
  const view = kind && (await breakers.refused(mailbox, kind, slows));
  // A canary that opened ended its hold.
  const hold = isOpened ? undefined : lease.canary;
  const verdict = judge({
    failure,
    now: clock.now(),
    random: chance.random(),
    ...(view && { view }),
    ...(hold && { hold }),
  });
  switch (verdict.kind) {
    case "mailbox":
      if (hold) await breakers.release(lease);
      return ending;
    case "unclear":
      return ending;
    case "tenant": {
      const { order } = verdict;
      if (!(await breakers.hold(lease, order))) return "lease-lost";
      const { code, scope, text, state: how, inMs } = order;
      log.warn({ tenant: mailbox.tenant, code, text, state: how, nextLookInMs: inMs }, "the tenant stands still as a whole");
      return { kind: "held", failure: { ...failure, code, scope }, hasHistory };
    }
  }
}

/**
 * Whether the tenant logs in too often: a server that knew the mailbox and refuses its login now may only want fewer of them. Once for
 * each mailbox: one that stays refused, like a thousand whose licence was taken away, says nothing new about logins, and would keep its
 * neighbours at the slowest rate for ever. A mailbox that is throttled over what it reads has a budget of its own at Exchange.
 */
function saysSlower({ code }: Failure, kind: RefusalKind | undefined, state: MailboxState, isOpened: boolean): boolean {
  if (isOpened || state.cause?.code === code) return false;
  return kind === "throttle" || (state.opened && (kind === "login" || kind === "access"));
}
