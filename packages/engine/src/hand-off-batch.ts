import {
  type BlobBatch,
  type BlobPointer,
  buildMessageEvent,
  buildQuarantinedEvent,
  type FetchedMessage,
  type FlagRow,
  flagSetsOf,
  type FolderCheckpoint,
  type Lane,
  limits,
  type MailEvent,
  messageKey,
  outgoing,
  type OutgoingEvent,
  type MessageMeta,
  type ParseResult,
  type Quarantine,
  type QuarantineCode,
  type RetryEntry,
  type Spot,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  withFlags,
} from "@mailfleet/core";
import { entryOf, newestSpots, spotOf } from "./fingerprints.ts";
import { commitStep, type FolderWork, isCertainlyUnwritten } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";

export interface BatchRequest {
  readonly metas: readonly MessageMeta[];
  readonly lane: Lane;
  /** Whether the ledger already lists these messages: history does, fresh mail does not. */
  readonly isListed: boolean;
  /** The part of the checkpoint that says how far the folder is done, once this batch is. */
  readonly advance: (checkpoint: FolderCheckpoint) => FolderCheckpoint;
}

/** What became of the UIDs of a batch; together they are the batch. */
interface Fetched {
  readonly events: readonly OutgoingEvent[];
  readonly delivered: UidSet;
  readonly quarantined: UidSet;
  readonly missing: readonly number[];
  readonly flags: readonly FlagRow[];
  readonly spots: readonly Spot[];
}

/**
 * Fetches a batch, stores and parses each message, and hands all of it off in one commit.
 * Every UID ends as delivered, quarantined, owed (listed but not delivered) or vanished.
 */
export async function handOffBatch(context: SessionContext, work: FolderWork, request: BatchRequest): Promise<void> {
  const { ports, signal } = context;
  const checkpoint = requireCheckpoint(work);
  const estimate = request.metas.reduce((sum, meta) => sum + Math.min(meta.size, limits.messageBytes), 0);
  const giveBack = await ports.bytes.take(estimate, signal);
  const blobs = ports.blobs.startBatch(context.mailbox);
  let isCommitting = false;
  try {
    const fetched = await fetchAll(context, work, request, blobs);
    const owed = await lookAgain(context, fetched.missing);
    await blobs.flush();
    isCommitting = true;
    await commitStep(context, work, accountFor(context, work, checkpoint, request, fetched, owed));
    tally(context, fetched, request.metas);
  } catch (error) {
    // After an unanswered commit the events may be out, and point to these blobs: they stay.
    if (!isCommitting || isCertainlyUnwritten(error)) await blobs.discard();
    throw error;
  } finally {
    giveBack();
  }
}

/**
 * After a fetch broke the session on a single message: notes the try, so that the folder goes on behind it.
 * The session is gone, the lease is not.
 */
export async function noteBrokenFetch(context: SessionContext, work: FolderWork, request: BatchRequest): Promise<void> {
  const checkpoint = requireCheckpoint(work);
  const uids = request.metas.map((meta) => meta.uid);
  const fetched: Fetched = { events: [], delivered: [], quarantined: [], missing: uids, flags: [], spots: [] };
  await commitStep(context, work, accountFor(context, work, checkpoint, request, fetched, new Set(uids)));
}

async function fetchAll(context: SessionContext, work: FolderWork, request: BatchRequest, blobs: BlobBatch): Promise<Fetched> {
  const { ports, session, signal } = context;
  const checkpoint = requireCheckpoint(work);
  const results = new Map<number, Promise<OutgoingEvent>>();
  const quarantined: number[] = [];
  const flags: FlagRow[] = [];
  const spots: Spot[] = [];
  const sizes = new Map(request.metas.map((meta) => [meta.uid, meta.size]));
  const indexed = {
    folder: work.path,
    ...(work.role !== undefined && { role: work.role }),
    generation: checkpoint.generation,
    uidValidity: checkpoint.uidValidity,
  };
  /** Remembers the message beside its blobs, and for the checkpoint. */
  const remember = (message: FetchedMessage, raw: BlobPointer, quarantineCode?: QuarantineCode): void => {
    const entry = entryOf(ports.digest, message, sizes.get(message.uid) ?? 0, raw, quarantineCode);
    blobs.note(indexed, entry);
    flags.push({ uid: message.uid, flags: message.flags });
    const spot = spotOf(entry);
    if (spot) spots.push(spot);
  };
  const identityOf = (uid: number) => ({
    tenant: context.mailbox.tenant,
    address: context.mailbox.address,
    folder: work.path,
    generation: checkpoint.generation,
    uidValidity: checkpoint.uidValidity,
    uid,
  });
  const about = (message: FetchedMessage) => ({
    mailbox: context.mailbox,
    folder: { path: work.path, ...(work.role !== undefined && { role: work.role }) },
    uid: message.uid,
    uidValidity: checkpoint.uidValidity,
    key: messageKey(identityOf(message.uid)),
    lane: request.lane,
    at: ports.clock.now(),
    flags: message.flags,
    ...(message.internalDate !== undefined && { internalDate: message.internalDate }),
    isResync: checkpoint.isResync && request.lane === "backfill",
    parser: { name: ports.mime.name, version: ports.mime.version },
  });
  const quarantine = (message: FetchedMessage, reason: Quarantine, raw: BlobPointer): MailEvent => {
    quarantined.push(message.uid);
    remember(message, raw, reason.code);
    return buildQuarantinedEvent({ ...about(message), raw, quarantine: reason });
  };
  const toEvent = (message: FetchedMessage, raw: BlobPointer, parsed: ParseResult): MailEvent => {
    if (!parsed.ok) return quarantine(message, { code: "MESSAGE_UNPARSEABLE", reason: parsed.reason }, raw);
    const key = messageKey(identityOf(message.uid));
    remember(message, raw);
    return buildMessageEvent({ ...about(message), raw, message: parsed.message, putBlob: (kind, bytes) => blobs.put(kind, key, bytes) });
  };

  const whole = request.metas.filter((meta) => meta.size <= limits.messageBytes).map((meta) => meta.uid);
  if (whole.length > 0) {
    for await (const message of session.fetch(whole)) {
      signal.throwIfAborted();
      const raw = blobs.put("raw", messageKey(identityOf(message.uid)), message.bytes);
      const event = ports.mime.parse(message.bytes).then((parsed) => outgoing(toEvent(message, raw, parsed)));
      // Awaited in order below; without this a failure before that would count as unhandled.
      event.catch(() => undefined);
      results.set(message.uid, event);
    }
  }
  for (const meta of request.metas.filter((one) => one.size > limits.messageBytes)) {
    const head = await session.fetchHead(meta.uid, limits.oversizedHeadBytes);
    if (!head) continue;
    const raw = blobs.put("raw", messageKey(identityOf(meta.uid)), head.bytes);
    const reason = `about ${meta.size} bytes, above the limit of ${limits.messageBytes}; its first ${head.bytes.length} bytes are kept`;
    results.set(meta.uid, Promise.resolve(outgoing(quarantine(head, { code: "MESSAGE_TOO_LARGE", reason }, raw))));
  }

  const events: OutgoingEvent[] = [];
  const missing: number[] = [];
  const done: number[] = [];
  for (const { uid } of request.metas) {
    const event = await results.get(uid);
    if (event === undefined) missing.push(uid);
    else {
      events.push(event);
      done.push(uid);
    }
  }
  const quarantinedSet = uidSetOf(quarantined);
  return { events, delivered: subtractUids(uidSetOf(done), quarantinedSet), quarantined: quarantinedSet, missing, flags, spots };
}

/** An answer without data does not mean deleted (exchange-online.md 3.5): only a listing tells which UIDs are gone. */
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
      events.push(outgoing(unfetchable(context, work, checkpoint, uid, request.lane, now)));
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
      spots: newestSpots([...fetched.spots, ...checkpoint.spots]),
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
): MailEvent {
  const { mailbox, ports } = context;
  const { generation, uidValidity } = checkpoint;
  return buildQuarantinedEvent({
    mailbox,
    folder: { path: work.path, ...(work.role !== undefined && { role: work.role }) },
    uid,
    uidValidity,
    key: messageKey({ tenant: mailbox.tenant, address: mailbox.address, folder: work.path, generation, uidValidity, uid }),
    lane,
    at: now,
    flags: [],
    isResync: checkpoint.isResync,
    parser: { name: ports.mime.name, version: ports.mime.version },
    quarantine: {
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
