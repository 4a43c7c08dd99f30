import {
  type BlobBatch,
  type FlagRow,
  flagSetsOf,
  type FolderCheckpoint,
  type FolderLedger,
  hasUid,
  type HeaderRow,
  type IndexEntry,
  isOfSpool,
  limits,
  type OutgoingEvent,
  type PreviousGeneration,
  type SeenMessage,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  withFlags,
} from "@mailfleet/core";
import { flagsEvent, flagsOf, rekeyedEvent, removedEvent } from "./change-events.ts";
import { chunksOf } from "./compare-folder.ts";
import { seenOf, newestSpots, spotOf } from "./fingerprints.ts";
import { commitStep, type FolderWork, isCertainlyUnwritten, yieldIfAsked } from "./folder-work.ts";
import { knownOf } from "./known-messages.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext } from "./ports.ts";
import { numberBefore, sameUid } from "./same-uids.ts";
import { arrivalOf } from "./spool.ts";

/** A message that was found again. */
interface Link {
  seen: SeenMessage;
  flags: readonly string[];
  readonly generationAt: number;
  readonly previousUid: number;
  readonly entry: IndexEntry | undefined;
  /** It had been told as removed. */
  readonly isBack: boolean;
}

/** A message that is not known from before, with its date where the server gave one. */
export interface Unknown {
  readonly uid: number;
  readonly internalDate?: number;
}

/**
 * After a reset: recognises messages that were handed off under an earlier generation, from their header fields alone, and links their
 * keys by `message.rekeyed`. No body is fetched.
 *
 * @param uids listed and not accounted for, in the order in which they are to be handed off
 * @returns those that are not known, in that order
 */
export async function linkKnown(context: SessionContext, work: FolderWork, uids: readonly number[]): Promise<readonly Unknown[]> {
  const unknown: Unknown[] = [];
  for (let at = 0; at < uids.length; at += limits.batchHeaders) {
    await yieldIfAsked(context, "backfill");
    const batch = uids.slice(at, at + limits.batchHeaders);
    const { links, rest } = await lookUp(context, work, batch);
    if (links.length > 0) await commitLinks(context, work, links);
    unknown.push(...rest);
  }
  return unknown;
}

async function lookUp(
  context: SessionContext,
  work: FolderWork,
  uids: readonly number[],
): Promise<{ readonly links: readonly Link[]; readonly rest: readonly Unknown[] }> {
  const { previous, flags } = work.checkpoint as FolderCheckpoint;
  const known = await knownOf(context, work);
  const links: Link[] = [];
  const rest: Unknown[] = [];
  const asked: number[] = [];
  const checkpoint = work.checkpoint as FolderCheckpoint;
  for (const uid of uids) {
    const same = sameUid(checkpoint, uid);
    if (same === undefined) asked.push(uid);
    else {
      const entry = known.entries[same.generationAt]?.get(same.previousUid);
      const seen = entry === undefined ? { uid, size: 0, digest: "" } : { ...entry, uid };
      links.push({ ...same, seen, flags: flagsOf(flags, uid), entry, isBack: false });
    }
  }
  await addWhatSpoolsLack(context, previous, links);
  const byUid = await headersOf(context, asked);
  for (const uid of asked) {
    const row = byUid.get(uid);
    const seen = row && seenOf(context.ports.digest, row);
    const present = seen && known.messages.take(seen, (one) => numberBefore(checkpoint, previous[one.generationAt], uid));
    const found = present ?? (seen && known.gone.takeSure(seen));
    if (row && seen && found && isStillPrevious(previous[found.generationAt], found.entry.uid)) {
      const { generationAt, entry } = found;
      links.push({ seen, flags: row.flags, generationAt, previousUid: entry.uid, entry, isBack: present === undefined });
    } else {
      const internalDate = row && (row.internalDate ?? (isOfSpool(checkpoint) ? arrivalOf(row) : undefined));
      rest.push({ uid, ...(internalDate !== undefined && { internalDate }) });
    }
  }
  return { links, rest };
}

function isStillPrevious(place: PreviousGeneration | undefined, uid: number): boolean {
  return place !== undefined && (hasUid(place.left, uid) || hasUid(place.gone ?? [], uid));
}

/** Flags and dates of messages that were known from a spool, which has neither: asked for without their headers. */
async function addWhatSpoolsLack(
  { session }: SessionContext,
  previous: FolderCheckpoint["previous"],
  links: { seen: SeenMessage; flags: readonly string[]; readonly generationAt: number }[],
): Promise<void> {
  const lacking = links.filter(({ generationAt }) => isOfSpool(previous[generationAt] as PreviousGeneration));
  const uids = lacking.map(({ seen }) => seen.uid).sort((a, b) => a - b);
  if (uids.length === 0 || !session.features.hasFlags) return;
  const metas = new Map((await session.describe(uids)).map((meta) => [meta.uid, meta]));
  const rows = new Map((await session.fetchFlags(uids[0] as number, uids.at(-1) as number)).map((row) => [row.uid, row.flags]));
  for (const link of lacking) {
    const { uid } = link.seen;
    link.seen = { ...link.seen, ...metas.get(uid) };
    link.flags = rows.get(uid) ?? link.flags;
  }
}

/** A short answer may say OK, and a message without its header would be taken for a new one: what is missing is asked for again. */
async function headersOf({ session }: SessionContext, uids: readonly number[]): Promise<ReadonlyMap<number, HeaderRow>> {
  const rows = new Map<number, HeaderRow>();
  for (let tries = 0, asked = uids; asked.length > 0 && tries < limits.unfetchableTries; tries++) {
    for (const row of await session.fetchHeaders(asked)) rows.set(row.uid, row);
    asked = asked.filter((uid) => !rows.has(uid));
  }
  return rows;
}

async function commitLinks(context: SessionContext, work: FolderWork, links: readonly Link[]): Promise<void> {
  const blobs = context.ports.blobs.startBatch(context.mailbox);
  let isCommitting = false;
  try {
    noteLinks(blobs, work, links);
    context.signal.throwIfAborted();
    await blobs.flush();
    isCommitting = true;
    await commitStep(context, work, linkStep(context, work, links));
    context.counts.changes += links.length;
  } catch (error) {
    if (!isCommitting || isCertainlyUnwritten(error)) await blobs.discard();
    throw error;
  }
}

/** The next reset finds them under their new UIDs; their bytes stay where they are. */
function noteLinks(blobs: BlobBatch, work: FolderWork, links: readonly Link[]): void {
  const { generation, uidValidity } = work.checkpoint as FolderCheckpoint;
  const folder = { folder: work.path, generation, uidValidity, ...(work.role !== undefined && { role: work.role }) };
  for (const { seen, flags, entry } of links) {
    if (entry === undefined) continue;
    const { raw, quarantine } = entry;
    const { uid, size, digest, internalDate, messageId } = seen;
    blobs.note(folder, {
      uid,
      size,
      digest,
      flags,
      ...(internalDate !== undefined && { internalDate }),
      ...(messageId !== undefined && { messageId }),
      ...(raw && { raw }),
      ...(quarantine !== undefined && { quarantine }),
    });
  }
}

function linkStep(
  context: SessionContext,
  work: FolderWork,
  links: readonly Link[],
): { checkpoint: FolderCheckpoint; ledger: FolderLedger; events: readonly OutgoingEvent[] } {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const isQuarantined = (link: Link): boolean => link.entry?.quarantine !== undefined;
  const handedOff = uidSetOf(links.filter((link) => !isQuarantined(link)).map((link) => link.seen.uid));
  const quarantined = uidSetOf(links.filter(isQuarantined).map((link) => link.seen.uid));
  const all = uniteUids(handedOff, quarantined);
  const rows: FlagRow[] = links.map(({ seen, flags }) => ({ uid: seen.uid, flags }));
  const place = { folder: work.path, ...checkpoint };
  return {
    checkpoint: {
      ...checkpoint,
      handedOff: uniteUids(checkpoint.handedOff, handedOff),
      quarantined: uniteUids(checkpoint.quarantined, quarantined),
      flags: withFlags(checkpoint.flags, all, flagSetsOf(rows)),
      spots: newestSpots(
        checkpoint,
        links.filter(({ seen }) => seen.digest !== "").map(({ seen }) => spotOf(seen)),
      ),
      previous: checkpoint.previous.map((one, at) =>
        without(one, uidSetOf(links.filter((link) => link.generationAt === at).map((link) => link.previousUid))),
      ),
    },
    ledger: settleToDo(work.ledger, {
      handedOff: links.length - links.filter(isQuarantined).length,
      quarantined: links.filter(isQuarantined).length,
      excluded: 0,
    }),
    events: links.flatMap((link) => {
      const { seen, previousUid, flags, entry } = link;
      const previous = checkpoint.previous[link.generationAt] as PreviousGeneration;
      const back = {
        place: previous,
        uid: previousUid,
        flags: flagSetsOf([{ uid: previousUid, flags }]),
        lane: "backfill",
        isBack: true,
      } as const;
      return [
        ...(link.isBack ? [flagsEvent(context, work, back)] : []),
        rekeyedEvent(context, work, { place, uid: seen.uid, previous, previousUid, flags, entry }),
      ];
    }),
  };
}

/** Moves messages from "to do" to what became of them; those that were never counted as listed are now. */
export function settleToDo(
  ledger: FolderLedger,
  settled: { readonly handedOff: number; readonly quarantined: number; readonly excluded: number },
): FolderLedger {
  const count = settled.handedOff + settled.quarantined + settled.excluded;
  const uncounted = Math.max(0, count - ledger.toDo);
  return {
    listed: ledger.listed + uncounted,
    handedOff: ledger.handedOff + settled.handedOff,
    excluded: ledger.excluded + settled.excluded,
    quarantined: ledger.quarantined + settled.quarantined,
    toDo: ledger.toDo - count + uncounted,
  };
}

/**
 * Once the whole folder was looked at: what is left of earlier generations is on the server no more, and consumers are told, message by
 * message. They know it under its old key.
 */
export async function tellLeftovers(context: SessionContext, work: FolderWork): Promise<void> {
  const { previous } = work.checkpoint as FolderCheckpoint;
  for (const [at, place] of previous.entries()) {
    const { left } = place;
    const entries = left.length === 0 ? new Map<number, IndexEntry>() : await readEntries(context, place, left);
    for (const part of chunksOf(left, limits.batchChanges)) {
      await yieldIfAsked(context, "backfill");
      const checkpoint = work.checkpoint as FolderCheckpoint;
      await commitStep(context, work, {
        checkpoint: {
          ...checkpoint,
          previous: checkpoint.previous.map((one, index) => (index === at ? without(one, uidSetOf(part)) : one)),
        },
        ledger: work.ledger,
        events: part.map((uid) => removedEvent(context, work, { place, uid, lane: "backfill", messageId: entries.get(uid)?.messageId })),
      });
      context.counts.changes += part.length;
    }
  }
  if (previous.length > 0) {
    await commitStep(context, work, {
      checkpoint: withoutPrevious(work.checkpoint as FolderCheckpoint),
      ledger: work.ledger,
      events: [],
    });
  }
}

function withoutPrevious({ leftoversFrom: _held, ...checkpoint }: FolderCheckpoint): FolderCheckpoint {
  return { ...checkpoint, previous: [] };
}

function without(one: PreviousGeneration, uids: UidSet): PreviousGeneration {
  return { ...one, left: subtractUids(one.left, uids), ...(one.gone && { gone: subtractUids(one.gone, uids) }) };
}
