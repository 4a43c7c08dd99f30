import type { Cause, ToldParking } from "./cause.ts";
import type { MailEvent } from "./event.ts";
import { type Lane, type MailboxRef, scopeKey } from "./ids.ts";
import type { TenantHold } from "./tenant-hold.ts";

interface Place {
  readonly mailbox: MailboxRef;
  readonly lane: Lane;
  /** Epoch ms. */
  readonly now: number;
}

export function parkedEvent({ cause, ...place }: Place & { readonly cause: Pick<Cause, "code" | "since" | "text"> }): MailEvent {
  return { ...base("parked", place, cause), type: "mailbox.parked", cause: { code: cause.code, reason: cause.text } };
}

export function resumedEvent({ told, ...place }: Place & { readonly told: ToldParking }): MailEvent {
  return { ...base("resumed", place, told), type: "mailbox.resumed", cause: { code: told.code } };
}

/** The parking that consumers know of and that has not ended for them. */
export function toldParking(cause: Cause | undefined): ToldParking | undefined {
  if (cause?.told) return cause.told;
  return cause?.state === "parked" ? { code: cause.code, since: cause.since } : undefined;
}

/**
 * What one mailbox of a parked tenant is told downstream, and what is kept with it until consumers are told that it goes on. Undefined
 * for a mailbox of which they know already that it stands still.
 * @param cause the mailbox's own
 */
export function tenantParking(
  mailbox: MailboxRef,
  cause: Cause | undefined,
  hold: TenantHold,
  now: number,
): { readonly event: MailEvent; readonly cause: Cause } | undefined {
  if (toldParking(cause)) return undefined;
  const { code, since } = hold.cause;
  return {
    event: parkedEvent({ mailbox, lane: "fresh", cause: hold.cause, now }),
    // Never parked by itself, and waiting for nothing: with the hold ends what parks it, long before the hold's next look perhaps.
    cause: { ...(cause ?? { ...hold.cause, state: "waiting", nextAt: now }), told: { code, since } },
  };
}

function base(what: string, { mailbox, lane, now }: Place, { since }: { readonly since: number }) {
  return {
    schema: "mailfleet.event/1" as const,
    key: scopeKey(mailbox, "", what, `${since}`),
    tenant: mailbox.tenant,
    mailbox: mailbox.address,
    protocol: mailbox.protocol,
    at: new Date(now).toISOString(),
    lane,
  };
}
