import type { BlobPointer, OutgoingEvent } from "./event.ts";

/** Stored blobs in pieces, for those that are too large to hold. */
export interface PieceReader {
  /** @throws SyncError BLOB_UNAVAILABLE when missing, or, in place of the end, when the bytes were not what the hash says */
  readPieces(pointer: BlobPointer): AsyncIterable<Uint8Array>;
}

/** What became of an event that was put on the queue once more. */
export type ReissueOutcome =
  /** It was not there: consumed long ago, or lost. */
  | "added"
  /** It lay there as a dead letter, and got fresh attempts. */
  | "retried"
  /** It is there and will be worked on anyway: left alone. */
  | "waiting";

/** The other door to the `messages` queue, for events that passed the first one before: `replay`. */
export interface Reissue {
  /** One script: an event whose key is in the queue is never doubled. Outcomes in the order of the events. */
  put(events: readonly OutgoingEvent[]): Promise<readonly ReissueOutcome[]>;
}
