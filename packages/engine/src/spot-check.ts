import { type FolderCheckpoint, type MessageMeta } from "@mailfleet/core";
import { seenOf, spotOf } from "./fingerprints.ts";
import type { FolderWork } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";

/**
 * Whether the server dealt known UIDs again though UIDVALIDITY stayed and UIDNEXT is not lower, as after a restore that new mail followed
 * (F32): the newest messages handed off must still have their INTERNALDATE. One that has another is looked at more closely.
 *
 * @param metas of the checkpoint's spots, among others; a spot that is absent was deleted and says nothing
 */
export async function areUidsReused(context: SessionContext, work: FolderWork, metas: readonly MessageMeta[]): Promise<boolean> {
  const { spots } = work.checkpoint as FolderCheckpoint;
  const dates = new Map(metas.map(({ uid, internalDate }) => [uid, internalDate]));
  const odd = spots.filter(({ uid, internalDate }) => {
    const now = dates.get(uid);
    return now !== undefined && Math.floor(now / 1_000) !== internalDate;
  });
  if (odd.length === 0) return false;
  const rows = await context.session.fetchHeaders(odd.map(({ uid }) => uid));
  return rows.some((row) => {
    const spot = odd.find(({ uid }) => uid === row.uid);
    const now = spotOf(seenOf(context.ports.digest, row));
    return spot !== undefined && now !== undefined && now.digest !== spot.digest;
  });
}
