import { hasUid, type IndexEntry, type MessagePlace, type UidSet } from "@mailfleet/core";
import type { SessionContext } from "./ports.ts";

/** Index entries of some UIDs of one generation; those that were never noted are absent. */
export async function readEntries(context: SessionContext, place: MessagePlace, uids: UidSet): Promise<ReadonlyMap<number, IndexEntry>> {
  const entries = new Map<number, IndexEntry>();
  for await (const entry of context.ports.blobs.readIndex(context.mailbox, place)) {
    context.signal.throwIfAborted();
    if (hasUid(uids, entry.uid)) entries.set(entry.uid, entry);
  }
  return entries;
}
