import { type FolderCheckpoint, isHistoryComplete, previousOf, startCheckpoint } from "./checkpoint.ts";
import type { FolderStatus, MessageMeta } from "./ports.ts";

/** What a folder needs, decided from the server's STATUS and our checkpoint alone. */
export type FolderPlan =
  /** Nothing moved and nothing is owed. */
  | { readonly kind: "skip" }
  /** First sight: everything that exists becomes history. */
  | { readonly kind: "start"; readonly checkpoint: FolderCheckpoint }
  /** New UIDs from `from` on, or messages owed from before. */
  | { readonly kind: "fresh"; readonly from: number }
  /** The server dealt its UIDs anew: begin again under a new generation. */
  | { readonly kind: "reset"; readonly cause: ResetCause; readonly checkpoint: FolderCheckpoint };

/** How it was noticed: UIDVALIDITY changed, UIDNEXT went back, or a known UID is another message now. */
export type ResetCause = "uidvalidity" | "uidnext" | "uid-reused";

/**
 * @param stored undefined for a folder without a checkpoint
 * @param now epoch ms, for messages that are to be asked for again
 */
export function planFolder(path: string, status: FolderStatus, stored: FolderCheckpoint | undefined, now: number): FolderPlan {
  if (stored === undefined) return { kind: "start", checkpoint: startCheckpoint(status, 1, false) };
  // A rule left the folder out until now: nothing of it was handed off, so its generation is still unused.
  if (stored.isExcluded) return { kind: "start", checkpoint: startCheckpoint(status, stored.generation, false) };
  if (stored.uidValidity !== status.uidValidity) {
    return { kind: "reset", cause: "uidvalidity", checkpoint: resetCheckpoint(path, status, stored) };
  }
  // Exchange after a restore: the same UIDVALIDITY and UIDs dealt again from a lower number.
  if (status.uidNext < stored.uidNext) {
    return { kind: "reset", cause: "uidnext", checkpoint: resetCheckpoint(path, status, stored) };
  }
  if (status.uidNext > stored.uidNext || isAnyDue(stored, now)) {
    return { kind: "fresh", from: stored.uidNext };
  }
  return { kind: "skip" };
}

/** Whether messages are owed from before that are to be asked for, or listed, again by now (epoch ms). */
export function isAnyDue({ retry, recheck }: FolderCheckpoint, now: number): boolean {
  return retry.some((entry) => entry.notBefore <= now) || (recheck !== undefined && recheck.notBefore <= now);
}

/** Begins a folder again under the next generation; what was handed off before is remembered, to be found again. */
export function resetCheckpoint(path: string, status: FolderStatus, stored: FolderCheckpoint): FolderCheckpoint {
  // Also a folder that was renamed before: whatever kept its UIDs then, they are dealt anew now.
  const previous = previousOf(path, stored).map((one) => ({ ...one, hasSameUids: false }));
  // Also an empty folder has something to do: what is left of the generation before is gone.
  return { ...startCheckpoint(status, stored.generation + 1, true), previous, isVerified: status.messages === 0 && previous.length === 0 };
}

/** Whether the backfill lane still has something to do in the folder. */
export function hasHistory(checkpoint: FolderCheckpoint): boolean {
  return !isHistoryComplete(checkpoint);
}

/**
 * Cuts messages into batches of at most `maxMessages` and about `maxBytes`, order kept.
 * Sizes are the server's estimates; a message above `maxBytes` gets a batch of its own, and so does one that `isApart`.
 */
export function planBatches(
  metas: readonly MessageMeta[],
  maxMessages: number,
  maxBytes: number,
  isApart: (meta: MessageMeta) => boolean = () => false,
): (readonly MessageMeta[])[] {
  const batches: MessageMeta[][] = [];
  let current: MessageMeta[] = [];
  let bytes = 0;
  let wasApart = false;
  for (const meta of metas) {
    const apart = isApart(meta);
    if (current.length > 0 && (apart || wasApart || current.length >= maxMessages || bytes + meta.size > maxBytes)) {
      batches.push(current);
      current = [];
      bytes = 0;
    }
    current.push(meta);
    bytes += meta.size;
    wasApart = apart;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
