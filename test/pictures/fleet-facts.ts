import type { Cause } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";
import type { LatestEvent } from "../../apps/cli/src/up/panel.ts";

/** What both pictures are drawn from: a fleet as a first sync of the sandbox leaves it, without a time of the machine that it ran on. */
export interface FleetFacts {
  readonly tenants: number;
  readonly mailboxes: readonly PinnedMailbox[];
  /** That came after the first sync, newest first. */
  readonly latest: readonly Omit<LatestEvent, "at">[];
}

/** Of a record, all that is the sandbox's doing and not the clock's. */
export type PinnedMailbox = Pick<MailboxRecord, "id" | "tenant" | "address" | "protocol" | "ledger"> & {
  readonly cause?: Pick<Cause, "code" | "scope" | "text" | "state">;
};

/** The moment of the pictures, epoch ms. */
export const pictureNow = Date.UTC(2026, 10, 23, 14, 3, 22);
/** How long the first sync took: as measured on two cores. Another run would give another time, and a picture may not differ by that. */
export const pictureSyncMs = 17_800;

/** Checks lie this far apart, so that they have ages as those of a fleet do. */
const agesMs = 700;
const newestMs = 2_000;

export function pinFacts(records: readonly MailboxRecord[], latest: readonly LatestEvent[]): FleetFacts {
  const byId = records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    tenants: new Set(records.map(({ tenant }) => tenant)).size,
    mailboxes: byId.map(({ id, tenant, address, protocol, ledger, cause }) => ({
      id,
      tenant,
      address,
      protocol,
      ledger,
      ...(cause && { cause: { code: cause.code, scope: cause.scope, text: cause.text, state: cause.state } }),
    })),
    latest: latest.map(({ at: _at, ...event }) => event),
  };
}

/** The records as they would be at the moment of the pictures. */
export function recordsOf({ mailboxes }: FleetFacts): readonly MailboxRecord[] {
  return mailboxes.map(({ cause, ...mailbox }, index) => ({
    ...mailbox,
    isSyncing: false,
    hasHistory: false,
    nextAt: pictureNow + 300_000,
    ...(cause
      ? { cause: { ...cause, since: pictureNow - 80_000, tries: 3, nextAt: pictureNow + 3_600_000 } }
      : { checkedAt: pictureNow - newestMs - (index % 10) * agesMs }),
  }));
}

export function latestOf({ latest }: FleetFacts): readonly LatestEvent[] {
  return latest.map((event, index) => ({ ...event, at: pictureNow - 2_000 - index * 1_500 }));
}
