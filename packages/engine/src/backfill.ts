import {
  countUids,
  emptyUidSet,
  type FolderCheckpoint,
  hasHistory,
  limits,
  type MessageMeta,
  planBatches,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  eachUid,
} from "@mailfleet/core";
import { accountedFor, commitStep, type FolderWork, inFolder, openFolder } from "./folder-work.ts";
import { describeAll, freshPass, handOffOrNote } from "./fresh-pass.ts";
import type { SessionContext } from "./ports.ts";

/** One bounded slice: whichever limit is reached first ends it at the next batch border. */
interface SliceBudget {
  messages: number;
  bytes: number;
  /** Monotonic ms. */
  readonly endsAt: number;
}

/**
 * The history of a mailbox, newest first, slice after slice for as long as nobody waits for this slot.
 * New mail that is announced meanwhile is served between two batches.
 */
export async function backfill(context: SessionContext): Promise<void> {
  const { clock, gate } = context.ports;
  while (remaining(context).length > 0) {
    const { messages, bytes, seconds } = context.settings.slice;
    await backfillSlice(context, { messages, bytes, endsAt: clock.monotonic() + seconds * 1_000 });
    if (gate.isDraining() || clock.monotonic() - context.startedAt >= limits.sessionMs) return;
    if (await gate.shouldYield("backfill")) return;
  }
}

/** Folders whose history is not complete, but for those that this session left out. */
export function remaining(context: SessionContext): readonly FolderWork[] {
  return context.folders.filter(
    ({ path, checkpoint }) => checkpoint !== undefined && !checkpoint.isExcluded && hasHistory(checkpoint) && !context.leftOut.has(path),
  );
}

async function backfillSlice(context: SessionContext, budget: SliceBudget): Promise<void> {
  for (const work of remaining(context)) {
    if (isSpent(context, budget)) return;
    await inFolder(context, work, () => backfillFolder(context, work, budget));
  }
}

async function backfillFolder(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  await openFolder(context, work);
  while ((work.checkpoint as FolderCheckpoint).backfillBelow > 1 && !isSpent(context, budget)) await takeWindow(context, work, budget);
  if ((work.checkpoint as FolderCheckpoint).backfillBelow <= 1 && !isSpent(context, budget)) await verifyFolder(context, work, budget);
}

/** Lists the newest part of what is left, and hands it off from the top. */
async function takeWindow(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { low, uids } = await newestListed(context, checkpoint.backfillBelow - 1);
  const known = accountedFor(checkpoint);
  const wanted = [...eachUid(subtractUids(uidSetOf(uids), known))].reverse();
  const slice = wanted.slice(0, Math.max(1, budget.messages));
  if (slice.length === 0) {
    await commitStep(context, work, { checkpoint: { ...checkpoint, backfillBelow: low }, ledger: work.ledger, events: [] });
    return;
  }
  await handOffHistory(context, work, slice, budget, (uid, isLast) => (isLast && slice.length === wanted.length ? low : uid));
}

/** The listing of at least `listingUids` UIDs below `high`; sparse folders are looked at in ever wider steps until something shows. */
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
 * Once the history is complete, compares a whole listing with what is accounted for. What a truncated answer hid is found here
 * and handed off; what was listed at first sight and is gone since leaves the ledger.
 */
async function verifyFolder(context: SessionContext, work: FolderWork, budget: SliceBudget): Promise<void> {
  const before = work.checkpoint as FolderCheckpoint;
  let listed: UidSet = emptyUidSet;
  for (let low = 1; low < before.uidNext; low += limits.listingUids) {
    const high = Math.min(low + limits.listingUids - 1, before.uidNext - 1);
    listed = uniteUids(listed, uidSetOf(await context.session.listUids(low, high)));
  }
  const missing = subtractUids(listed, accountedFor(before));
  if (countUids(missing) > 0) {
    context.ports.log.warn(
      { mailbox: context.mailbox.address, folder: work.path, count: countUids(missing) },
      "listed messages were not handed off yet",
    );
    const isWhole = await handOffHistory(context, work, [...eachUid(missing)].reverse(), budget, () => 1);
    if (!isWhole) return;
  }
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { handedOff, excluded, quarantined } = work.ledger;
  const toDo = checkpoint.retry.length;
  await commitStep(context, work, {
    checkpoint: { ...checkpoint, isVerified: true },
    ledger: { listed: handedOff + excluded + quarantined + toDo, handedOff, excluded, quarantined, toDo },
    events: [],
  });
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
  const batches = planBatches([...metas].reverse(), context.isCareful ? 1 : limits.batchMessages, limits.batchBytes);
  for (const [index, batch] of batches.entries()) {
    if (index > 0 && isSpent(context, budget)) return false;
    if (context.isPoked) {
      const { generation } = work.checkpoint as FolderCheckpoint;
      await freshPass(context);
      await openFolder(context, work);
      // The pass found the folder's UIDs dealt anew: these belong to the generation before.
      if (work.checkpoint?.generation !== generation) return false;
    }
    const below = belowAfter((batch.at(-1) as MessageMeta).uid, index === batches.length - 1);
    await handOffOrNote(context, work, {
      metas: batch,
      lane: "backfill",
      isListed: true,
      advance: (now) => ({ ...now, backfillBelow: below }),
    });
    budget.messages -= batch.length;
    budget.bytes -= batch.reduce((sum, meta) => sum + meta.size, 0);
  }
  return true;
}

function isSpent(context: SessionContext, budget: SliceBudget): boolean {
  context.signal.throwIfAborted();
  if (context.ports.gate.isDraining()) return true;
  return budget.messages <= 0 || budget.bytes <= 0 || context.ports.clock.monotonic() >= budget.endsAt;
}
