import {
  emptyLedger,
  type FailureScope,
  type FolderCheckpoint,
  type FolderStatus,
  isSyncError,
  limits,
  maxUid,
  outgoing,
  type MessageMeta,
  planBatches,
  planFolder,
  scopeKey,
  syncError,
  withoutHistory,
} from "@mailfleet/core";
import { commitStep, type FolderWork, openFolder } from "./folder-work.ts";
import { handOffBatch, noteBrokenFetch, type BatchRequest } from "./hand-off-batch.ts";
import type { SessionContext } from "./ports.ts";

/** STATUS of every folder, and everything new handed off in UID order. A folder in trouble does not stop the others. */
export async function freshPass(context: SessionContext): Promise<void> {
  context.isPoked = false;
  for (const work of context.folders) {
    throwIfDraining(context);
    try {
      await freshOfFolder(context, work);
    } catch (error) {
      if (!isSyncError(error) || error.failure.scope !== "folder") throw error;
      const { code, facts } = error.failure;
      context.ports.log.warn(
        { mailbox: context.mailbox.address, folder: work.path, code, text: facts.text },
        "a folder is left out of this pass",
      );
      context.openFolder = undefined;
    }
  }
}

async function freshOfFolder(context: SessionContext, work: FolderWork): Promise<void> {
  const status = await context.session.status(work.path);
  const plan = planFolder(status, work.checkpoint, context.ports.clock.now());
  switch (plan.kind) {
    case "skip":
      return;
    case "start":
      return beginFolder(context, work, status, plan.checkpoint);
    case "reset":
      return resetFolder(context, work, status, plan.checkpoint);
    case "fresh":
      return takeFresh(context, work);
  }
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
  await commitStep(context, work, {
    checkpoint: wanted ? checkpoint : withoutHistory(checkpoint),
    ledger: { ...emptyLedger, listed: messages, ...(wanted ? { toDo: messages } : { excluded: messages }) },
    events: [],
  });
}

async function resetFolder(context: SessionContext, work: FolderWork, status: FolderStatus, checkpoint: FolderCheckpoint): Promise<void> {
  const { mailbox, ports } = context;
  const previous = work.checkpoint?.uidValidity ?? "";
  ports.log.warn(
    { mailbox: mailbox.address, folder: work.path, previousUidValidity: previous, uidValidity: status.uidValidity },
    "the server dealt its UIDs anew",
  );
  await commitStep(context, work, {
    checkpoint,
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
        uidValidity: status.uidValidity,
        previousUidValidity: previous,
        generation: checkpoint.generation,
      }),
    ],
  });
}

async function takeFresh(context: SessionContext, work: FolderWork): Promise<void> {
  const { session, ports } = context;
  const status = await openFolder(context, work);
  const checkpoint = work.checkpoint as FolderCheckpoint;
  // Changed between STATUS and EXAMINE (F31): the next pass plans the reset from a fresh STATUS.
  if (status.uidValidity !== checkpoint.uidValidity || status.uidNext < checkpoint.uidNext) return;

  const uids = await session.listUids(checkpoint.uidNext, maxUid);
  const until = Math.max(status.uidNext, (uids.at(-1) ?? 0) + 1);
  const metas = await describeAll(context, uids);
  const batches = planBatches(metas, context.isCareful ? 1 : limits.batchMessages, limits.batchBytes);
  for (const [index, batch] of batches.entries()) {
    throwIfDraining(context);
    const next = index === batches.length - 1 ? until : (batch.at(-1) as MessageMeta).uid + 1;
    await handOffOrNote(context, work, { metas: batch, lane: "fresh", isListed: false, advance: (now) => ({ ...now, uidNext: next }) });
  }
  if (batches.length === 0 && until > checkpoint.uidNext) {
    await commitStep(context, work, { checkpoint: { ...checkpoint, uidNext: until }, ledger: work.ledger, events: [] });
  }

  const now = ports.clock.now();
  for (const entry of (work.checkpoint as FolderCheckpoint).retry.filter((one) => one.notBefore <= now)) {
    const metasOfOne = await describeAll(context, [entry.uid]);
    await handOffOrNote(context, work, { metas: metasOfOne, lane: "fresh", isListed: true, advance: (same) => same }, true);
  }
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
  const known = new Map((await context.session.describe(uids)).map((meta) => [meta.uid, meta]));
  return uids.map((uid) => known.get(uid) ?? { uid, size: 0 });
}

/** Hands a batch off; where a lone message breaks the session, its try is counted before the session ends. */
export async function handOffOrNote(context: SessionContext, work: FolderWork, request: BatchRequest, isAlone = false): Promise<void> {
  try {
    await handOffBatch(context, work, request);
  } catch (error) {
    const mayBeTheMessage = isSyncError(error) && breaksSessions(error.failure.scope) && error.failure.facts.phase === "fetch";
    if (mayBeTheMessage && request.metas.length === 1 && (isAlone || context.isCareful)) await noteBrokenFetch(context, work, request);
    throw error;
  }
}
