import { createHash } from "node:crypto";
import { mailboxId, type MailboxRef } from "@mailfleet/core";

/** Name of a mailbox's folder: 32 hex digits, so that no address reaches a path. */
export function boxOf(mailbox: MailboxRef): string {
  return createHash("sha256").update(mailboxId(mailbox)).digest("hex").slice(0, 32);
}

/** What all references of a mailbox begin with. */
export function homeOf(mailbox: MailboxRef): string {
  return `pack:${mailbox.tenant}/${boxOf(mailbox)}/`;
}

/** `202611`, UTC. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7).replace("-", "");
}
