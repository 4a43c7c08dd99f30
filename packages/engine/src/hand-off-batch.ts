import {
  buildQuarantinedEvent,
  flagSetsOf,
  type FailureCode,
  type FolderCheckpoint,
  type Lane,
  limits,
  type MailEvent,
  messageKey,
  outgoing,
  type OutgoingEvent,
  type MessageMeta,
  type RetryEntry,
  type Suspect,
  type UidSet,
  uidSetOf,
  uniteUids,
  withFlags,
} from "@mailfleet/core";
import type { Guard } from "./batch-reader.ts";
import { newestSpots } from "./fingerprints.ts";
import { commitStep, type FolderWork, isCertainlyUnwritten } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";
import { bytesHeldBy, type ReadAhead } from "./read-ahead.ts";
import { type Fetched, readBatch } from "./read-batch.ts";

export interface BatchRequest {
  readonly metas: readonly MessageMeta[];
  readonly lane: Lane;
  /** Whether the ledger already lists these messages: history does, fresh mail does not. */
  readonly isListed: boolean;
  /** The part of the checkpoint that says how far the folder is done, once this batch is. */
  readonly advance: (checkpoint: FolderCheckpoint) => FolderCheckpoint;
  /** Where these messages are on their way already. */
  readonly ahead?: ReadAhead | undefined;
  /** Called once all of them are here: from then on this batch needs nothing more of the session. Not called where one is missing. */
  readonly onFetched?: (() => void) | undefined;
}

/**
 * Fetches a batch, stores and parses each message, and hands all of it off in one commit.
 * Every UID ends as delivered, quarantined, owed (listed but not delivered) or vanished.
 */
export async function handOffBatch(context: SessionContext, work: FolderWork, request: BatchRequest): Promise<void> {
  const { ports, signal } = context;
  const { ahead, onFetched } = request;
  const checkpoint = requireCheckpoint(work);
  // Where the server wants pauses nothing is read ahead; what is here by now needs none.
  if (!ahead) await context.pacer.border(context.counts.handedOff > 0);
  const giveBack = await (ahead?.room ?? ports.bytes.take(bytesHeldBy(request.metas), signal));
  const blobs = ports.blobs.startBatch(context.mailbox);
  let isCommitting = false;
  try {
    const { metas, lane } = request;
    const suspect = metas.length === 1 ? context.hand.suspectOf(work, (metas[0] as MessageMeta).uid) : undefined;
    const guard = guardOf(context, work, checkpoint, metas, suspect);
    const fetched = await readBatch({ context, work, checkpoint, metas, lane, blobs, suspect, guard, ahead, onFetched });
    const owed = await lookAgain(context, fetched.missing);
    // Nothing is written for a session that lost its right meanwhile.
    signal.throwIfAborted();
    await blobs.flush();
    isCommitting = true;
    await commitStep(context, work, accountFor(context, work, checkpoint, request, fetched, owed));
    tally(context, fetched, request.metas);
    fetched.letGo();
    if (suspect) await context.hand.clear(suspect);
  } catch (error) {
    // After an unanswered commit the events may be out, and point to these blobs: they stay.
    if (!isCommitting || isCertainlyUnwritten(error)) await blobs.discard();
    throw error;
  } finally {
    giveBack();
  }
}

/**
 * The batch is noted as in hand while it is fetched, which costs no time, and before anything of it is parsed. A suspect is noted
 * step by step, so that a death of another cause hardly ever falls on it.
 */
function guardOf(
  context: SessionContext,
  work: FolderWork,
  checkpoint: FolderCheckpoint,
  metas: readonly MessageMeta[],
  suspect: Suspect | undefined,
): Guard {
  const { hand } = context;
  const inHand = { folder: work.path, generation: checkpoint.generation, uids: uidSetOf(metas.map((meta) => meta.uid)) };
  const noted = hand.take({ ...inHand, step: suspect ? "fetching" : "together" });
  // A message that never comes is never parsed: then nobody waits for this.
  noted.catch(() => undefined);
  return {
    async before() {
      await noted;
      if (suspect) await hand.take({ ...inHand, step: "parsing" });
    },
    after: () => hand.empty(),
  };
}

/**
 * After a fetch broke the session on a single message: notes the try, so that the folder goes on behind it.
 * The session is gone, the lease is not.
 */
export async function noteBrokenFetch(context: SessionContext, work: FolderWork, request: BatchRequest, code: FailureCode): Promise<void> {
  const checkpoint = requireCheckpoint(work);
  const uids = request.metas.map((meta) => meta.uid);
  const fetched: Fetched = { events: [], delivered: [], quarantined: [], missing: uids, flags: [], spots: [], letGo() {} };
  await commitStep(context, work, accountFor(context, work, checkpoint, request, fetched, new Set(uids), code));
}

/** An answer without data does not mean deleted: Exchange may say OK and leave out what is there. Only a listing tells which UIDs are gone. */
async function lookAgain(context: SessionContext, missing: readonly number[]): Promise<ReadonlySet<number>> {
  if (missing.length === 0) return new Set();
  const sorted = [...missing].sort((a, b) => a - b);
  const listed = new Set(await context.session.listUids(sorted[0] as number, sorted.at(-1) as number));
  return new Set(sorted.filter((uid) => listed.has(uid)));
}

function accountFor(
  context: SessionContext,
  work: FolderWork,
  checkpoint: FolderCheckpoint,
  request: BatchRequest,
  fetched: Fetched,
  owed: ReadonlySet<number>,
  code?: FailureCode,
): { checkpoint: FolderCheckpoint; ledger: FolderWork["ledger"]; events: readonly OutgoingEvent[] } {
  const { ports } = context;
  const now = ports.clock.now();
  const inBatch = new Set(request.metas.map((meta) => meta.uid));
  const before = new Map(checkpoint.retry.map((entry) => [entry.uid, entry]));
  const retry: RetryEntry[] = checkpoint.retry.filter((entry) => !inBatch.has(entry.uid));
  const events = [...fetched.events];
  const givenUp: number[] = [];
  for (const uid of owed) {
    const tries = (before.get(uid)?.tries ?? 0) + 1;
    if (tries < limits.unfetchableTries) retry.push({ uid, tries, notBefore: now + limits.unfetchableRetryMs });
    else {
      givenUp.push(uid);
      events.push(outgoing(unfetchable(context, work, checkpoint, uid, request.lane, now, code)));
    }
  }
  retry.sort((a, b) => a.uid - b.uid);

  const handedOff = count(fetched.delivered);
  const quarantined = count(fetched.quarantined) + givenUp.length;
  const vanished = fetched.missing.length - owed.size;
  const { ledger } = work;
  const settled = request.isListed ? handedOff + quarantined + vanished : -(owed.size - givenUp.length);
  // More than was counted at first sight: the folder was away for a while, or its count was short.
  const uncounted = Math.max(0, settled - ledger.toDo);
  const newlyListed = (request.isListed ? -vanished : handedOff + quarantined + owed.size - givenUp.length) + uncounted;
  return {
    events,
    checkpoint: request.advance({
      ...checkpoint,
      handedOff: uniteUids(checkpoint.handedOff, fetched.delivered),
      quarantined: uniteUids(uniteUids(checkpoint.quarantined, fetched.quarantined), uidSetOf(givenUp)),
      flags: withFlags(checkpoint.flags, uidSetOf(fetched.flags.map((row) => row.uid)), flagSetsOf(fetched.flags)),
      spots: newestSpots(checkpoint, fetched.spots),
      retry,
    }),
    ledger: {
      listed: ledger.listed + newlyListed,
      handedOff: ledger.handedOff + handedOff,
      excluded: ledger.excluded,
      quarantined: ledger.quarantined + quarantined,
      toDo: ledger.toDo - settled + uncounted,
    },
  };
}

function unfetchable(
  context: SessionContext,
  work: FolderWork,
  checkpoint: FolderCheckpoint,
  uid: number,
  lane: Lane,
  now: number,
  code: FailureCode | undefined,
): MailEvent {
  const { mailbox, ports } = context;
  const { generation, uidValidity, uidls } = checkpoint;
  return buildQuarantinedEvent({
    mailbox,
    folder: { path: work.path, ...(work.role !== undefined && { role: work.role }) },
    uid,
    uidValidity,
    uidls,
    key: messageKey({ tenant: mailbox.tenant, address: mailbox.address, folder: work.path, generation, uidValidity, uid }),
    lane,
    at: now,
    flags: [],
    isResync: checkpoint.isResync,
    parser: { name: ports.mime.name, version: ports.mime.version },
    quarantine:
      code === "MESSAGE_TOO_LARGE"
        ? {
            code,
            reason: `the server answered ${limits.unfetchableTries} requests for a piece of it with more than ${limits.literalBytes} bytes`,
          }
        : {
            code: "MESSAGE_UNFETCHABLE",
            reason: `the server lists it and did not deliver it in ${limits.unfetchableTries} tries; look at it in Outlook`,
          },
  });
}

function tally(context: SessionContext, fetched: Fetched, metas: readonly MessageMeta[]): void {
  context.counts.handedOff += count(fetched.delivered);
  context.counts.quarantined += count(fetched.quarantined);
  for (const meta of metas) context.counts.bytes += meta.size;
}

function count(set: UidSet): number {
  return set.reduce((sum, [low, high]) => sum + high - low + 1, 0);
}

function requireCheckpoint(work: FolderWork): FolderCheckpoint {
  if (!work.checkpoint) throw new Error(`no checkpoint of ${work.path}: the folder was not planned`);
  return work.checkpoint;
}
