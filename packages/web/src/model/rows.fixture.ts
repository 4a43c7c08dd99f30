import type { MailboxRow } from "@mailfleet/core/console";

export const now = Date.UTC(2026, 10, 23, 14, 3, 22);

/** A mailbox of the tests: fresh, over IMAP, nothing to do. */
export function rowOf(row: number, more: Partial<MailboxRow> = {}): MailboxRow {
  return {
    row,
    tenant: "contoso",
    address: `m${row}@contoso.example`,
    protocol: "imap",
    mode: "poll",
    state: "fresh",
    isSyncing: false,
    checkedAt: now - 40_000,
    nextAt: now + 260_000,
    hasHistory: false,
    ledger: { listed: 10, handedOff: 10, excluded: 0, quarantined: 0, toDo: 0 },
    ...more,
  };
}
