import {
  type BlobBatch,
  type BlobPointer,
  buildQuarantinedEvent,
  countUids,
  type Failure,
  type IndexEntry,
  isOfSpool,
  isSyncError,
  limits,
  type MailboxRef,
  outgoing,
  type OutgoingEvent,
  type PieceReader,
  type Quarantine,
  quarantineText,
  type Reissue,
  type ReissueOutcome,
  syncError,
  uidSetOf,
  writeMessageEvent,
  type WrittenResult,
} from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";
import { refuseNewer } from "./refuse-newer.ts";
import { readStored, type StoredChoice, type StoredMessage, type StoredPlace, storedPlaces } from "./stored-messages.ts";

export interface ReplayPorts extends Pick<EnginePorts, "clock" | "mime"> {
  readonly blobs: EnginePorts["blobs"] & PieceReader;
  readonly store: Pick<EnginePorts["store"], "load">;
  readonly reissue: Reissue;
  /** How much may come in downstream: a replay is held back as history is (G4). */
  readonly room: () => Promise<ReplayRoom>;
}

export interface ReplayRoom {
  readonly isOpen: boolean;
  /** To be waited after each batch. */
  readonly pauseMs: number;
  /** Events in the queue, in whatever state. */
  readonly events: number;
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
  readonly code: Failure["code"];
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
  const state = await ports.store.load(mailbox);
  refuseNewer(state, mailbox);
  for (const [folder, { checkpoint }] of state.folders) {
    if (checkpoint === undefined && (choice.folder ?? folder) === folder)
      noteFailure(counts, `${mailbox.address} ${folder}`, unreadable(folder));
  }
  const places = await storedPlaces(ports.blobs, mailbox, state, choice);
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
      if (message.entries.length === 0 && !request.isDryRun) unnoted.push(message.uid);
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

/** Consumers that are behind hold a replay back as they hold the sync back. */
async function waitForRoom({ room, clock }: ReplayPorts, signal: AbortSignal, report: (waitsAt: number) => void): Promise<void> {
  for (;;) {
    const { isOpen, pauseMs, events } = await room();
    if (!isOpen) report(events);
    if (!isOpen || pauseMs > 0) await clock.sleep(isOpen ? pauseMs : queueLookMs, signal);
    if (isOpen) return;
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
      if (event !== undefined) events.push(event);
    }
    if (events.length === 0) return;
    await blobs.flush();
    // What was read before a purge must not come back behind it: the checkpoints are the first that it takes.
    if (!(await ports.store.load(mailbox)).folders.has(stored.place.folder)) {
      const purged = syncError("INTERRUPTED", "It was purged meanwhile, and does not come back.", { layer: "engine" });
      for (const { id } of events) noteFailure(counts, id, purged);
      return;
    }
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
): Promise<OutgoingEvent | undefined> {
  const { key, isSetAside } = message;
  const found = await readRaw(ports, message, stored.isIndexed).catch((error: unknown): undefined => noteFailure(counts, key, error));
  if (found === undefined) return undefined;
  const { entry, raw, bytes } = found;
  const facts = {
    // As it was read then: its key says so, whatever the mailbox is read by now.
    mailbox: { ...mailbox, protocol: isOfSpool(stored.place) ? ("pop3" as const) : ("imap" as const) },
    folder: stored.folder,
    uid: message.uid,
    uidValidity: stored.place.uidValidity,
    uidls: stored.uidls,
    key,
    lane: "backfill" as const,
    at: ports.clock.now(),
    flags: message.flags,
    ...(entry?.internalDate !== undefined && { internalDate: entry.internalDate }),
    isResync: false,
    isReplayed: true as const,
    parser: { name: ports.mime.name, version: ports.mime.version },
  };
  const setAside = (quarantine: Quarantine): OutgoingEvent => {
    counts.quarantined++;
    return outgoing(buildQuarantinedEvent({ ...facts, ...(raw && { raw }), quarantine }));
  };
  // Bytes that are not all of the message: parsing them would pass a part off as the whole.
  const code = entry === undefined ? "MESSAGE_UNFETCHABLE" : isSetAside ? entry.quarantine : undefined;
  if (raw === undefined || (code !== undefined && code !== "MESSAGE_UNPARSEABLE")) {
    return setAside({ code: code ?? "MESSAGE_UNFETCHABLE", reason: quarantineText(code ?? "MESSAGE_UNFETCHABLE") });
  }
  const parsed = await parse(ports, blobs, key, raw, bytes);
  if (!parsed.ok) return setAside({ code: "MESSAGE_UNPARSEABLE", reason: parsed.reason });
  if (isSetAside && entry?.quarantine !== undefined) {
    counts.readNow++;
    const { quarantine: _before, ...readable } = entry;
    blobs.note({ ...stored.place, ...(stored.folder.role !== undefined && { role: stored.folder.role }) }, readable);
  }
  return writeMessageEvent({
    ...facts,
    raw,
    message: parsed.message,
    putBlob: (kind, content) => blobs.put(kind, key, content),
    ...(parsed.cut !== undefined && { quarantine: { code: "MESSAGE_TOO_LARGE", reason: parsed.cut } }),
  });
}

/** From memory, or where a message is too large for that from the disk, piece by piece. */
function parse(
  { mime, blobs }: ReplayPorts,
  batch: BlobBatch,
  key: string,
  raw: BlobPointer,
  bytes: Uint8Array | undefined,
): Promise<WrittenResult> {
  if (bytes !== undefined) return mime.parse(bytes);
  return mime.parseStream({ size: raw.size, open: () => blobs.readPieces(raw) }, () => batch.open("attachment", key));
}

interface RawMessage {
  readonly entry?: IndexEntry;
  /** Absent for a message that the server never delivered. */
  readonly raw?: BlobPointer;
  /** Absent for a message that is too large to hold. */
  readonly bytes?: Uint8Array;
}

/** By the newest note of it; where that names bytes of a commit that was never made, by an older one. */
async function readRaw(ports: ReplayPorts, { entries, isSetAside, key }: StoredMessage, isIndexed: boolean): Promise<RawMessage> {
  if (entries.length === 0) {
    // The server never delivered it; where nothing at all is noted, nobody knows.
    if (isSetAside && isIndexed) return {};
    throw syncError("BLOB_UNAVAILABLE", `Nothing is noted of ${key} beside the blobs. It is on the server, if it was not deleted there.`, {
      layer: "blobs",
    });
  }
  let last: unknown;
  for (const entry of entries) {
    const { raw } = entry;
    if (raw === undefined) return { entry };
    try {
      if (raw.size <= limits.streamAboveBytes) return { entry, raw, bytes: await ports.blobs.read(raw) };
      // To its end, where the hash is compared: a parser may stop before that.
      await readToEnd(ports.blobs.readPieces(raw));
      return { entry, raw };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function unreadable(folder: string): Error {
  const text = `What was handed off of ${folder} is not known: its checkpoint cannot be read. The folder begins anew with the next session.`;
  return syncError("CHECKPOINT_CORRUPT", text, { layer: "engine", folder });
}

async function readToEnd(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const reading = pieces[Symbol.asyncIterator]();
  while ((await reading.next()).done !== true);
}

function noteFailure(counts: ReplayCounts, key: string, error: unknown): undefined {
  if (!isSyncError(error)) throw error;
  counts.failed++;
  const { code } = error.failure;
  if (counts.failures.length < namedFailures) counts.failures.push({ key, code, text: error.message });
  return undefined;
}
