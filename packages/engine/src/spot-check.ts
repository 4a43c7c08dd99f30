import {
  eachUid,
  type FolderCheckpoint,
  intersectUids,
  limits,
  maxUid,
  type MessageMeta,
  type Spot,
  subtractUids,
  syncError,
  type UidSet,
  uidSetOf,
  uniteUids,
} from "@mailfleet/core";
import { seenOf, spotOf } from "./fingerprints.ts";
import type { FolderWork } from "./folder-work.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext } from "./ports.ts";

/** So many known messages are looked at in place of one that is gone, the newest: a line of 50 bytes each. */
const witnesses = 50;

/**
 * Messages that were told as removed and stand above every one that is known to be there: if one of them is listed again, it is the newest
 * known one. Undefined where there are none, nearly always.
 */
export function goneAtTheTop({ spots, removed }: FolderCheckpoint): UidSet | undefined {
  const newest = spots.reduce((highest, { uid }) => Math.max(highest, uid), 0);
  const above = intersectUids(removed, [[newest + 1, maxUid]]);
  return above.length === 0 ? undefined : above;
}

/** Those of {@link goneAtTheTop} that are listed. */
export async function listedAgain({ session }: SessionContext, checkpoint: FolderCheckpoint): Promise<UidSet> {
  const gone = goneAtTheTop(checkpoint);
  return gone === undefined ? [] : intersectUids(gone, uidSetOf(await session.listUids(gone[0]?.[0] ?? 1, checkpoint.uidNext - 1)));
}

/**
 * Whether the server dealt known UIDs again though UIDVALIDITY stayed and UIDNEXT is not lower, as after a restore that new mail followed
 * (F32). UIDs rise with arrival, so where any known one is another message now, the newest known one that is listed is (`witnessLines` has
 * why): it must still have its INTERNALDATE. One that has another is looked at more closely. One that is gone says nothing, and what
 * stands at its end of the folder is asked in its place: new mail would hide for ever that UIDs were dealt again.
 *
 * @param metas of the checkpoint's spots, among others; empty when they were not asked for
 * @param back those of {@link goneAtTheTop} that are listed
 */
export async function areUidsReused(
  context: SessionContext,
  work: FolderWork,
  metas: readonly MessageMeta[],
  back: UidSet,
): Promise<boolean> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const asked = checkpoint.spots.filter((spot) => metas.some(({ uid }) => uid === spot.uid));
  const atTop = await compareKnown(context, work, back);
  if (asked.length === 0 && atTop === "gone") return false;
  if (isSettled(atTop)) return atTop === "reused";
  const newest = await compareSpots(context, asked, metas);
  if (isSettled(newest)) return newest === "reused";
  const verdict = await compareKnown(context, work, await newestListed(context, checkpoint, asked));
  if (verdict !== "unanswered") return verdict === "reused";
  throw syncError(
    "COMMAND_REFUSED",
    `Known messages of ${work.path} have other dates, and the server gave no header of them. It is looked at again.`,
    {
      layer: "engine",
      folder: work.path,
      text: "known messages have other dates",
    },
  );
}

type Verdict = "same" | "reused" | "gone" | "unanswered";

function isSettled(verdict: Verdict): verdict is "same" | "reused" {
  switch (verdict) {
    case "same":
    case "reused":
      return true;
    case "gone":
    case "unanswered":
      return false;
  }
}

/** Known UIDs below the spots that are listed, the newest of them; those that were told as removed are known as well. */
async function newestListed(context: SessionContext, checkpoint: FolderCheckpoint, spots: readonly Spot[]): Promise<UidSet> {
  const known = subtractUids(uniteUids(checkpoint.handedOff, checkpoint.quarantined), uidSetOf(spots.map(({ uid }) => uid)));
  let width: number = limits.listingUids;
  for (let high = known.at(-1)?.[1] ?? 0; high >= 1; width *= 8) {
    const low = Math.max(1, high - width + 1);
    const listed = intersectUids(known, uidSetOf(await context.session.listUids(low, high)));
    if (listed.length > 0) return listed;
    high = low - 1;
  }
  return [];
}

/** @param uids known and listed */
async function compareKnown(context: SessionContext, work: FolderWork, uids: UidSet): Promise<Verdict> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const newest = [...eachUid(uids)].slice(-witnesses);
  if (newest.length === 0) return "gone";
  const metas = await context.session.describe(newest);
  const there = uidSetOf(metas.map(({ uid }) => uid));
  if (there.length === 0) return "gone";
  const entries = await readEntries(context, { folder: work.path, ...checkpoint }, there);
  return compareSpots(context, [...entries.values()].map(spotOf), metas);
}

/** By date; those that have another, by their header. */
async function compareSpots(context: SessionContext, spots: readonly Spot[], metas: readonly MessageMeta[]): Promise<Verdict> {
  const dates = new Map(metas.map(({ uid, internalDate }) => [uid, internalDate]));
  const there = spots.filter(({ uid }) => dates.get(uid) !== undefined);
  if (there.length === 0) return "gone";
  const odd = there.filter(({ uid, internalDate }) => Math.floor((dates.get(uid) as number) / 1_000) !== internalDate);
  if (odd.length === 0) return "same";
  const rows = await context.session.fetchHeaders(odd.map(({ uid }) => uid));
  const isOther = rows.some((row) => {
    const spot = odd.find(({ uid }) => uid === row.uid);
    const now = spotOf(seenOf(context.ports.digest, row));
    return spot !== undefined && now.digest !== spot.digest;
  });
  if (isOther) return "reused";
  return rows.length === 0 ? "unanswered" : "same";
}
