import type { MailboxRef } from "./ids.ts";

/**
 * What is counted when a mailbox is purged: folders with a checkpoint; events that wait or are delayed or in a consumer's hands; dead letters;
 * letters that were discarded; entries of streams, queues and notes that name it; files and bytes of the blob store; proofs; and lines of
 * local files.
 */
export const purgeCounts = ["folders", "events", "letters", "discarded", "entries", "files", "bytes", "proofs", "lines"] as const;

export type PurgeCount = (typeof purgeCounts)[number];

export type PurgeSums = Readonly<Partial<Record<PurgeCount, number>>>;

/** One place where a mailbox leaves something. Both may be called at any time, and again after they were cut short. */
export interface PurgePlace {
  /** Half a sentence for whom it failed: `the messages queue`. */
  readonly name: string;
  weigh(mailbox: MailboxRef): Promise<PurgeSums>;
  /** @returns what was removed */
  purge(mailbox: MailboxRef): Promise<PurgeSums>;
}

/** Removes all that is stored of a mailbox, for ever. Of no use to a session, so no part of `BlobStore`. */
export interface BlobEraser {
  weigh(mailbox: MailboxRef): Promise<StoredWeight>;
  /**
   * Packs, index and what dead processes left. What a session of another life of the mailbox writes meanwhile stays. May be called again
   * after it was cut short. @returns what was removed. @throws SyncError BLOB_UNAVAILABLE
   */
  erase(mailbox: MailboxRef): Promise<StoredWeight>;
}

export interface StoredWeight {
  readonly files: number;
  readonly bytes: number;
}

/** What a purge puts in the place of a session's token begins with this: it writes no mail, so nobody waits for its end. */
export const purgeMark = "purge:";

/** Keeps sessions off a mailbox while it is purged. */
export interface PurgeHold {
  /**
   * Takes the mailbox's lease, or keeps it, for `limits.purgeHoldMs`.
   * @param holder begins with `purgeMark`, the same for one purge
   * @returns 0 when it is had; else after how many ms to ask again: a session that was stopped may still write until then
   */
  take(mailbox: MailboxRef, holder: string): Promise<number>;
  release(mailbox: MailboxRef, holder: string): Promise<void>;
}

export function addSums(a: PurgeSums, b: PurgeSums): PurgeSums {
  return Object.fromEntries(purgeCounts.flatMap((name) => (a[name] || b[name] ? [[name, (a[name] ?? 0) + (b[name] ?? 0)]] : [])));
}
