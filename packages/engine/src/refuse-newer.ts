import { type MailboxRef, type MailboxState, syncError } from "@mailfleet/core";

/** @throws SyncError CHECKPOINT_NEWER: what a newer version wrote would be misread here, and what this one wrote over it lost: nothing of the mailbox is touched (F36). */
export function refuseNewer(state: MailboxState, mailbox: MailboxRef): void {
  const newer = [...state.folders].find(([, stored]) => stored.isNewer);
  if (!newer) return;
  const text = `A newer version of mailfleet has worked on ${newer[0]} of ${mailbox.address}. This one leaves the mailbox as it is.`;
  throw syncError("CHECKPOINT_NEWER", text, { layer: "engine", folder: newer[0], text: "stored by a newer version" });
}
