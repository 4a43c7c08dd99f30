import { type FolderCheckpoint, hasUid, type IndexEntry, KnownMessages, type UidSet, uniteUids } from "@mailfleet/core";
import type { FolderWork } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";
import { readEntries } from "./read-entries.ts";
import { claimedUids } from "./same-uids.ts";

/** What was handed off in earlier generations of a folder and is not found again yet. */
export interface Known {
  readonly messages: KnownMessages;
  /** Those that were told as removed before. */
  readonly gone: KnownMessages;
  /** By generation, in the order of the checkpoint's `previous`. */
  readonly entries: readonly ReadonlyMap<number, IndexEntry>[];
}

/** Read once in a session: about 400 bytes a message while the folder is resynced. */
export async function knownOf(context: SessionContext, work: FolderWork): Promise<Known> {
  const { generation, previous } = work.checkpoint as FolderCheckpoint;
  if (work.known?.generation === generation) return work.known.known;
  let entries = await readPrevious(context, previous);
  const isShort = previous.some(({ left }, at) => [...leftOver(left, entries[at])].length > 0);
  if (isShort) {
    // Segments are not synced with each commit: after a power loss the packs know more.
    const restored = await context.ports.blobs.repairIndex(context.mailbox);
    if (restored > 0) entries = await readPrevious(context, previous);
    context.ports.log.warn({ mailbox: context.mailbox.address, folder: work.path, restored }, "the message index was short of entries");
  }
  const [messages, gone] = [new KnownMessages(), new KnownMessages()];
  const claimed = await claimedUids(context, work);
  for (const [generationAt, byUid] of entries.entries()) {
    for (const entry of byUid.values()) {
      if (hasUid(claimed[generationAt] ?? [], entry.uid)) continue;
      (hasUid(previous[generationAt]?.left ?? [], entry.uid) ? messages : gone).add({ generationAt, entry });
    }
  }
  const known = { messages, gone, entries };
  work.known = { generation, known };
  return known;
}

async function readPrevious(
  context: SessionContext,
  previous: FolderCheckpoint["previous"],
): Promise<readonly ReadonlyMap<number, IndexEntry>[]> {
  const all: ReadonlyMap<number, IndexEntry>[] = [];
  for (const one of previous) all.push(await readEntries(context, one, uniteUids(one.left, one.gone ?? [])));
  return all;
}

function* leftOver(left: UidSet, entries: ReadonlyMap<number, IndexEntry> | undefined): Generator<number> {
  for (const [low, high] of left) {
    for (let uid = low; uid <= high; uid++) {
      if (entries?.has(uid)) continue;
      yield uid;
      return;
    }
  }
}
