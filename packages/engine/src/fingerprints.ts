import {
  type BlobPointer,
  type Digest,
  type FetchedMessage,
  fingerprintOf,
  type HeaderRow,
  type IndexEntry,
  type QuarantineCode,
  type SeenMessage,
  type Spot,
} from "@mailfleet/core";

/** Enough to tell a message from the one that had its UID before; a checkpoint is kept small. */
const spotDigestLength = 8;
/** Of the newest one alone a deletion would leave nothing to look at. */
const spotCount = 2;

/** What is remembered of a message that was fetched whole. */
export function entryOf(
  digest: Digest,
  message: FetchedMessage,
  size: number,
  raw: BlobPointer,
  quarantine: QuarantineCode | undefined,
): IndexEntry {
  const { messageId, text } = fingerprintOf(message.bytes);
  return {
    uid: message.uid,
    size,
    digest: digest(text),
    flags: message.flags,
    raw,
    ...(message.internalDate !== undefined && { internalDate: message.internalDate }),
    ...(messageId !== undefined && { messageId }),
    ...(quarantine !== undefined && { quarantine }),
  };
}

/** What a header batch shows of a message. */
export function seenOf(digest: Digest, row: HeaderRow): SeenMessage {
  const { messageId, text } = fingerprintOf(row.header);
  return {
    uid: row.uid,
    size: row.size,
    digest: digest(text),
    ...(row.internalDate !== undefined && { internalDate: row.internalDate }),
    ...(messageId !== undefined && { messageId }),
  };
}

/** Undefined for a message without INTERNALDATE: it could not be told from another. */
export function spotOf(seen: SeenMessage): Spot | undefined {
  if (seen.internalDate === undefined) return undefined;
  return { uid: seen.uid, internalDate: Math.floor(seen.internalDate / 1_000), digest: seen.digest.slice(0, spotDigestLength) };
}

/** The few newest, each UID once, the first of a UID counts. */
export function newestSpots(spots: readonly Spot[]): readonly Spot[] {
  const byUid = new Map<number, Spot>();
  for (const spot of spots) if (!byUid.has(spot.uid)) byUid.set(spot.uid, spot);
  return [...byUid.values()].sort((a, b) => b.uid - a.uid).slice(0, spotCount);
}
