import {
  eachUid,
  type FolderCheckpoint,
  type MessageMeta,
  presentUids,
  type Spot,
  subtractUids,
  syncError,
  uidSetOf,
} from "@mailfleet/core";
import { seenOf, spotOf } from "./fingerprints.ts";
import type { FolderWork } from "./folder-work.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext } from "./ports.ts";

/** So many of the newest known messages are looked at in place of one that is gone: a line of 50 bytes each. */
const witnesses = 50;

/**
 * Whether the server dealt known UIDs again though UIDVALIDITY stayed and UIDNEXT is not lower, as after a restore that new mail followed
 * (F32): the newest message handed off must still have its INTERNALDATE. One that has another is looked at more closely. One that is
 * gone says nothing, and what stands at its end of the folder is asked in its place: new mail would hide for ever that UIDs were dealt again.
 *
 * @param metas of the checkpoint's spots, among others; empty when they were not asked for
 */
export async function areUidsReused(context: SessionContext, work: FolderWork, metas: readonly MessageMeta[]): Promise<boolean> {
  const { spots } = work.checkpoint as FolderCheckpoint;
  const asked = spots.filter((spot) => metas.some(({ uid }) => uid === spot.uid));
  if (asked.length === 0) return false;
  const verdict = await compareSpots(context, asked, metas);
  switch (verdict) {
    case "same":
      return false;
    case "reused":
      return true;
    case "gone":
    case "unanswered":
      return areOthersReused(context, work, asked);
  }
}

async function areOthersReused(context: SessionContext, work: FolderWork, spots: readonly Spot[]): Promise<boolean> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const known = subtractUids(presentUids(checkpoint), uidSetOf(spots.map(({ uid }) => uid)));
  const newest = [...eachUid(known)].slice(-witnesses);
  if (newest.length === 0) return false;
  const metas = await context.session.describe(newest);
  const there = uidSetOf(metas.map(({ uid }) => uid));
  if (there.length === 0) return false;
  const entries = await readEntries(context, { folder: work.path, ...checkpoint }, there);
  const verdict = await compareSpots(context, [...entries.values()].map(spotOf), metas);
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

/** By date; those that have another, by their header. */
async function compareSpots(
  context: SessionContext,
  spots: readonly Spot[],
  metas: readonly MessageMeta[],
): Promise<"same" | "reused" | "gone" | "unanswered"> {
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
