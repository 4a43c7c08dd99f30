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

/** 24 bits confirm what another INTERNALDATE made suspicious; a checkpoint is kept small. */
const spotDigestLength = 4;

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

/** The newest one, the first of a UID counts. */
export function newestSpots(spots: readonly Spot[]): readonly Spot[] {
  const [first, ...others] = spots;
  if (first === undefined) return [];
  return [others.reduce((newest, spot) => (spot.uid > newest.uid ? spot : newest), first)];
}
