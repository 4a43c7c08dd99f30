import {
  type BlobBatch,
  type BlobPointer,
  buildMessageEvent,
  buildQuarantinedEvent,
  countUids,
  type Failure,
  type IndexEntry,
  isSyncError,
  limits,
  type MailboxRef,
  type MailEvent,
  outgoing,
  type OutgoingEvent,
  type Quarantine,
  quarantineText,
  type Reissue,
  type ReissueOutcome,
  syncError,
  uidSetOf,
} from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";
import { readStored, type StoredChoice, type StoredMessage, type StoredPlace, storedPlaces } from "./stored-messages.ts";

export interface ReplayPorts extends Pick<EnginePorts, "clock" | "blobs" | "mime"> {
  readonly store: Pick<EnginePorts["store"], "load">;
  readonly reissue: Reissue;
}

export interface ReplayRequest {
  readonly mailbox: MailboxRef;
  readonly choice: StoredChoice;
  /** Counts what would be replayed, and changes nothing. */
  readonly isDryRun: boolean;
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly done: number;
  readonly all: number;
  /** Jobs in the queue, while the replay waits for consumers. */
  readonly waitsAt?: number;
}

/** A message that could not be replayed, and why. */
export interface ReplayFailure {
  readonly key: string;
  readonly code: Failure["code"] | "TOO_LARGE";
  readonly text: string;
}

export interface ReplayCounts {
  /** Messages that were chosen. */
  chosen: number;
  /** Of those, by what became of their events. */
  readonly outcomes: Record<ReissueOutcome, number>;
  /** Went out as set aside, once more. */
  quarantined: number;
  /** Were set aside before, and could be read now. */
  readNow: number;
  failed: number;
  /** The first of them. */
  readonly failures: ReplayFailure[];
  /** Handed off and gone from the server since: left out unless they are asked for. */
  leftOut: number;
}

/** Failures that are named one by one. */
const namedFailures = 100;
/** How often a full queue is looked at. */
const queueLookMs = 1_000;

/**
 * Hands off again what was handed off before: the same keys, from the stored bytes, parsed anew, marked as replayed. Nothing is asked of
 * the mail server, and neither checkpoint nor ledger moves. What waits in the queue is not doubled; a dead letter gets fresh attempts.
 */
export async function replayMailbox(ports: ReplayPorts, request: ReplayRequest, signal: AbortSignal): Promise<ReplayCounts> {
  const { mailbox, choice } = request;
  const counts: ReplayCounts = {
    chosen: 0,
    outcomes: { added: 0, retried: 0, waiting: 0 },
    quarantined: 0,
    readNow: 0,
    failed: 0,
    failures: [],
    leftOut: 0,
  };
  const places = await storedPlaces(ports.blobs, mailbox, await ports.store.load(mailbox), choice);
  const all = places.reduce((sum, { uids }) => sum + countUids(uids), 0);
  const report = (waitsAt?: number): void => request.onProgress?.({ done: counts.chosen, all, ...(waitsAt !== undefined && { waitsAt }) });
  for (const stored of places) {
    counts.leftOut += stored.removed;
    const unnoted: number[] = [];
    let batch: StoredMessage[] = [];
    let bytes = 0;
    const send = async (): Promise<void> => {
      if (batch.length === 0) return;
      counts.chosen += batch.length;
      if (!request.isDryRun) {
        await waitForRoom(ports, signal, report);
        await sendBatch(ports, mailbox, stored, batch, counts);
      }
      batch = [];
      bytes = 0;
      report();
    };
    const take = async (message: StoredMessage): Promise<void> => {
      signal.throwIfAborted();
      const size = message.entries[0]?.raw?.size ?? 0;
      if (batch.length >= limits.batchMessages || bytes + size > limits.batchBytes) await send();
      batch.push(message);
      bytes += size;
    };
    for await (const message of readStored(ports.blobs, mailbox, stored, choice)) {
      if (message.entries.length === 0 && !message.isSetAside && !request.isDryRun) unnoted.push(message.uid);
      else await take(message);
    }
    if (unnoted.length > 0) {
      // Segments are not synced with each commit: after a power loss the packs know more.
      await ports.blobs.repairIndex(mailbox);
      for await (const message of readStored(ports.blobs, mailbox, { ...stored, uids: uidSetOf(unnoted) }, choice)) await take(message);
    }
    await send();
  }
  return counts;
}

/** Consumers that are behind hold a replay back as they hold the sync back (G4). */
async function waitForRoom({ reissue, clock }: ReplayPorts, signal: AbortSignal, report: (waitsAt: number) => void): Promise<void> {
  for (;;) {
    const depth = await reissue.depth();
    if (depth < limits.queueHighWater) return;
    report(depth);
    await clock.sleep(queueLookMs, signal);
  }
}

async function sendBatch(
  ports: ReplayPorts,
  mailbox: MailboxRef,
  stored: StoredPlace,
  messages: readonly StoredMessage[],
  counts: ReplayCounts,
): Promise<void> {
  const blobs = ports.blobs.startBatch(mailbox);
  const readBefore = counts.readNow;
  let isSent = false;
  try {
    const events: OutgoingEvent[] = [];
    for (const message of messages) {
      const event = await rebuild(ports, mailbox, stored, message, blobs, counts);
      if (event !== undefined) events.push(outgoing(event));
    }
    if (events.length === 0) return;
    await blobs.flush();
    isSent = true;
    const outcomes = await ports.reissue.put(events);
    for (const outcome of outcomes) counts.outcomes[outcome]++;
    // Nobody refers to them: the events that are in the queue refer to the first ones.
    if (!outcomes.includes("added") && counts.readNow === readBefore) isSent = false;
  } finally {
    // After an unanswered call the events may be out, and refer to these blobs: then they stay.
    if (!isSent) await blobs.discard();
  }
}

/** The event of a message from its stored bytes; undefined where they are gone, which is counted and named. */
async function rebuild(
  ports: ReplayPorts,
  mailbox: MailboxRef,
  stored: StoredPlace,
  message: StoredMessage,
  blobs: BlobBatch,
  counts: ReplayCounts,
): Promise<MailEvent | undefined> {
  const { key, isSetAside } = message;
  const found = await readRaw(ports, message).catch((error: unknown): undefined => noteFailure(counts, key, error));
  if (found === undefined) return undefined;
  const { entry, raw, bytes } = found;
  const facts = {
    mailbox,
    folder: stored.folder,
    uid: message.uid,
    uidValidity: stored.place.uidValidity,
    key,
    lane: "backfill" as const,
    at: ports.clock.now(),
    flags: message.flags,
    ...(entry?.internalDate !== undefined && { internalDate: entry.internalDate }),
    isResync: false,
    isReplayed: true as const,
    parser: { name: ports.mime.name, version: ports.mime.version },
  };
  const setAside = (quarantine: Quarantine): MailEvent => {
    counts.quarantined++;
    return buildQuarantinedEvent({ ...facts, ...(raw && { raw }), quarantine });
  };
  // Bytes that are not all of the message: parsing them would pass a part off as the whole.
  const code = entry === undefined ? "MESSAGE_UNFETCHABLE" : isSetAside ? entry.quarantine : undefined;
  if (raw === undefined || bytes === undefined || (code !== undefined && code !== "MESSAGE_UNPARSEABLE")) {
    return setAside({ code: code ?? "MESSAGE_UNFETCHABLE", reason: quarantineText(code ?? "MESSAGE_UNFETCHABLE") });
  }
  const parsed = await ports.mime.parse(bytes);
  if (!parsed.ok) return setAside({ code: "MESSAGE_UNPARSEABLE", reason: parsed.reason });
  if (isSetAside && entry !== undefined) {
    counts.readNow++;
    const { quarantine: _before, ...readable } = entry;
    blobs.note({ ...stored.place, ...(stored.folder.role !== undefined && { role: stored.folder.role }) }, readable);
  }
  return buildMessageEvent({ ...facts, raw, message: parsed.message, putBlob: (kind, content) => blobs.put(kind, key, content) });
}

interface RawMessage {
  readonly entry?: IndexEntry;
  /** Absent for a message that the server never delivered. */
  readonly raw?: BlobPointer;
  readonly bytes?: Uint8Array;
}

/** By the newest note of it; where that names bytes of a commit that was never made, by an older one. */
async function readRaw(ports: ReplayPorts, { entries, isSetAside, key }: StoredMessage): Promise<RawMessage> {
  if (entries.length === 0) {
    if (isSetAside) return {};
    throw syncError("BLOB_UNAVAILABLE", `Nothing is noted of ${key} beside the blobs. It is on the server, if it was not deleted there.`, {
      layer: "blobs",
    });
  }
  let last: unknown;
  for (const entry of entries) {
    const { raw } = entry;
    if (raw === undefined) return { entry };
    if (raw.size > limits.messageBytes) throw new TooLargeToReplay(raw.size);
    try {
      return { entry, raw, bytes: await ports.blobs.read(raw) };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

class TooLargeToReplay extends Error {
  constructor(size: number) {
    super(`It has ${size} bytes, above the limit of ${limits.messageBytes} that one message may take in memory.`);
    this.name = "TooLargeToReplay";
  }
}

function noteFailure(counts: ReplayCounts, key: string, error: unknown): undefined {
  counts.failed++;
  if (!isSyncError(error) && !(error instanceof TooLargeToReplay)) throw error;
  if (counts.failures.length < namedFailures) {
    counts.failures.push({ key, code: isSyncError(error) ? error.failure.code : "TOO_LARGE", text: error.message });
  }
  return undefined;
}
