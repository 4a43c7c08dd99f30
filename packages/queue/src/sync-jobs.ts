import { canonicalAddress, mailboxId, parseMailboxId } from "@mailfleet/core";

/** A `sync` job names a mailbox and nothing else: everything is looked up, nothing in it is trusted (T17). */
export interface SyncJob {
  readonly mailbox: string;
}

/** The mailbox id of a job's data, or undefined for anything but exactly one well-formed id. */
export function readSyncJob(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null || Object.keys(data).length !== 1 || !("mailbox" in data)) return undefined;
  const { mailbox } = data;
  if (typeof mailbox !== "string" || mailbox.length > 400) return undefined;
  const parsed = parseMailboxId(mailbox);
  if (!parsed || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(parsed.tenant)) return undefined;
  return mailboxId({ ...parsed, address: canonicalAddress(parsed.address) }) === mailbox ? mailbox : undefined;
}
