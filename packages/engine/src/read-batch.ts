import {
  type BlobBatch,
  type BlobPointer,
  buildQuarantinedEvent,
  type FetchedMessage,
  type Fingerprint,
  type FlagRow,
  type FolderCheckpoint,
  isPlaceholder,
  type Lane,
  letGo,
  limits,
  type MessageMeta,
  outgoing,
  type OutgoingEvent,
  type Quarantine,
  type QuarantineCode,
  type Spot,
  subtractUids,
  type Suspect,
  type UidSet,
  uidSetOf,
  writeMessageEvent,
  type WrittenResult,
} from "@mailfleet/core";
import { folderOf, keyOf } from "./change-events.ts";
import { entryOf, spotOf } from "./fingerprints.ts";
import type { FolderWork } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";
import type { ReadAhead } from "./read-ahead.ts";

/** What became of the UIDs of a batch; together they are the batch. */
export interface Fetched {
  readonly events: readonly OutgoingEvent[];
  readonly delivered: UidSet;
  readonly quarantined: UidSet;
  readonly missing: readonly number[];
  readonly flags: readonly FlagRow[];
  readonly spots: readonly Spot[];
  /** All of it is stored and committed: nobody reads these messages any more, nor what their parser wrote, which their events are made of. */
  readonly letGo: () => void;
}

export interface BatchToRead {
  readonly context: SessionContext;
  readonly work: FolderWork;
  readonly checkpoint: FolderCheckpoint;
  readonly metas: readonly MessageMeta[];
  readonly lane: Lane;
  readonly blobs: BlobBatch;
  /** The batch is this one message, and a worker died with it in hand. */
  readonly suspect?: Suspect | undefined;
  /** Wraps what may kill the process, so that a death in it is known. */
  readonly guard: <T>(parse: () => Promise<T>) => Promise<T>;
  /** Where the messages are on their way already. */
  readonly ahead?: ReadAhead | undefined;
  /** See `BatchRequest`. */
  readonly onFetched?: (() => void) | undefined;
}

/**
 * Fetches the messages of a batch, stores each and makes its event. Small ones are fetched together and parsed from what was fetched;
 * large ones come in pieces, one after the other, and are parsed from what was stored.
 */
export async function readBatch(batch: BatchToRead): Promise<Fetched> {
  const { context, metas, suspect } = batch;
  const results = new Map<number, Promise<OutgoingEvent>>();
  const reader = new BatchReader(batch);
  const isStreamed = (meta: MessageMeta): boolean =>
    context.isCareful || meta.size > limits.streamAboveBytes || (suspect !== undefined && isKiller(suspect));
  const whole = metas.filter((meta) => !isStreamed(meta)).map((meta) => meta.uid);
  if (whole.length > 0) await reader.readWhole(whole, results);
  if (results.size === metas.length) batch.onFetched?.();
  // The store takes one blob in pieces at a time, and nothing beside it.
  if (metas.some(isStreamed)) await Promise.all(results.values());
  for (const meta of metas.filter(isStreamed)) {
    const event = await reader.readInPieces(meta);
    if (event) results.set(meta.uid, Promise.resolve(event));
  }

  const events: OutgoingEvent[] = [];
  const missing: number[] = [];
  const done: number[] = [];
  for (const { uid } of metas) {
    const event = await results.get(uid);
    if (event === undefined) missing.push(uid);
    else {
      events.push(event);
      done.push(uid);
    }
  }
  const quarantined = uidSetOf(reader.quarantined);
  return {
    ...{ events, delivered: subtractUids(uidSetOf(done), quarantined), quarantined, missing },
    ...{ flags: reader.flags, spots: reader.spots },
    letGo: () => reader.letGo(),
  };
}

function isKiller(suspect: Suspect): boolean {
  return suspect.deaths >= limits.killedWorkers;
}

class BatchReader {
  readonly quarantined: number[] = [];
  readonly flags: FlagRow[] = [];
  readonly spots: Spot[] = [];
  /** How to let go of what was read whole. */
  readonly #held: (() => void)[] = [];
  readonly #batch: BatchToRead;
  readonly #sizes: ReadonlyMap<number, number>;
  #key: { readonly uid: number; readonly text: string } | undefined;

  constructor(batch: BatchToRead) {
    this.#batch = batch;
    this.#sizes = new Map(batch.metas.map((meta) => [meta.uid, meta.size]));
  }

  async readWhole(uids: readonly number[], results: Map<number, Promise<OutgoingEvent>>): Promise<void> {
    const { context, lane, blobs, guard, ahead } = this.#batch;
    const { session, signal, ports } = context;
    let held = 0;
    for await (const messages of ahead ?? session.fetch(uids)) {
      for (const message of messages) {
        signal.throwIfAborted();
        held += message.bytes.length;
        const event = guard(async () => {
          const parsed = await ports.mime.parse(message.bytes, lane === "fresh");
          this.#held.push(() => letGo(message.bytes));
          if (parsed.ok && parsed.message.letGo) this.#held.push(parsed.message.letGo);
          const raw = blobs.put("raw", this.#keyOf(message.uid), message.bytes, parsed.raw?.sha256);
          return this.#toEvent(message, raw, parsed);
        }).finally(() => {
          held -= message.bytes.length;
        });
        // Awaited in order later; without this a failure before that would count as unhandled.
        event.catch(() => undefined);
        results.set(message.uid, event);
        // More came than was announced: what is here is finished first, so that no server decides how much is held.
        if (held > limits.batchBytes) await Promise.allSettled(results.values());
      }
    }
  }

  letGo(): void {
    for (const one of this.#held) one();
  }

  /** Undefined when the server withholds the message, or stops in the middle of it. */
  async readInPieces(meta: MessageMeta): Promise<OutgoingEvent | undefined> {
    const { context, blobs, suspect } = this.#batch;
    const { session, signal } = context;
    const { uid } = meta;
    if (suspect && suspect.deaths > limits.killedWorkers) return this.#quarantineBare(uid, killedWorkers);
    // Asked, because the announced size is an estimate; and only where it may be, because it costs a round trip.
    const mayBeTooLong = meta.size > limits.messageBytes || context.isCareful;
    if (mayBeTooLong && (await session.isLongerThan(uid, limits.messageBytes))) {
      const head = await session.fetchHead(uid, limits.oversizedHeadBytes);
      return head && this.#tooLarge(head, `announced as ${meta.size} bytes`);
    }
    const message = await session.fetchStream(uid);
    if (!message) return undefined;
    const writer = blobs.open("raw", this.#keyOf(uid));
    const head = new HeadKeeper(limits.oversizedHeadBytes);
    for await (const piece of message.pieces) {
      signal.throwIfAborted();
      head.add(piece);
      if (head.seen > limits.messageBytes) break;
      await writer.write(piece);
    }
    const { flags, internalDate } = message;
    const known = { uid, flags, ...(internalDate !== undefined && { internalDate }), bytes: head.bytes() };
    if (head.seen > limits.messageBytes) {
      await writer.giveUp();
      return this.#tooLarge(known, `announced as ${meta.size} bytes`);
    }
    if (!message.isWhole()) {
      await writer.giveUp();
      return undefined;
    }
    signal.throwIfAborted();
    const raw = await writer.end();
    // The one that was looked for: announced as small, and larger than an answer may be. The rest of the session need not be careful.
    if (raw.size > limits.literalBytes && meta.size <= limits.streamAboveBytes) context.isCareful = false;
    if (suspect && isKiller(suspect)) return this.#quarantine(known, killedWorkers, raw);
    return this.#parseStored(known, raw);
  }

  async #parseStored(known: FetchedMessage, raw: BlobPointer): Promise<OutgoingEvent> {
    const { context, blobs, guard } = this.#batch;
    const { mime } = context.ports;
    const key = this.#keyOf(known.uid);
    if (raw.size > limits.streamAboveBytes) {
      const source = { size: raw.size, open: () => blobs.readBack(raw) };
      return guard(async () => this.#toEvent(known, raw, await mime.parseStream(source, () => blobs.open("attachment", key))));
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of blobs.readBack(raw)) pieces.push(piece);
    const bytes = joined(pieces, raw.size);
    return guard(async () => this.#toEvent({ ...known, bytes }, raw, await mime.parse(bytes)));
  }

  #toEvent(message: FetchedMessage, raw: BlobPointer, parsed: WrittenResult): OutgoingEvent {
    if (!parsed.ok) return this.#quarantine(message, { code: "MESSAGE_UNPARSEABLE", reason: parsed.reason }, raw);
    if (parsed.raw?.isPlaceholder ?? isPlaceholder(message.bytes)) return this.#quarantine(message, unconvertible, raw);
    const key = this.#keyOf(message.uid);
    this.#remember(message, raw, undefined, parsed.raw?.fingerprint);
    const { blobs } = this.#batch;
    return writeMessageEvent({
      ...this.#about(message),
      raw,
      message: parsed.message,
      putBlob: (kind, bytes, sha256) => blobs.put(kind, key, bytes, sha256),
      ...(parsed.cut !== undefined && { quarantine: { code: "MESSAGE_TOO_LARGE", reason: parsed.cut } }),
    });
  }

  #tooLarge(head: FetchedMessage, what: string): OutgoingEvent {
    const raw = this.#batch.blobs.put("raw", this.#keyOf(head.uid), head.bytes);
    const reason = `more than the limit of ${limits.messageBytes} bytes (${what}); its first ${head.bytes.length} bytes are kept`;
    return this.#quarantine(head, { code: "MESSAGE_TOO_LARGE", reason }, raw);
  }

  #quarantine(message: FetchedMessage, reason: Quarantine, raw: BlobPointer): OutgoingEvent {
    this.quarantined.push(message.uid);
    this.#remember(message, raw, reason.code);
    return outgoing(buildQuarantinedEvent({ ...this.#about(message), raw, quarantine: reason }));
  }

  /** Nothing of the message was touched. */
  #quarantineBare(uid: number, reason: Quarantine): OutgoingEvent {
    this.quarantined.push(uid);
    return outgoing(buildQuarantinedEvent({ ...this.#about({ uid, flags: [] }), quarantine: reason }));
  }

  /** Remembers the message beside its blobs, and for the checkpoint. */
  #remember(message: FetchedMessage, raw: BlobPointer, quarantine?: QuarantineCode, fingerprint?: Fingerprint): void {
    const { context, work, checkpoint, blobs } = this.#batch;
    const entry = entryOf(context.ports.digest, message, this.#sizes.get(message.uid) ?? 0, raw, quarantine, fingerprint);
    const { generation, uidValidity } = checkpoint;
    blobs.note({ folder: work.path, ...(work.role !== undefined && { role: work.role }), generation, uidValidity }, entry);
    this.flags.push({ uid: message.uid, flags: message.flags });
    this.spots.push(spotOf(entry));
  }

  #about(message: Pick<FetchedMessage, "uid" | "flags" | "internalDate">) {
    const { context, work, checkpoint, lane } = this.#batch;
    const { ports, mailbox } = context;
    return {
      mailbox,
      folder: folderOf(work),
      uid: message.uid,
      uidValidity: checkpoint.uidValidity,
      uidls: checkpoint.uidls,
      key: this.#keyOf(message.uid),
      lane,
      at: ports.clock.now(),
      flags: message.flags,
      ...(message.internalDate !== undefined && { internalDate: message.internalDate }),
      isResync: checkpoint.isResync && lane === "backfill",
      parser: { name: ports.mime.name, version: ports.mime.version },
    };
  }

  /** Asked several times for one message, and then for the next. */
  #keyOf(uid: number): string {
    if (this.#key?.uid === uid) return this.#key.text;
    const { context, work, checkpoint } = this.#batch;
    const { generation, uidValidity } = checkpoint;
    this.#key = { uid, text: keyOf(context, { folder: work.path, generation, uidValidity }, uid) };
    return this.#key.text;
  }
}

/** Counts a message that passes, and keeps its beginning. */
class HeadKeeper {
  seen = 0;
  readonly #most: number;
  readonly #pieces: Uint8Array[] = [];
  #kept = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(piece: Uint8Array): void {
    this.seen += piece.length;
    if (this.#kept >= this.#most) return;
    // Copied: a view would hold the whole piece.
    const part = piece.slice(0, this.#most - this.#kept);
    this.#pieces.push(part);
    this.#kept += part.length;
  }

  bytes(): Uint8Array {
    return joined(this.#pieces, this.#kept);
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const unconvertible: Quarantine = {
  code: "MESSAGE_UNCONVERTIBLE",
  reason: "Exchange cannot convert this item for IMAP and served a message about that in its place; look at it in Outlook",
};

const killedWorkers: Quarantine = {
  code: "MESSAGE_KILLED_WORKER",
  reason: `a worker died ${limits.killedWorkers} times with this message in hand, so it was stored and not read again`,
};
