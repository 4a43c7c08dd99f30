import { type FlagSets, intersectUids, noFlags } from "./flag-sets.ts";
import { limits } from "./limits.ts";
import { countUids, emptyUidSet, maxUid, nthUid, subtractUids, uniteUids, type UidSet } from "./uid-set.ts";
import type { UidlBook } from "./uidl-book.ts";

/**
 * The durable statement "all of this is handed off" for one folder. Written only by the commit that hands off.
 *
 *     1 ........ backfillBelow ........ horizon ........ uidNext ....
 *       history not yet looked at | history done | fresh done | not yet dealt
 */
export interface FolderCheckpoint {
  /** Rises with every reset, also where UIDVALIDITY stays (F32); part of every key. */
  readonly generation: number;
  readonly uidValidity: string;
  /** Fresh mail begins here: every UID below is handed off, excluded, quarantined, in `retry`, or history. */
  readonly uidNext: number;
  /** History is UIDs below this; 1 when it is complete. */
  readonly backfillBelow: number;
  /** Every UID ever handed off in this generation, whether or not it is still there. */
  readonly handedOff: UidSet;
  readonly quarantined: UidSet;
  /** Of those two sets: gone from the server since. UIDs are not dealt again within a generation, so this only grows. */
  readonly removed: UidSet;
  /** UIDs below this that are in none of the sets are left out by a rule (`backfill: false`); 1 when no rule does. */
  readonly excludedBelow: number;
  /** Epoch s: in a folder whose history is not wanted, when it was first seen. What came later is wanted, also after a reset. */
  readonly wantedFrom?: number;
  /** Flags of the messages that are there, as last seen. */
  readonly flags: FlagSets;
  /** Flags of UIDs below this are not followed: their sets had grown too many ranges. 1 nearly always. */
  readonly flagsFrom: number;
  /** What the last comparison with the server found; absent before the first. */
  readonly compared?: Compared;
  /**
   * The newest message handed off that is still there, to notice UIDs that were dealt again (F32). At most one; a checkpoint is kept small.
   * Of a spool also the oldest (see `witnessLines`), and of one without history the newest messages that there were at first sight, or
   * that are left of them.
   */
  readonly spots: readonly Spot[];
  /** Generations before this one (or the folder's former path) whose messages are not all found again; newest first. */
  readonly previous: readonly PreviousGeneration[];
  /** Set while the server does not list the folder. */
  readonly unlisted?: Unlisted;
  /** UIDs the server lists and did not deliver, ascending. */
  readonly retry: readonly RetryEntry[];
  /** True from a reset on: events of history carry `resync`. */
  readonly isResync: boolean;
  /** True once a whole listing was compared with the sets after the history was complete. */
  readonly isVerified: boolean;
  /** True while a rule of the configuration leaves the folder out: nothing of it was ever handed off. */
  readonly isExcluded: boolean;
  /** Fresh UIDs that a listing left out, to be listed again: an answer can be short without saying so. */
  readonly recheck?: Recheck;
  /** The numbers of a spool's messages, where its UIDLs are not numbers themselves. */
  readonly uidls?: UidlBook;
  /** Of a spool: many that one list left out at once, to be told as removed when a later session's list agrees. */
  readonly vanished?: Vanished;
  /** Epoch ms. Of a spool after a reset: much was not found again, and a session after this tells it as removed if it still is not. */
  readonly leftoversFrom?: number;
}

export interface Compared {
  /** Epoch ms of the last comparison of the whole folder, and of its newest part; stored in whole seconds. */
  readonly wholeAt: number;
  readonly recentAt: number;
  /** Messages that the server counts beyond those we know to be there: left out by a rule, or hidden from listings. */
  readonly uncounted: number;
  /** The same for unread messages; absent where the server does not count them. */
  readonly unseenUncounted?: number;
  /** HIGHESTMODSEQ at that time, where the server has CONDSTORE (RFC 7162). */
  readonly modSeq?: string;
  /** Of a spool: messages that it counted and did not list. Believed once two comparisons, a while apart, found as many. */
  readonly hidden?: number;
  /** Of a spool: the highest UID that it listed, and the checkpoint's UIDNEXT at that time; while that is the same, so should this be. */
  readonly top?: {
    readonly uidNext: number;
    readonly listed: number;
    /** What stands at the ends of the list, where that one stands at neither. */
    readonly ends?: readonly [first: number, last: number];
  };
}

export interface Vanished {
  readonly uids: UidSet;
  /** Epoch ms. */
  readonly notBefore: number;
}

export interface Spot {
  readonly uid: number;
  /** Epoch s; absent where the server gives no dates. */
  readonly internalDate?: number;
  /** The first characters of the fingerprint's digest. */
  readonly digest: string;
}

export interface PreviousGeneration {
  /** Another path than the checkpoint's own when the folder was renamed. */
  readonly folder: string;
  readonly generation: number;
  readonly uidValidity: string;
  /** Old UIDs not found again yet. */
  readonly left: UidSet;
  /** The newest that were told as removed before the reset; empty or absent where none were. One may have been hidden, and be back. */
  readonly gone?: UidSet;
  /** True when the server kept the UIDs, as it does for a rename: no fingerprint is needed. */
  readonly hasSameUids: boolean;
}

export interface Unlisted {
  /** Epoch ms. */
  readonly since: number;
  /** Sessions that did not find it. */
  readonly tries: number;
}

/** A range of UIDs, both ends included. */
export interface Recheck {
  readonly low: number;
  readonly high: number;
  readonly tries: number;
  /** Epoch ms. */
  readonly notBefore: number;
}

export interface RetryEntry {
  readonly uid: number;
  readonly tries: number;
  /** Epoch ms. */
  readonly notBefore: number;
}

/** A folder at first sight, or after a reset: everything that exists is history, everything later is fresh. */
export function startCheckpoint(
  status: { readonly uidValidity: string; readonly uidNext: number; readonly messages: number; readonly uidls?: UidlBook },
  generation: number,
  isResync: boolean,
): FolderCheckpoint {
  const isEmpty = status.messages === 0;
  return {
    generation,
    uidValidity: status.uidValidity,
    uidNext: status.uidNext,
    backfillBelow: isEmpty ? 1 : status.uidNext,
    handedOff: emptyUidSet,
    quarantined: emptyUidSet,
    removed: emptyUidSet,
    excludedBelow: 1,
    flags: noFlags,
    flagsFrom: 1,
    spots: [],
    previous: [],
    retry: [],
    isResync,
    isVerified: isEmpty,
    isExcluded: false,
    ...(status.uidls && { uidls: status.uidls }),
  };
}

/** A folder whose existing messages are not wanted: only what comes later is handed off. */
export function withoutHistory(checkpoint: FolderCheckpoint): FolderCheckpoint {
  return { ...checkpoint, backfillBelow: 1, excludedBelow: checkpoint.uidNext, isVerified: true };
}

/** What is handed off or quarantined and, as far as is known, still in the folder. */
export function presentUids(checkpoint: FolderCheckpoint): UidSet {
  return subtractUids(uniteUids(checkpoint.handedOff, checkpoint.quarantined), checkpoint.removed);
}

/** Messages whose flags are known: those that are there, and those of a renamed folder that are still to get their new keys. */
export function flaggedUids(checkpoint: FolderCheckpoint): UidSet {
  return checkpoint.previous.filter((one) => one.hasSameUids).reduce((all, { left }) => uniteUids(all, left), presentUids(checkpoint));
}

/** For {@link PreviousGeneration.gone}; nothing where nothing was told as removed. */
export function goneOf({ removed }: FolderCheckpoint): { readonly gone?: UidSet } {
  const count = countUids(removed);
  if (count === 0) return {};
  if (count <= limits.recognisedRemoved) return { gone: removed };
  return { gone: intersectUids(removed, [[nthUid(removed, count - limits.recognisedRemoved + 1), maxUid]]) };
}

/** The generation that ends with a reset, as the next one's first `previous`; those before it stay as long as something is left. */
export function previousOf(folder: string, stored: FolderCheckpoint): readonly PreviousGeneration[] {
  const ended: PreviousGeneration = {
    folder,
    generation: stored.generation,
    uidValidity: stored.uidValidity,
    left: presentUids(stored),
    ...goneOf(stored),
    hasSameUids: false,
  };
  return [ended, ...stored.previous].filter(({ left, gone }) => left.length > 0 || gone !== undefined);
}

export function isHistoryComplete(checkpoint: FolderCheckpoint): boolean {
  return checkpoint.backfillBelow <= 1 && checkpoint.isVerified && checkpoint.previous.length === 0;
}
