import { type Compared, type FolderCheckpoint, presentUids } from "./checkpoint.ts";
import { changedFlags, countWithFlag, type FlagSets, intersectUids } from "./flag-sets.ts";
import type { FolderStatus } from "./ports.ts";
import { isOfSpool } from "./uidl-book.ts";
import { countUids, maxUid, subtractUids, type UidSet, uidSetOf, uniteUids } from "./uid-set.ts";

/** How often the newest messages and the whole of a folder are compared, where the server does not tell what changed. */
export interface ComparePolicy {
  readonly recentMs: number;
  readonly wholeMs: number;
  /** How many of the newest UIDs are the recent ones. */
  readonly recentUids: number;
}

export type CompareNeed =
  | { readonly kind: "none" }
  /** Flags and presence of UIDs from `low` on. */
  | { readonly kind: "recent"; readonly low: number }
  | { readonly kind: "whole" }
  /** The server has CONDSTORE and says that something changed since `since`. */
  | { readonly kind: "since"; readonly since: string };

/**
 * What a folder is owed, from STATUS and the checkpoint alone: its counts say at once that something was removed or read,
 * time says the rest. The newest part may be compared while history is still to do; the whole only after it.
 *
 * @param now epoch ms
 * @param top the highest UID that a spool lists, where it is known to be that message
 */
export function compareNeed(
  status: FolderStatus,
  checkpoint: FolderCheckpoint,
  policy: ComparePolicy,
  now: number,
  top?: number,
): CompareNeed {
  const { compared, isVerified } = checkpoint;
  if (checkpoint.isExcluded) return { kind: "none" };
  if (isOfSpool(checkpoint)) return isSpoolDue(status, checkpoint, policy, now, top) ? { kind: "whole" } : { kind: "none" };
  if (presentUids(checkpoint).length === 0 && !mayBeBack(status, checkpoint)) return { kind: "none" };
  if (compared === undefined) return isVerified && checkpoint.backfillBelow <= 1 ? { kind: "whole" } : { kind: "none" };
  if (isVerified && now - compared.wholeAt >= policy.wholeMs) return { kind: "whole" };
  const isOff = isCountOff(status, checkpoint, compared);
  if (!isOff && status.highestModSeq !== undefined && compared.modSeq !== undefined) {
    return status.highestModSeq === compared.modSeq ? { kind: "none" } : { kind: "since", since: compared.modSeq };
  }
  if (isOff || now - compared.recentAt >= policy.recentMs || isUnseenOff(status, checkpoint, compared)) {
    return { kind: "recent", low: Math.max(1, checkpoint.uidNext - policy.recentUids) };
  }
  return { kind: "none" };
}

/** A spool has no flags, and a list of it is always whole: what its count and its newest message do not show is looked for once a day. */
function isSpoolDue(
  status: FolderStatus,
  checkpoint: FolderCheckpoint,
  policy: ComparePolicy,
  now: number,
  top = expectedTop(checkpoint),
): boolean {
  const { compared, isVerified } = checkpoint;
  if (!isVerified || checkpoint.backfillBelow > 1) return false;
  if (compared === undefined || checkpoint.vanished !== undefined) return true;
  return now - compared.wholeAt >= policy.wholeMs || isCountOff(status, checkpoint, compared) || top !== expectedTop(checkpoint);
}

/** The highest UID that a spool should list, if nothing moved. */
export function expectedTop({ compared, uidNext }: FolderCheckpoint): number {
  return compared?.top?.uidNext === uidNext ? compared.top.listed : uidNext - 1;
}

/** What should stand at the ends of a spool's list, if nothing moved; undefined where {@link expectedTop} should stand at one of them. */
export function expectedEnds({ compared, uidNext }: FolderCheckpoint): readonly [first: number, last: number] | undefined {
  return compared?.top?.uidNext === uidNext ? compared.top.ends : undefined;
}

/** How many messages a spool should have, if nothing moved; undefined where that is not known or not believed. */
export function expectedCount(checkpoint: FolderCheckpoint): number | undefined {
  if (checkpoint.compared === undefined || checkpoint.vanished !== undefined) return undefined;
  return knownCount(checkpoint) + checkpoint.compared.uncounted;
}

/**
 * Nothing of a folder is there by our books, and the server counts messages: those that were gone may be back, and a folder that was empty
 * at first sight may have hidden some. What a rule leaves out is counted too.
 */
function mayBeBack(status: FolderStatus, checkpoint: FolderCheckpoint): boolean {
  if (checkpoint.removed.length === 0 && checkpoint.excludedBelow > 1) return false;
  return checkpoint.compared ? isCountOff(status, checkpoint, checkpoint.compared) : status.messages > checkpoint.retry.length;
}

/** The server counts other messages than those we know: something was removed, or a listing had left something out. */
export function isCountOff(status: FolderStatus, checkpoint: FolderCheckpoint, compared: Compared): boolean {
  return status.messages !== knownCount(checkpoint) + compared.uncounted;
}

export function isUnseenOff(status: FolderStatus, checkpoint: FolderCheckpoint, compared: Compared): boolean {
  if (status.unseen === undefined || compared.unseenUncounted === undefined || checkpoint.flagsFrom > 1) return false;
  return status.unseen !== knownUnseen(checkpoint) + compared.unseenUncounted;
}

/** What a comparison leaves in the checkpoint, so that the next one is due when the counts move again. */
export function comparedWith(
  status: FolderStatus,
  checkpoint: FolderCheckpoint,
  when: Pick<Compared, "wholeAt" | "recentAt" | "top" | "hidden">,
): Compared {
  return {
    ...when,
    uncounted: status.messages - knownCount(checkpoint),
    ...(status.unseen !== undefined && { unseenUncounted: status.unseen - knownUnseen(checkpoint) }),
    ...(status.highestModSeq !== undefined && { modSeq: status.highestModSeq }),
  };
}

function knownCount(checkpoint: FolderCheckpoint): number {
  return countUids(presentUids(checkpoint)) + checkpoint.retry.length;
}

function knownUnseen(checkpoint: FolderCheckpoint): number {
  const present = presentUids(checkpoint);
  return countUids(present) - countWithFlag(checkpoint.flags, "\\Seen", present);
}

/** A part of a folder as the server lists it now. */
export interface ListedWindow {
  /** UIDs looked at, both ends included. */
  readonly low: number;
  readonly high: number;
  readonly listed: UidSet;
  readonly flags: FlagSets;
  /** False for the answer to CHANGEDSINCE, which says nothing about what is not in it. */
  readonly isComplete: boolean;
}

export interface FolderChanges {
  /** Handed off, there, and with other flags than before. */
  readonly flagged: UidSet;
  /** Handed off and not listed: gone, if a second look agrees. */
  readonly gone: UidSet;
  /** Gone once and listed again. */
  readonly back: UidSet;
  /** Listed and not accounted for: a listing had left them out. */
  readonly missed: UidSet;
}

/** Set arithmetic between a checkpoint and a window of the server's folder; what is above the checkpoint's UIDNEXT is new mail, not a change. */
export function compareWindow(checkpoint: FolderCheckpoint, window: ListedWindow): FolderChanges {
  const range: UidSet = window.low <= window.high ? [[window.low, Math.min(window.high, checkpoint.uidNext - 1, maxUid)]] : [];
  const inRange = range.length > 0 && (range[0]?.[0] ?? 1) <= (range[0]?.[1] ?? 0) ? range : [];
  const present = intersectUids(presentUids(checkpoint), inRange);
  const listed = intersectUids(window.listed, inRange);
  const followed = checkpoint.flagsFrom > 1 ? intersectUids(present, [[checkpoint.flagsFrom, maxUid]]) : present;
  const owed = uidSetOf(checkpoint.retry.map((entry) => entry.uid));
  const accounted = uniteUids(uniteUids(checkpoint.handedOff, checkpoint.quarantined), owed);
  const floor = Math.max(checkpoint.excludedBelow, checkpoint.backfillBelow);
  const wanted = floor > 1 ? subtractUids(listed, [[1, floor - 1]]) : listed;
  return {
    flagged: changedFlags(restrict(checkpoint.flags, listed), restrict(window.flags, listed), intersectUids(followed, listed)),
    gone: window.isComplete ? subtractUids(present, listed) : [],
    back: intersectUids(checkpoint.removed, listed),
    missed: subtractUids(wanted, accounted),
  };
}

function restrict(sets: FlagSets, to: UidSet): FlagSets {
  return new Map([...sets].map(([flag, set]) => [flag, intersectUids(set, to)]));
}
