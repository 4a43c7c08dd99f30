import { emptyLedger } from "@mailfleet/core";
import type { WatchedMailbox } from "@mailfleet/store";

/** A mailbox of contoso as the console is told of it, well and still. */
export function watchedMailbox(name: string, more: Partial<WatchedMailbox> = {}): WatchedMailbox {
  const [tenant, address] = ["contoso", `${name}@contoso.example`];
  return {
    id: `${tenant}/${address}`,
    tenant,
    address,
    protocol: "imap",
    isSyncing: false,
    hasHistory: false,
    isOpened: true,
    isPushed: false,
    ledger: emptyLedger,
    ...more,
  };
}
