import {
  type BlobPointer,
  type Digest,
  type FetchedMessage,
  fingerprintOf,
  type FolderCheckpoint,
  hasUid,
  type HeaderRow,
  type IndexEntry,
  isOfSpool,
  type QuarantineCode,
  type SeenMessage,
  type Spot,
} from "@mailfleet/core";

/** 24 bits confirm what another INTERNALDATE made suspicious; a checkpoint is kept small. */
const spotDigestLength = 4;

/**
 * What is remembered of a message that was fetched whole.
 * @param fingerprint of its bytes, where it is known
 */
export function entryOf(
  digest: Digest,
  message: FetchedMessage,
  size: number,
  raw: BlobPointer,
  quarantine: QuarantineCode | undefined,
  fingerprint = fingerprintOf(message.bytes),
): IndexEntry {
  const { uid, flags, internalDate } = message;
  const { messageId, text } = fingerprint;
  const entry: Writable<IndexEntry> = { uid, size, digest: digest(text), flags, raw };
  if (internalDate !== undefined) entry.internalDate = internalDate;
  if (messageId !== undefined) entry.messageId = messageId;
  if (quarantine !== undefined) entry.quarantine = quarantine;
  return entry;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a header batch shows of a message. */
export function seenOf(digest: Digest, row: HeaderRow): SeenMessage {
  const { messageId, text } = fingerprintOf(row.header);
  return {
    uid: row.uid,
    size: row.size,
    digest: digest(text),
    ...(text.trim() === "" && { isBare: true as const }),
    ...(row.internalDate !== undefined && { internalDate: row.internalDate }),
    ...(messageId !== undefined && { messageId }),
  };
}

export function spotOf({ uid, internalDate, digest }: SeenMessage): Spot {
  const short = digest.slice(0, spotDigestLength);
  return internalDate === undefined ? { uid, digest: short } : { uid, internalDate: Math.floor(internalDate / 1_000), digest: short };
}

/**
 * What a checkpoint knows its messages by when these were added: the newest one, of a spool also the oldest, and its anchor. The first of a
 * UID counts.
 */
export function newestSpots(checkpoint: FolderCheckpoint, added: readonly Spot[]): readonly Spot[] {
  const anchor = anchorIn(checkpoint);
  let newest: Spot | undefined;
  let oldest: Spot | undefined;
  for (const spots of [added, checkpoint.spots.filter((spot) => !anchor.includes(spot))]) {
    for (const spot of spots) {
      if (newest === undefined || spot.uid > newest.uid) newest = spot;
      if (oldest === undefined || spot.uid < oldest.uid) oldest = spot;
    }
  }
  if (newest === undefined || oldest === undefined) return anchor;
  return [newest, ...(isOfSpool(checkpoint) && oldest.uid !== newest.uid ? [oldest] : []), ...anchor];
}

/** The messages at the end of a history that is not wanted: they were never handed off. */
export function anchorIn(checkpoint: FolderCheckpoint): readonly Spot[] {
  const { spots, handedOff, quarantined } = checkpoint;
  return isOfSpool(checkpoint) ? spots.filter(({ uid }) => !hasUid(handedOff, uid) && !hasUid(quarantined, uid)) : [];
}
