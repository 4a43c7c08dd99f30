import { type FolderCheckpoint, presentUids } from "./checkpoint.ts";
import { intersectUids } from "./flag-sets.ts";
import type { FolderStatus } from "./ports.ts";
import { encodeUidSet } from "./uid-codec.ts";
import { countUids, emptyUidSet, subtractUids, type UidSet, uidSetOf, uniteUids } from "./uid-set.ts";

/** What became of the messages that the server has in one folder: `listed` is the sum of all others but `extras`. */
export interface AccountCounts {
  /** As many as the server counts, or lists if those are more. */
  readonly listed: number;
  readonly handedOff: number;
  readonly excluded: number;
  readonly quarantined: number;
  readonly toDo: number;
  /** Listed, and mailfleet believes to be done with this part of the folder: missing downstream. */
  readonly gaps: number;
  /** Counted by the server and in none of its listings: nothing can be said of them. */
  readonly hidden: number;
  /** Handed off, no longer listed, and not yet told as removed. Not among `listed`. */
  readonly extras: number;
}

/** The same UID by UID, where the folder was listed. */
export interface AccountSets {
  readonly handedOff: UidSet;
  readonly excluded: UidSet;
  readonly quarantined: UidSet;
  readonly toDo: UidSet;
  readonly gaps: UidSet;
  readonly extras: UidSet;
}

export interface FolderAccount {
  readonly counts: AccountCounts;
  /** Absent where the count alone says everything. */
  readonly sets?: AccountSets;
}

/** One folder, as the server shows it and as the checkpoint knows it. */
export interface AccountQuestion {
  readonly status: Pick<FolderStatus, "messages" | "uidNext" | "uidValidity">;
  /** Undefined when none is stored, or what is stored cannot be read: the folder is then begun anew. */
  readonly checkpoint: FolderCheckpoint | undefined;
  /** A rule of the configuration leaves the folder out. */
  readonly isLeftOut: boolean;
}

export const emptyAccount: AccountCounts = {
  listed: 0,
  handedOff: 0,
  excluded: 0,
  quarantined: 0,
  toDo: 0,
  gaps: 0,
  hidden: 0,
  extras: 0,
};

/** Messages of which it is not known that they were handed off. */
export function unaccountedIn(counts: AccountCounts): number {
  return counts.gaps + counts.hidden;
}

export function sumAccounts(all: Iterable<AccountCounts>): AccountCounts {
  const sum: { -readonly [Key in keyof AccountCounts]: number } = { ...emptyAccount };
  for (const one of all) for (const key of Object.keys(sum) as (keyof AccountCounts)[]) sum[key] += one[key];
  return sum;
}

/** The account where STATUS alone settles it; undefined where the UIDs must be listed. */
export function accountByCount({ status, checkpoint, isLeftOut }: AccountQuestion): FolderAccount | undefined {
  const { messages } = status;
  const all = (what: "excluded" | "toDo"): FolderAccount => ({ counts: { ...emptyAccount, listed: messages, [what]: messages } });
  const isHandedOff = checkpoint !== undefined && (checkpoint.handedOff.length > 0 || checkpoint.quarantined.length > 0);
  if (isLeftOut && !isHandedOff) return all("excluded");
  // Not begun yet, or to be begun anew: the next session sees the same STATUS and starts, or resets, the folder.
  if (checkpoint === undefined || checkpoint.isExcluded) return all("toDo");
  if (checkpoint.uidValidity !== status.uidValidity || status.uidNext < checkpoint.uidNext) return all(isLeftOut ? "excluded" : "toDo");
  return messages === 0 ? accountByListing({ status, checkpoint, isLeftOut }, emptyUidSet) : undefined;
}

/**
 * Every listed UID is in exactly one part. What mailfleet says it is not done with is to do; what it says it is done with and never
 * handed off is a gap.
 *
 * @param listed all UIDs of the folder
 */
export function accountByListing({ status, checkpoint, isLeftOut }: AccountQuestion, listed: UidSet): FolderAccount {
  if (checkpoint === undefined) throw new TypeError("a folder without a checkpoint is accounted for by its count");
  const { quarantined, recheck, retry, uidNext, backfillBelow, excludedBelow } = checkpoint;
  let rest = listed;
  const take = (from: UidSet): UidSet => {
    const taken = intersectUids(rest, from);
    rest = subtractUids(rest, from);
    return taken;
  };
  const parts = { quarantined: take(quarantined), handedOff: take(checkpoint.handedOff) };
  const owed = uidSetOf(retry.map(({ uid }) => uid));
  const announced = take(uniteUids(owed, recheck === undefined ? emptyUidSet : [[recheck.low, recheck.high]]));
  // Also what a rule leaves out is looked at after a reset: it may have been handed off before.
  const history = backfillBelow > 1 ? take([[1, backfillBelow - 1]]) : emptyUidSet;
  const byRule = excludedBelow > 1 ? take([[1, excludedBelow - 1]]) : emptyUidSet;
  const fresh = take([[uidNext, Number.MAX_SAFE_INTEGER]]);
  const open = uniteUids(uniteUids(announced, history), fresh);
  const leftOut = isLeftOut ? uniteUids(uniteUids(byRule, open), rest) : byRule;
  const sets: AccountSets = {
    ...parts,
    excluded: leftOut,
    toDo: isLeftOut ? emptyUidSet : open,
    gaps: isLeftOut ? emptyUidSet : rest,
    extras: subtractUids(presentUids(checkpoint), listed),
  };
  const count = countUids(listed);
  // A folder that is left out owes nothing, whatever its server counts.
  const hidden = isLeftOut ? 0 : Math.max(0, status.messages - count);
  return {
    sets,
    counts: {
      listed: count + hidden,
      handedOff: countUids(sets.handedOff),
      excluded: countUids(sets.excluded),
      quarantined: countUids(sets.quarantined),
      toDo: countUids(sets.toDo),
      gaps: countUids(sets.gaps),
      hidden,
      extras: countUids(sets.extras),
    },
  };
}

/**
 * Everything of a checkpoint that an account depends on, as one text: with the same basis and the same UIDs the account is the same.
 * That the UIDs are the same follows from STATUS alone: within a UIDVALIDITY, UIDNEXT grows with each addition (RFC 9051 2.3.1.1) and
 * MESSAGES falls with each removal, so that where neither moved nothing came and nothing went. It does not show a message that a server
 * puts at an old UID while it takes another one away; only a listing does.
 */
export function accountBasis(checkpoint: FolderCheckpoint | undefined, isLeftOut: boolean): string {
  if (checkpoint === undefined) return JSON.stringify([isLeftOut]);
  const { generation, uidValidity, uidNext, backfillBelow, excludedBelow, handedOff, quarantined, removed, retry, recheck, isExcluded } =
    checkpoint;
  return JSON.stringify([
    isLeftOut,
    isExcluded,
    generation,
    uidValidity,
    uidNext,
    backfillBelow,
    excludedBelow,
    encodeUidSet(handedOff),
    encodeUidSet(quarantined),
    encodeUidSet(removed),
    retry.map(({ uid }) => uid),
    recheck === undefined ? null : [recheck.low, recheck.high],
  ]);
}
