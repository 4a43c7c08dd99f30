import {
  comparedWith,
  type CompareNeed,
  compareWindow,
  countUids,
  eachUid,
  emptyUidSet,
  type FlagSets,
  flagSetsOf,
  type FolderChanges,
  type FolderCheckpoint,
  type FolderStatus,
  hasUid,
  type IndexEntry,
  intersectUids,
  isCountOff,
  isOfSpool,
  isUnseenOff,
  type Lane,
  limits,
  type ListedWindow,
  maxUid,
  noFlags,
  presentUids,
  type Spot,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  withFlags,
  withoutFlags,
} from "@mailfleet/core";
import { flagsEvent, removedEvent } from "./change-events.ts";
import { newestSpots, spotOf } from "./fingerprints.ts";
import { commitStep, ensureOpen, type FolderWork, yieldIfAsked } from "./folder-work.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext } from "./ports.ts";
import { isMany } from "./spool.ts";

/**
 * Flag changes and removals, as far as they are needed. A large folder's whole comparison is owed to the backfill lane.
 * @returns UIDs that are listed and accounted for nowhere, for the caller to hand off
 */
export async function compareFolder(context: SessionContext, work: FolderWork, status: FolderStatus, need: CompareNeed): Promise<UidSet> {
  const now = context.ports.clock.now();
  switch (need.kind) {
    case "none":
      return emptyUidSet;
    case "whole":
      return compareWholeNowOrLater(context, work, status);
    case "since": {
      const missed = await compareRange(context, work, 1, "fresh", need.since);
      await noteCompared(context, work, now, status.highestModSeq);
      return missed;
    }
    case "recent": {
      const missed = await compareRange(context, work, need.low, "fresh");
      await noteCompared(context, work, now);
      return missed.length === 0 && isFurtherBack(context, work, status, now) ? compareWholeNowOrLater(context, work, status) : missed;
    }
  }
}

/** The newest messages explain not all that the counts show. A large folder is not compared whole for that again and again. */
function isFurtherBack(context: SessionContext, work: FolderWork, status: FolderStatus, now: number): boolean {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { compared, isVerified } = checkpoint;
  if (!compared || !isVerified || !(isCountOff(status, checkpoint, compared) || isUnseenOff(status, checkpoint, compared))) return false;
  return status.messages <= limits.compareAtOnce || now - compared.wholeAt >= context.settings.compare.recentMs;
}

async function compareWholeNowOrLater(context: SessionContext, work: FolderWork, status: FolderStatus): Promise<UidSet> {
  // A spool's list is whole already.
  if (status.messages <= limits.compareAtOnce || isOfSpool(status)) return compareWhole(context, work, status, "fresh");
  // Unverified is what the backfill lane compares as a whole.
  await commitStep(context, work, {
    checkpoint: { ...(work.checkpoint as FolderCheckpoint), isVerified: false },
    ledger: work.ledger,
    events: [],
  });
  return emptyUidSet;
}

/**
 * Compares the whole folder, in windows, and commits what changed. Ends in a checkpoint that is verified, unless something was missed:
 * then the caller hands that off and compares again.
 * @param lookedFor UIDs that were just asked for: one that FETCH still shows, SEARCH does not and nobody delivers would be missed for ever
 */
export async function compareWhole(
  context: SessionContext,
  work: FolderWork,
  status: FolderStatus,
  lane: Lane,
  lookedFor: UidSet = emptyUidSet,
): Promise<UidSet> {
  const examined = await ensureOpen(context, work);
  const { uidNext } = work.checkpoint as FolderCheckpoint;
  let missed: UidSet = emptyUidSet;
  let excluded = 0;
  const width = isOfSpool(examined) ? maxUid : limits.listingUids;
  for (let low = 1; low < uidNext; low += width) {
    const window = await listWindow(context, low, Math.min(low + width - 1, uidNext - 1));
    const changes = await applyWindow(context, work, window, lane);
    missed = uniteUids(missed, changes.missed);
    excluded += countExcluded(work.checkpoint as FolderCheckpoint, window);
  }
  const open = subtractUids(missed, lookedFor);
  if (open.length > 0) return open;
  const now = context.ports.clock.now();
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const top = work.top === undefined ? {} : { top: { uidNext: checkpoint.uidNext, listed: work.top, ...endsBeside(examined, work.top) } };
  const { messages, ...hidden } = await believedCount(context, checkpoint, examined, now);
  const compared = comparedWith({ ...status, messages }, checkpoint, { wholeAt: now, recentAt: now, ...top, ...hidden });
  const { vanished: _before, ...rest } = checkpoint;
  await commitStep(context, work, {
    checkpoint: { ...rest, isVerified: true, compared, ...(work.vanished && { vanished: work.vanished }) },
    ledger: recount(work, checkpoint, excluded),
    events: [],
  });
  return emptyUidSet;
}

/**
 * Exchange leaves hidden items out of a spool's list, and may count them; but a list may also be short once. So a count of more than is
 * listed is what is expected next time only when a comparison finds as many hidden as one that is a while ago: until then the next poll
 * lists again, and the time of the first one stays.
 */
async function believedCount(
  { session }: SessionContext,
  { compared }: FolderCheckpoint,
  examined: FolderStatus,
  now: number,
): Promise<{ readonly messages: number; readonly hidden?: number; readonly wholeAt?: number }> {
  if (!isOfSpool(examined)) return { messages: examined.messages };
  const listed = (await session.listUids(1, maxUid)).length;
  const hidden = examined.messages - listed;
  if (hidden <= 0) return { messages: examined.messages };
  if (compared?.hidden !== hidden) return { messages: listed, hidden };
  if (now - compared.wholeAt >= limits.recheckMs) return { messages: examined.messages, hidden };
  return { messages: listed, hidden, wholeAt: compared.wholeAt };
}

/** By what the next polls know a spool's list where its highest number stands in the middle of it, as one does that showed late. */
function endsBeside({ order = [] }: FolderStatus, highest: number): { readonly ends?: readonly [first: number, last: number] } {
  const [first, last] = [order[0], order.at(-1)];
  return first === undefined || last === undefined || first === highest || last === highest ? {} : { ends: [first, last] };
}

/** Flags and presence from `low` to the checkpoint's end. */
async function compareRange(context: SessionContext, work: FolderWork, low: number, lane: Lane, since?: string): Promise<UidSet> {
  const { uidNext } = work.checkpoint as FolderCheckpoint;
  let missed: UidSet = emptyUidSet;
  for (let from = low; from < uidNext; from += limits.listingUids) {
    const window = await listWindow(context, from, Math.min(from + limits.listingUids - 1, uidNext - 1), since);
    missed = uniteUids(missed, (await applyWindow(context, work, window, lane)).missed);
  }
  return missed;
}

async function listWindow({ session }: SessionContext, low: number, high: number, since?: string): Promise<ListedWindow> {
  if (!session.features.hasFlags) {
    return { low, high, listed: uidSetOf(await session.listUids(low, high)), flags: noFlags, isComplete: true };
  }
  const rows = await session.fetchFlags(low, high, since);
  return { low, high, listed: uidSetOf(rows.map((row) => row.uid)), flags: flagSetsOf(rows), isComplete: since === undefined };
}

/** Commits what a window shows. A message counts as gone only when a listing agrees: Exchange's FETCH may leave out what is there. */
async function applyWindow(context: SessionContext, work: FolderWork, window: ListedWindow, lane: Lane): Promise<FolderChanges> {
  const changes = compareWindow(work.checkpoint as FolderCheckpoint, window);
  const gone = takeGone(context, work, await confirmGone(context, changes.gone));
  await commitFlags(context, work, window.flags, changes.flagged, lane, false);
  await commitFlags(context, work, window.flags, changes.back, lane, true);
  await commitRemoved(context, work, gone, lane);
  return { ...changes, gone };
}

/** Of what a spool's list left out, what is told now. Nobody can be asked a second time in the same session: it stays as it was. */
function takeGone(context: SessionContext, work: FolderWork, gone: UidSet): UidSet {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  if (!isOfSpool(checkpoint)) return gone;
  const now = context.ports.clock.now();
  // What this session found itself it does not confirm.
  const { vanished } = work.vanished ? { vanished: undefined } : checkpoint;
  const confirmed = vanished && vanished.notBefore <= now ? intersectUids(gone, vanished.uids) : emptyUidSet;
  const open = subtractUids(gone, confirmed);
  if (!isMany(countUids(open), countUids(presentUids(checkpoint)))) {
    work.vanished = undefined;
    return gone;
  }
  const isWaiting = checkpoint.vanished !== undefined && countUids(subtractUids(open, checkpoint.vanished.uids)) === 0;
  work.vanished = { uids: open, notBefore: isWaiting ? checkpoint.vanished.notBefore : now + limits.recheckMs };
  const fields = { mailbox: context.mailbox.address, folder: work.path, count: countUids(open) };
  context.ports.log.warn(fields, "much of the mailbox is not listed at once; it is told as removed if a later session finds the same");
  return confirmed;
}

async function confirmGone(context: SessionContext, gone: UidSet): Promise<UidSet> {
  const low = gone[0]?.[0];
  const high = gone.at(-1)?.[1];
  if (low === undefined || high === undefined) return emptyUidSet;
  return subtractUids(gone, uidSetOf(await context.session.listUids(low, high)));
}

async function commitFlags(
  context: SessionContext,
  work: FolderWork,
  flags: FlagSets,
  uids: UidSet,
  lane: Lane,
  isBack: boolean,
): Promise<void> {
  const newest = isBack ? uids.at(-1)?.[1] : undefined;
  // The newest message may have come back: it is what tells UIDs that are dealt again.
  const spots =
    newest === undefined
      ? []
      : [...(await readEntries(context, { folder: work.path, ...(work.checkpoint as FolderCheckpoint) }, [[newest, newest]])).values()].map(
          spotOf,
        );
  for (const part of chunksOf(uids, limits.batchChanges)) {
    await yieldIfAsked(context, lane);
    const checkpoint = work.checkpoint as FolderCheckpoint;
    const place = { folder: work.path, ...checkpoint };
    const set = uidSetOf(part);
    const now: FlagSets = new Map([...flags].map(([flag, with_]) => [flag, intersectUids(with_, set)]));
    const removed = isBack ? subtractUids(checkpoint.removed, set) : checkpoint.removed;
    const next = { ...checkpoint, removed, flags: withFlags(checkpoint.flags, set, now), spots: newestSpots(checkpoint, spots) };
    await commitStep(context, work, {
      checkpoint: next,
      ledger: isBack ? withCounts(work, next) : work.ledger,
      events: part.map((uid) => flagsEvent(context, work, { place, uid, flags: now, lane, isBack })),
    });
    context.counts.changes += part.length;
  }
}

/** Tells that messages of the folder's present generation are gone. */
export async function commitRemoved(context: SessionContext, work: FolderWork, uids: UidSet, lane: Lane): Promise<void> {
  if (uids.length === 0) return;
  const before = work.checkpoint as FolderCheckpoint;
  const left = subtractUids(presentUids(before), uids);
  const ends = [left.at(-1)?.[1], isOfSpool(before) ? left[0]?.[0] : undefined].filter((uid) => uid !== undefined);
  const entries = await readEntries(context, { folder: work.path, ...before }, uniteUids(uids, uidSetOf(ends)));
  const spots = ends.flatMap((uid) => spotsOf(entries.get(uid)));
  for (const part of chunksOf(uids, limits.batchChanges)) {
    await yieldIfAsked(context, lane);
    const checkpoint = work.checkpoint as FolderCheckpoint;
    const place = { folder: work.path, ...checkpoint };
    const set = uidSetOf(part);
    const next = {
      ...checkpoint,
      removed: uniteUids(checkpoint.removed, set),
      flags: withoutFlags(checkpoint.flags, set),
      spots: withoutGone(checkpoint, set, spots),
    };
    await commitStep(context, work, {
      checkpoint: next,
      ledger: withCounts(work, next),
      events: part.map((uid) => removedEvent(context, work, { place, uid, lane, messageId: entries.get(uid)?.messageId })),
    });
    context.counts.changes += part.length;
  }
}

function spotsOf(entry: IndexEntry | undefined): readonly Spot[] {
  return entry === undefined ? [] : [spotOf(entry)];
}

/** What is gone can tell nothing any more; what is left takes its place. */
function withoutGone(checkpoint: FolderCheckpoint, gone: UidSet, left: readonly Spot[]): readonly Spot[] {
  const spots = checkpoint.spots.filter(({ uid }) => !hasUid(gone, uid));
  return spots.length === checkpoint.spots.length ? spots : newestSpots({ ...checkpoint, spots }, left);
}

export function chunksOf(uids: UidSet, size: number): readonly (readonly number[])[] {
  const chunks: number[][] = [];
  for (const uid of eachUid(uids)) {
    const last = chunks.at(-1);
    if (last && last.length < size) last.push(uid);
    else chunks.push([uid]);
  }
  return chunks;
}

/** After the newest messages were compared; what lies further back keeps its counts, so that a difference there still shows. */
async function noteCompared(context: SessionContext, work: FolderWork, now: number, modSeq?: string): Promise<void> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  if (!checkpoint.compared) return;
  const compared = { ...checkpoint.compared, recentAt: now, ...(modSeq !== undefined && { modSeq }) };
  await commitStep(context, work, { checkpoint: { ...checkpoint, compared }, ledger: work.ledger, events: [] });
}

/** The ledger with what is handed off and quarantined counted anew from the sets. */
function withCounts({ ledger }: FolderWork, checkpoint: FolderCheckpoint): FolderWork["ledger"] {
  const handedOff = countUids(intersectUids(presentUids(checkpoint), checkpoint.handedOff));
  const quarantined = countUids(subtractUids(intersectUids(presentUids(checkpoint), checkpoint.quarantined), checkpoint.handedOff));
  const moved = handedOff + quarantined - ledger.handedOff - ledger.quarantined;
  return { ...ledger, handedOff, quarantined, listed: ledger.listed + moved };
}

/** The ledger of a folder that was just compared as a whole: nothing is to do but what the server withholds. */
function recount(work: FolderWork, checkpoint: FolderCheckpoint, excludedNow: number): FolderWork["ledger"] {
  const { handedOff, quarantined } = withCounts(work, checkpoint);
  const excluded = checkpoint.excludedBelow > 1 ? excludedNow : work.ledger.excluded;
  const toDo = checkpoint.retry.length;
  return { listed: handedOff + excluded + quarantined + toDo, handedOff, excluded, quarantined, toDo };
}

function countExcluded(checkpoint: FolderCheckpoint, window: ListedWindow): number {
  if (checkpoint.excludedBelow <= 1) return 0;
  const below = intersectUids(window.listed, [[1, checkpoint.excludedBelow - 1]]);
  const owed = uidSetOf(checkpoint.retry.map((entry) => entry.uid));
  return countUids(subtractUids(subtractUids(below, uniteUids(checkpoint.handedOff, checkpoint.quarantined)), owed));
}
