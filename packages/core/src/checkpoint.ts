import { emptyUidSet, packUidSet, unpackUidSet, type UidSet } from "./uid-set.ts";

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
  readonly handedOff: UidSet;
  readonly quarantined: UidSet;
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
  status: { readonly uidValidity: string; readonly uidNext: number; readonly messages: number },
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
    retry: [],
    isResync,
    isVerified: isEmpty,
    isExcluded: false,
  };
}

/** A folder whose existing messages are not wanted: only what comes later is handed off. */
export function withoutHistory(checkpoint: FolderCheckpoint): FolderCheckpoint {
  return { ...checkpoint, backfillBelow: 1, isVerified: true };
}

export function isHistoryComplete(checkpoint: FolderCheckpoint): boolean {
  return checkpoint.backfillBelow <= 1 && checkpoint.isVerified;
}

/** Compact JSON; about 100 bytes for a folder without holes. */
export function packCheckpoint(checkpoint: FolderCheckpoint): string {
  return JSON.stringify({
    f: 1,
    g: checkpoint.generation,
    v: checkpoint.uidValidity,
    n: checkpoint.uidNext,
    b: checkpoint.backfillBelow,
    h: packUidSet(checkpoint.handedOff),
    ...(checkpoint.quarantined.length > 0 && { q: packUidSet(checkpoint.quarantined) }),
    ...(checkpoint.retry.length > 0 && { r: checkpoint.retry.map((entry) => [entry.uid, entry.tries, entry.notBefore]) }),
    ...(checkpoint.isResync && { s: 1 }),
    ...(checkpoint.isVerified && { y: 1 }),
    ...(checkpoint.isExcluded && { x: 1 }),
    ...(checkpoint.recheck && {
      k: [checkpoint.recheck.low, checkpoint.recheck.high, checkpoint.recheck.tries, checkpoint.recheck.notBefore],
    }),
  });
}

/** Undefined for anything that {@link packCheckpoint} of this version did not write: the folder is then CHECKPOINT_CORRUPT. */
export function unpackCheckpoint(text: string): FolderCheckpoint | undefined {
  try {
    const raw = JSON.parse(text) as Record<string, unknown>;
    const { f, g, v, n, b, h, q = "", r = [], s, y, x, k } = raw;
    if (f !== 1 || !isCount(g) || typeof v !== "string" || !isCount(n) || !isCount(b)) return undefined;
    if (typeof h !== "string" || typeof q !== "string" || !Array.isArray(r)) return undefined;
    const recheck = readRecheck(k);
    return {
      generation: g,
      uidValidity: v,
      uidNext: n,
      backfillBelow: b,
      handedOff: unpackUidSet(h),
      quarantined: unpackUidSet(q),
      retry: r.map((entry: unknown) => {
        const [uid, tries, notBefore] = entry as unknown[];
        if (!isCount(uid) || !isCount(tries) || !isCount(notBefore)) throw new RangeError("not a retry entry");
        return { uid, tries, notBefore };
      }),
      isResync: s === 1,
      isVerified: y === 1,
      isExcluded: x === 1,
      ...(recheck && { recheck }),
    };
  } catch {
    return undefined;
  }
}

/** @throws RangeError for anything but four counts */
function readRecheck(value: unknown): Recheck | undefined {
  if (value === undefined) return undefined;
  const [low, high, tries, notBefore] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!isCount(low) || !isCount(high) || !isCount(tries) || !isCount(notBefore)) throw new RangeError("not a recheck");
  return { low, high, tries, notBefore };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
