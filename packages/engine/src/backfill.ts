import {
  countUids,
  type FolderCheckpoint,
  type FolderStatus,
  hasHistory,
  hasUid,
  intersectUids,
  isOfSpool,
  limits,
  maxUid,
  type MessageMeta,
  subtractUids,
  type UidSet,
  uidSetOf,
  eachUid,
} from "@mailfleet/core";
import { withBatches } from "./batch-feed.ts";
import { compareWhole } from "./compare-folder.ts";
import { accountedFor, commitStep, ensureOpen, type FolderWork, inFolder } from "./folder-work.ts";
import { describeAll, freshPass, handOffOrNote } from "./fresh-pass.ts";
import type { SessionContext, SyncSettings } from "./ports.ts";
import { areNumbersKept } from "./same-uids.ts";
import { linkKnown, settleToDo, tellLeftovers, type Unknown } from "./resync.ts";

/** One bounded slice: whichever limit is reached first ends it at the next batch border. */
interface SliceBudget {
  messages: number;
  bytes: number;
  /** Monotonic ms. */
  readonly endsAt: number;
  /** A guest in a slot of the fresh lane takes no batch that its budget does not hold. */
  readonly border: "batch" | "guest";
}

/**
 * The history of a mailbox, newest first, slice after slice for as long as nobody waits for this slot.
 * New mail that is announced meanwhile is served between two batches.
 */
export async function backfill(context: SessionContext): Promise<void> {
  const { clock, gate } = context.ports;
  while (remaining(context).length > 0) {
    const { messages, bytes, seconds } = context.settings.slice;
    await backfillSlice(context, { messages, bytes, endsAt: clock.monotonic() + seconds * 1_000, border: "batch" });
    if (gate.isDraining() || clock.monotonic() - context.startedAt >= limits.sessionMs) return;
    if (await gate.shouldYield("backfill", "slice")) return;
  }
}

/**
 * What is left of a mailbox with little history, for a session of the fresh lane: it is logged in, and knows the folders. Whatever does
 * not fit, and finding messages again after a reset, is left to the backfill lane.
 */
export async function backfillSmall(context: SessionContext): Promise<void> {
  const { clock, gate } = context.ports;
  const { slice, smallHistory } = context.settings;
  const left = remaining(context);
  const messages = left.reduce((sum, { status }) => sum + (status as FolderStatus).messages, 0);
  const isPlain = left.every(({ checkpoint }) => checkpoint?.isResync === false && checkpoint.previous.length === 0);
  if (left.length === 0 || !isPlain || messages > Math.min(smallHistory.messages, slice.messages)) return;
  if (gate.isDraining() || (await gate.shouldYield("backfill", "guest"))) return;
  const bytes = Math.min(smallHistory.bytes, slice.bytes);
  await backfillSlice(context, { messages: slice.messages, bytes, endsAt: clock.monotonic() + slice.seconds * 1_000, border: "guest" });
}

/** Folders that the backfill lane owes something, but for those that this session left out. */
export function remaining(context: SessionContext): readonly FolderWork[] {
  return context.folders.filter(
    ({ path, checkpoint, isWaiting }) =>
      checkpoint !== undefined && isOwed(checkpoint, context.settings) && !context.leftOut.has(path) && isWaiting !== true,
  );
}

/** History where it is wanted; and whatever `backfill` says, finding again what was handed off before a reset, and whole comparisons. */
export function isOwed(checkpoint: FolderCheckpoint, settings: SyncSettings): boolean {
  if (checkpoint.isExcluded || !hasHistory(checkpoint)) return false;
  return settings.backfill || checkpoint.isResync || checkpoint.previous.length > 0 || checkpoint.backfillBelow <= 1;
}

async function backfillSlice(context: SessionContext, budget: SliceBudget): Promise<void> {
  for (const work of remaining(context)) {
    if (isSpent(context, budget)) return;
    await inFolder(context, work, () => backfillFolder(context, work, budget));
  }
}

async function backfillFolder(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  await ensureOpen(context, work);
  while ((work.checkpoint as FolderCheckpoint).backfillBelow > 1 && !isSpent(context, budget)) await takeWindow(context, work, budget);
  if ((work.checkpoint as FolderCheckpoint).backfillBelow > 1 || isSpent(context, budget)) return;
  if (!(work.checkpoint as FolderCheckpoint).isVerified) await verifyFolder(context, work, budget);
  const { isVerified, previous } = work.checkpoint as FolderCheckpoint;
  if (isVerified && previous.length > 0 && !isSpent(context, budget) && !(await holdLeftovers(context, work)))
    await tellLeftovers(context, work);
}

/** What a spool does not list after a reset is told as removed when a later session's list agrees. True while it is not. */
async function holdLeftovers(context: SessionContext, work: FolderWork): Promise<boolean> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const now = context.ports.clock.now();
  if (!isOfSpool(checkpoint)) return false;
  const left = checkpoint.previous.reduce((sum, one) => sum + countUids(one.left), 0);
  const { leftoversFrom } = checkpoint;
  if (left === 0) return false;
  if (leftoversFrom !== undefined && leftoversFrom <= now) return false;
  work.isWaiting = true;
  if (leftoversFrom !== undefined) return true;
  const held = { ...checkpoint, leftoversFrom: now + limits.recheckMs };
  await commitStep(context, work, { checkpoint: held, ledger: work.ledger, events: [] });
  return true;
}

/** Takes the newest part of what is left: what is known from before a reset is linked, the rest handed off from the top. */
async function takeWindow(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { low, listed } = await listingBelow(context, work, checkpoint.backfillBelow);
  const wanted = [...eachUid(subtractUids(listed, accountedFor(checkpoint)))].reverse();
  const slice = wanted.slice(0, Math.max(1, budget.messages));
  const floor = slice.length === wanted.length ? low : (slice.at(-1) as number);
  const isLookedAt = checkpoint.previous.length > 0 || (checkpoint.isResync && !context.settings.backfill);
  const unknown: readonly Unknown[] = isLookedAt ? await linkKnown(context, work, slice) : slice.map((uid) => ({ uid }));
  const fetched = context.settings.backfill && checkpoint.isResync ? unknown : wantedOf(work.checkpoint as FolderCheckpoint, unknown);
  budget.messages -= slice.length - fetched.length;
  const excluded = unknown.length - fetched.length;
  if (fetched.length === 0) {
    await commitStep(context, work, {
      checkpoint: { ...(work.checkpoint as FolderCheckpoint), backfillBelow: floor },
      ledger: settleToDo(work.ledger, { handedOff: 0, quarantined: 0, excluded }),
      events: [],
    });
    return;
  }
  if (excluded > 0) work.ledger = settleToDo(work.ledger, { handedOff: 0, quarantined: 0, excluded });
  const uids = fetched.map(({ uid }) => uid);
  await handOffHistory(context, work, uids, budget, (uid, isLast) => (isLast ? floor : uid));
}

/**
 * Where history is not wanted, what a reset shows is wanted when it came after the folder was first seen, or stands above every message
 * that was found again: mail that came, or was moved here, between the last look and the reset. The rest was never wanted.
 * A renamed folder kept its UIDs, and with them where the wanted ones begin. In a spool what does not say when it came is wanted too.
 */
function wantedOf(checkpoint: FolderCheckpoint, unknown: readonly Unknown[]): readonly Unknown[] {
  if (!checkpoint.isResync) return unknown.filter(({ uid }) => uid >= checkpoint.excludedBelow);
  const from = (checkpoint.wantedFrom ?? Number.POSITIVE_INFINITY) * 1_000;
  const cameSince = ({ internalDate }: Unknown): boolean => internalDate !== undefined && internalDate >= from;
  if (areNumbersKept(checkpoint)) return unknown.filter((one) => one.uid >= checkpoint.excludedBelow || cameSince(one));
  const maySay = (one: Unknown): boolean => cameSince(one) || (one.internalDate === undefined && isOfSpool(checkpoint));
  const found = intersectUids(checkpoint.handedOff, [[1, Math.max(1, checkpoint.excludedBelow - 1)]]);
  const highest = found.at(-1)?.[1] ?? maxUid;
  return unknown.filter((one) => one.uid > highest || one.uid >= checkpoint.excludedBelow || maySay(one));
}

/** What a listing shows below `below`, kept until it is used up: a window is asked for once, not once a slice. */
async function listingBelow(context: SessionContext, work: FolderWork, below: number): Promise<{ low: number; listed: UidSet }> {
  const { generation } = work.checkpoint as FolderCheckpoint;
  const kept = work.listing;
  if (kept?.generation !== generation || kept.low >= below || kept.high < below - 1) {
    const { low, uids } = await newestListed(context, below - 1);
    work.listing = { generation, low, high: below - 1, listed: uidSetOf(uids) };
  }
  const { low, listed } = work.listing as NonNullable<FolderWork["listing"]>;
  return { low, listed: below <= maxUid ? subtractUids(listed, [[below, maxUid]]) : listed };
}

/** The listing of at least `listingUids` UIDs up to `high`; sparse folders are looked at in ever wider steps until something shows. */
async function newestListed(context: SessionContext, high: number): Promise<{ low: number; uids: readonly number[] }> {
  let width: number = limits.listingUids;
  let top = high;
  for (;;) {
    const low = Math.max(1, top - width + 1);
    const uids = await context.session.listUids(low, top);
    if (uids.length > 0 || low === 1) return { low, uids };
    top = low - 1;
    width *= 8;
  }
}

/**
 * Once the history is complete, compares the whole folder with what is accounted for. What a truncated answer hid is found here
 * and handed off; what was listed at first sight and is gone since leaves the ledger; flags that changed meanwhile are told.
 */
async function verifyFolder(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  const missed = await compareWhole(context, work, work.status as FolderStatus, "backfill");
  if (missed.length === 0) return;
  const uids = [...eachUid(missed)].reverse();
  context.ports.log.warn(
    { mailbox: context.mailbox.address, folder: work.path, count: uids.length },
    "listed messages were not handed off yet",
  );
  const isResync = (work.checkpoint as FolderCheckpoint).previous.length > 0;
  const unknown = isResync ? await linkKnown(context, work, uids) : uids.map((uid) => ({ uid }));
  const isWhole = await handOffHistory(
    context,
    work,
    unknown.map(({ uid }) => uid),
    budget,
    () => 1,
  );
  if (isWhole) await compareWhole(context, work, work.status as FolderStatus, "backfill", missed);
}

/** Hands UIDs off in the given order, as far as the budget goes. True when all were. */
async function handOffHistory(
  context: SessionContext,
  work: FolderWork,
  uids: readonly number[],
  budget: SliceBudget,
  belowAfter: (lowestUid: number, isLast: boolean) => number,
): Promise<boolean> {
  const metas = await describeAll(context, [...uids].reverse());
  // A pass in between may have found the same messages missing and handed them off.
  const openOf = (batch: readonly MessageMeta[]): readonly MessageMeta[] => {
    const settled = accountedFor(work.checkpoint as FolderCheckpoint);
    return batch.filter(({ uid }) => !hasUid(settled, uid));
  };
  let isFirst = true;
  return withBatches(context, work, [...metas].reverse(), async (feed) => {
    for (let next = feed.take(); next; next = feed.take()) {
      const { batch, isLast } = next;
      if (!isFirst && isSpent(context, budget, feed.isAhead)) return false;
      const bytes = sizeOf(batch);
      if (budget.border === "guest" && bytes > budget.bytes) {
        budget.bytes = 0;
        return false;
      }
      isFirst = false;
      // Behind what is on its way: nothing more is read ahead then.
      if (context.isPoked && context.pacer.mayLook && !feed.isAhead) {
        const { generation } = work.checkpoint as FolderCheckpoint;
        await freshPass(context);
        await ensureOpen(context, work);
        // The pass found the folder's UIDs dealt anew: these belong to the generation before.
        if (work.checkpoint?.generation !== generation) return false;
      }
      const below = belowAfter((batch.at(-1) as MessageMeta).uid, isLast);
      const advance = (now: FolderCheckpoint): FolderCheckpoint => ({ ...now, backfillBelow: below });
      budget.messages -= batch.length;
      budget.bytes -= bytes;
      const open = openOf(batch);
      const onFetched = (): void => {
        const holds = (some: readonly MessageMeta[]): boolean => budget.border === "batch" || sizeOf(some) <= budget.bytes;
        if (!context.isPoked && !isSpent(context, budget)) feed.readAhead((some) => (holds(some) ? openOf(some) : []));
      };
      const request = { metas: open, lane: "backfill", isListed: true, advance, onFetched } as const;
      if (open.length > 0) await handOffOrNote(context, work, { ...request, ahead: feed.takeAhead() });
      else await commitStep(context, work, { checkpoint: advance(work.checkpoint as FolderCheckpoint), ledger: work.ledger, events: [] });
      // Consumers are behind: the slice ends here, in this folder and in the next ones.
      if (await context.ports.gate.shouldYield("backfill", budget.border)) budget.messages = 0;
    }
    return true;
  });
}

function sizeOf(batch: readonly MessageMeta[]): number {
  return batch.reduce((sum, meta) => sum + meta.size, 0);
}

/** @param isAhead the next batch is on its way: it is handed off though the time is over */
function isSpent(context: SessionContext, budget: SliceBudget, isAhead = false): boolean {
  context.signal.throwIfAborted();
  if (context.ports.gate.isDraining() || budget.messages <= 0 || budget.bytes <= 0) return true;
  return !isAhead && context.ports.clock.monotonic() >= budget.endsAt;
}
