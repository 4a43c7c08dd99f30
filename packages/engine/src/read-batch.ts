import {
  type FlagRow,
  limits,
  type MessageMeta,
  type OutgoingEvent,
  type Spot,
  subtractUids,
  type UidSet,
  uidSetOf,
} from "@mailfleet/core";
import { BatchReader, type BatchToRead, isKiller } from "./batch-reader.ts";

/** What became of the UIDs of a batch; together they are the batch. */
export interface Fetched {
  readonly events: readonly OutgoingEvent[];
  readonly delivered: UidSet;
  readonly quarantined: UidSet;
  readonly missing: readonly number[];
  readonly flags: readonly FlagRow[];
  readonly spots: readonly Spot[];
  /** All of it is stored and committed: nobody reads these messages any more, nor what their parser wrote, which their events are made of. */
  readonly letGo: () => void;
}

/**
 * Fetches the messages of a batch, stores each and makes its event. Small ones are fetched together and parsed from what was fetched;
 * large ones come in pieces, one after the other, and are parsed from what was stored.
 */
export async function readBatch(batch: BatchToRead): Promise<Fetched> {
  const { context, metas, suspect } = batch;
  const reader = new BatchReader(batch);
  const isStreamed = (meta: MessageMeta): boolean =>
    context.isCareful || meta.size > limits.streamAboveBytes || (suspect !== undefined && isKiller(suspect));
  const streamed = metas.filter(isStreamed);
  const whole = metas.filter((meta) => !isStreamed(meta)).map((meta) => meta.uid);
  if (whole.length > 0) await reader.readWhole(whole);
  if (reader.fetched === metas.length) batch.onFetched?.();
  // The store takes one blob in pieces at a time, and nothing beside it.
  await reader.allParsed();
  for (const meta of streamed) await reader.readInPieces(meta);

  const events: OutgoingEvent[] = [];
  const missing: number[] = [];
  const done: number[] = [];
  for (const { uid } of metas) {
    const event = reader.eventOf(uid);
    if (event === undefined) missing.push(uid);
    else {
      events.push(event);
      done.push(uid);
    }
  }
  const quarantined = uidSetOf(reader.quarantined);
  return {
    ...{ events, delivered: subtractUids(uidSetOf(done), quarantined), quarantined, missing },
    ...{ flags: reader.flags, spots: reader.spots },
    letGo: () => reader.letGo(),
  };
}
