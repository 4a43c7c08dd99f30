import {
  compareNeed,
  eachUid,
  emptyLedger,
  intersectUids,
  type FailureScope,
  type FolderCheckpoint,
  type FolderStatus,
  isOfSpool,
  isSyncError,
  limits,
  maxUid,
  outgoing,
  type MessageMeta,
  planFolder,
  type Recheck,
  resetCheckpoint,
  scopeKey,
  subtractUids,
  syncError,
  uidSetOf,
  withoutHistory,
} from "@mailfleet/core";
import { withBatches } from "./batch-feed.ts";
import { compareFolder } from "./compare-folder.ts";
import { accountedFor, commitStep, ensureOpen, type FolderWork, inFolder, openFolder } from "./folder-work.ts";
import { handOffBatch, noteBrokenFetch, type BatchRequest } from "./hand-off-batch.ts";
import type { SessionContext } from "./ports.ts";
import { linkKnown } from "./resync.ts";
import { areNumbersKept, withSameUids } from "./same-uids.ts";
import { anchored, lookAtSpool } from "./spool.ts";
import { areUidsReused, goneAtTheTop, listedAgain } from "./spot-check.ts";

/** STATUS of every folder, and everything new handed off in UID order. A folder in trouble does not stop the others. */
export async function freshPass(context: SessionContext): Promise<void> {
  context.isPoked = false;
  await context.pacer.looking(async () => {
    for (const work of context.folders) {
      throwIfDraining(context);
      await inFolder(context, work, () => freshOfFolder(context, work));
    }
  });
}

async function freshOfFolder(context: SessionContext, work: FolderWork): Promise<void> {
  const seen = await context.session.status(work.path);
  const { status, isAnother } = await lookAtSpool(context, work, seen);
  work.status = status;
  if (isAnother) return resetFolder(context, work, status, resetCheckpoint(work.path, seen, work.checkpoint as FolderCheckpoint));
  const plan = planFolder(work.path, status, work.checkpoint, context.ports.clock.now());
  switch (plan.kind) {
    case "skip":
      return takeChanges(context, work, status);
    case "start":
      return beginFolder(context, work, status, plan.checkpoint);
    case "reset":
      return resetFolder(context, work, status, plan.checkpoint);
    case "fresh":
      if (await takeFresh(context, work)) return takeChanges(context, work, status);
      return resetFolder(context, work, status, resetCheckpoint(work.path, status, work.checkpoint as FolderCheckpoint));
  }
}

/** Flags and removals; what a comparison finds that no listing had shown is handed off like new mail. */
async function takeChanges(context: SessionContext, work: FolderWork, status: FolderStatus): Promise<void> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const need = compareNeed(status, checkpoint, context.settings.compare, context.ports.clock.now(), work.top);
  if (need.kind === "none") return;
  await ensureOpen(context, work);
  // A spool was settled when it was looked at: see `lookAtSpool`.
  if (!isOfSpool(checkpoint) && (await areSpotsReused(context, work, checkpoint)))
    return resetFolder(context, work, status, resetCheckpoint(work.path, status, checkpoint));
  const missed = await unknownOf(context, work, [...eachUid(await compareFolder(context, work, status, need))]);
  if (missed.length === 0) return;
  const fields = { mailbox: context.mailbox.address, folder: work.path, count: missed.length };
  context.ports.log.warn(fields, "listed messages were not handed off yet");
  await handOffFresh(context, work, await describeAll(context, missed), (same) => same);
}

async function areSpotsReused(context: SessionContext, work: FolderWork, checkpoint: FolderCheckpoint): Promise<boolean> {
  const metas = await describeAll(
    context,
    checkpoint.spots.map(({ uid }) => uid),
  );
  return areUidsReused(context, work, metas, await listedAgain(context, checkpoint));
}

async function beginFolder(context: SessionContext, work: FolderWork, status: FolderStatus, start: FolderCheckpoint): Promise<void> {
  // What is stored cannot be read: its generation is lost with it. The version is at least as high, so keys stay unique.
  const isCorrupt = work.version > 0 && work.checkpoint === undefined;
  const checkpoint = isCorrupt ? { ...start, generation: work.version + 1, isResync: true } : start;
  if (isCorrupt) {
    context.ports.log.error(
      { mailbox: context.mailbox.address, folder: work.path, code: "CHECKPOINT_CORRUPT" },
      "checkpoint cannot be read, the folder begins again",
    );
  }
  const { messages } = status;
  const wanted = context.settings.backfill;
  const wantedFrom = Math.floor(context.ports.clock.now() / 1_000);
  if (wanted && messages > 0 && !isCorrupt && context.lease.lane === "fresh" && messages <= context.settings.smallHistory.messages) {
    work.checkpoint = checkpoint;
    work.ledger = { ...emptyLedger, listed: messages, toDo: messages };
    work.isUnwritten = true;
    return;
  }
  await commitStep(context, work, {
    checkpoint: wanted ? checkpoint : await anchored(context, work, status, { ...withoutHistory(checkpoint), wantedFrom }),
    ledger: { ...emptyLedger, listed: messages, ...(wanted ? { toDo: messages } : { excluded: messages }) },
    events: [],
  });
}

async function resetFolder(context: SessionContext, work: FolderWork, status: FolderStatus, checkpoint: FolderCheckpoint): Promise<void> {
  const { mailbox, ports } = context;
  const before = work.checkpoint;
  const previous = before === undefined || isOfSpool(before) ? "" : before.uidValidity;
  const uidValidity = isOfSpool(status) ? "" : status.uidValidity;
  ports.log.warn(
    { mailbox: mailbox.address, folder: work.path, previousUidValidity: previous, uidValidity },
    "the server dealt its UIDs anew",
  );
  const next = await withSameUids(context, work, checkpoint);
  await commitStep(context, work, {
    checkpoint: context.settings.backfill
      ? { ...next, excludedBelow: 1 }
      : await anchored(context, work, status, unwanted(next, work.checkpoint)),
    ledger: { ...emptyLedger, listed: status.messages, toDo: status.messages },
    events: [
      outgoing({
        schema: "mailfleet.event/1",
        type: "folder.reset",
        key: scopeKey(mailbox, work.path, "reset", `${checkpoint.generation}`),
        tenant: mailbox.tenant,
        mailbox: mailbox.address,
        protocol: mailbox.protocol,
        at: new Date(ports.clock.now()).toISOString(),
        lane: "fresh",
        folder: { path: work.path, ...(work.role !== undefined && { role: work.role }) },
        uidValidity,
        previousUidValidity: previous,
        generation: checkpoint.generation,
      }),
    ],
  });
}

/** Where history is not wanted, a resync looks for what was handed off before and for what came since; see `wantedOf` in backfill.ts. */
function unwanted(checkpoint: FolderCheckpoint, before: FolderCheckpoint | undefined): FolderCheckpoint {
  const wantedFrom = before?.wantedFrom;
  const excludedBelow = areNumbersKept(checkpoint) ? checkpoint.excludedBelow : checkpoint.uidNext;
  return { ...checkpoint, excludedBelow, ...(wantedFrom !== undefined && { wantedFrom }) };
}

/** @returns false when known UIDs turn out to be other messages now: nothing was handed off then */
async function takeFresh(context: SessionContext, work: FolderWork): Promise<boolean> {
  const { session, ports } = context;
  const status = await openFolder(context, work);
  const before = work.checkpoint as FolderCheckpoint;
  const { uidNext: from, spots } = before;
  const gone = isOfSpool(status) ? undefined : goneAtTheTop(before);
  // Also what may be back below, in the same answer.
  const all = await session.listUids(gone?.[0]?.[0] ?? from, maxUid);
  const listed = gone === undefined ? all : all.filter((uid) => uid >= from);
  const until = Math.max(status.uidNext, (listed.at(-1) ?? 0) + 1);
  // In a spool a hole is what was moved on before it was seen; what comes up in it later shows in the count.
  const isShort = listed.length < until - from && !isOfSpool(status);
  const finish = (now: FolderCheckpoint): FolderCheckpoint => {
    const moved = { ...now, uidNext: until };
    return isShort ? { ...moved, recheck: addRecheck(now.recheck, from, until - 1, ports.clock.now()) } : moved;
  };
  // Asked for together with the new ones: a round trip less.
  const metas = until > from ? await describeAll(context, [...spots.map(({ uid }) => uid), ...listed]) : [];
  const back = gone === undefined ? [] : intersectUids(gone, uidSetOf(all));
  if (!isOfSpool(status) && (await areUidsReused(context, work, metas, back))) return false;
  const isNew = new Set(await unknownOf(context, work, listed));
  if (isNew.size > 0) {
    await handOffFresh(
      context,
      work,
      metas.filter(({ uid }) => isNew.has(uid)),
      finish,
    );
  } else if (until > from) {
    await commitStep(context, work, { checkpoint: finish(work.checkpoint as FolderCheckpoint), ledger: work.ledger, events: [] });
  }
  await listAgain(context, work);
  await askAgain(context, work);
  return true;
}

/** After a reset the server may still be filling the folder: what comes is looked for among the messages that were there before. */
async function unknownOf(context: SessionContext, work: FolderWork, uids: readonly number[]): Promise<readonly number[]> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  if (checkpoint.previous.length === 0) return uids;
  // A session that died here may have linked some, and did not come to their end.
  const open = [...eachUid(subtractUids(uidSetOf(uids), accountedFor(checkpoint)))];
  return (await linkKnown(context, work, open)).map(({ uid }) => uid);
}

/** In UID order, batch by batch; the last commit takes the checkpoint to its end. */
async function handOffFresh(
  context: SessionContext,
  work: FolderWork,
  metas: readonly MessageMeta[],
  finish: (checkpoint: FolderCheckpoint) => FolderCheckpoint,
): Promise<void> {
  await withBatches(context, work, metas, async (feed) => {
    for (let next = feed.take(); next; next = feed.take()) {
      throwIfDraining(context);
      // A session's first batch is free: it was let in for that.
      if (context.counts.handedOff > 0 && (await context.ports.gate.shouldYield("fresh", "batch"))) {
        throw syncError("INTERRUPTED", "Consumers are behind. New mail goes on when the queue empties.", { layer: "engine" });
      }
      const { batch, isLast } = next;
      const below = (batch.at(-1) as MessageMeta).uid + 1;
      const advance = isLast ? finish : (now: FolderCheckpoint) => ({ ...now, uidNext: Math.max(now.uidNext, below) });
      const onFetched = (): void => feed.readAhead();
      await handOffOrNote(context, work, { metas: batch, lane: "fresh", isListed: false, advance, ahead: feed.takeAhead(), onFetched });
    }
  });
}

/** Lists a range once more that an earlier listing did not fill: most holes are messages that moved on, some are a short answer. */
async function listAgain(context: SessionContext, work: FolderWork): Promise<void> {
  const { recheck } = work.checkpoint as FolderCheckpoint;
  const now = context.ports.clock.now();
  if (recheck === undefined || recheck.notBefore > now) return;
  const { recheck: _done, ...rest } = work.checkpoint as FolderCheckpoint;
  const tries = recheck.tries + 1;
  const listed = uidSetOf(await context.session.listUids(recheck.low, recheck.high));
  const missing = [...eachUid(subtractUids(listed, accountedFor(rest)))];
  const finish = ({ recheck: _before, ...checkpoint }: FolderCheckpoint): FolderCheckpoint =>
    tries < limits.recheckTries
      ? { ...checkpoint, recheck: { ...recheck, tries, notBefore: now + limits.recheckMs * (tries + 1) } }
      : checkpoint;
  if (missing.length > 0) {
    const fields = { mailbox: context.mailbox.address, folder: work.path, count: missing.length };
    context.ports.log.warn(fields, "a listing had left out new messages; they are handed off now");
    const unknown = await unknownOf(context, work, missing);
    if (unknown.length > 0) return handOffFresh(context, work, await describeAll(context, unknown), finish);
  }
  await commitStep(context, work, { checkpoint: finish(work.checkpoint as FolderCheckpoint), ledger: work.ledger, events: [] });
}

/** Asks again for messages that were listed and not delivered, one by one. */
async function askAgain(context: SessionContext, work: FolderWork): Promise<void> {
  const now = context.ports.clock.now();
  for (const entry of (work.checkpoint as FolderCheckpoint).retry.filter((one) => one.notBefore <= now)) {
    const metas = await describeAll(context, [entry.uid]);
    await handOffOrNote(context, work, { metas, lane: "fresh", isListed: true, advance: (same) => same }, true);
  }
}

function addRecheck(before: Recheck | undefined, low: number, high: number, now: number): Recheck {
  const notBefore = now + limits.recheckMs;
  // One that was listed again already has had its turn: else it would grow for as long as messages leave between two polls. What shows
  // later than that shows in the counts.
  if (!before || before.tries > 0) return { low, high, tries: 0, notBefore };
  return { low: Math.min(before.low, low), high: Math.max(before.high, high), tries: 0, notBefore: Math.min(before.notBefore, notBefore) };
}

/** A literal above the limit ends the session as surely as a broken connection; only its scope is smaller. */
export function breaksSessions(scope: FailureScope): boolean {
  return scope === "session" || scope === "message";
}

/** @throws SyncError INTERRUPTED at a batch border, once the worker drains */
function throwIfDraining(context: SessionContext): void {
  context.signal.throwIfAborted();
  if (!context.ports.gate.isDraining()) return;
  throw syncError("INTERRUPTED", "The worker stops. The mailbox goes on with the next one.", { layer: "engine" });
}

/** Sizes for planning; a UID that vanished meanwhile is asked for all the same, so that it is accounted for. */
export async function describeAll(context: SessionContext, uids: readonly number[]): Promise<readonly MessageMeta[]> {
  if (uids.length === 0) return [];
  const known = new Map<number, MessageMeta>();
  for (const meta of await context.session.describe(uids)) known.set(meta.uid, meta);
  return uids.map((uid) => known.get(uid) ?? { uid, size: 0 });
}

/** Hands a batch off; where a lone message breaks the session, its try is counted before the session ends. */
export async function handOffOrNote(context: SessionContext, work: FolderWork, request: BatchRequest, isAlone = false): Promise<void> {
  try {
    await handOffBatch(context, work, request);
  } catch (error) {
    const mayBeTheMessage = isSyncError(error) && breaksSessions(error.failure.scope) && error.failure.facts.phase === "fetch";
    if (mayBeTheMessage && request.metas.length === 1 && (isAlone || context.isCareful)) {
      await noteBrokenFetch(context, work, request, error.failure.code);
    }
    throw error;
  }
}
