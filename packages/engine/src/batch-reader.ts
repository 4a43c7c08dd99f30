import {
  type BlobBatch,
  type BlobPointer,
  buildQuarantinedEvent,
  type FetchedMessage,
  type Fingerprint,
  type FlagRow,
  type FolderCheckpoint,
  type IndexedFolder,
  type IndexEntry,
  isPlaceholder,
  type Lane,
  letGo,
  limits,
  type MessageEventFacts,
  MessageEvents,
  messageKeyPrefix,
  type MessageMeta,
  outgoing,
  type OutgoingEvent,
  type Quarantine,
  type QuarantineCode,
  type Spot,
  type Suspect,
  type WrittenResult,
} from "@mailfleet/core";
import { folderOf } from "./change-events.ts";
import { entryOf, spotOf } from "./fingerprints.ts";
import type { FolderWork } from "./folder-work.ts";
import { HeadKeeper, joinBytes } from "./head-keeper.ts";
import type { SessionContext } from "./ports.ts";
import type { ReadAhead } from "./read-ahead.ts";

/** Around what may kill the process, so that a death in it is known. */
export interface Guard {
  /** Resolves once it is noted what is in hand: nothing is parsed before. @throws SyncError LEASE_LOST */
  before(): Promise<void>;
  /** What was parsed killed nobody. Called for a suspect alone. @throws SyncError LEASE_LOST */
  after(): Promise<void>;
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
  readonly guard: Guard;
  /** Where the messages are on their way already. */
  readonly ahead?: ReadAhead | undefined;
  /** See `BatchRequest`. */
  readonly onFetched?: (() => void) | undefined;
}

export function isKiller(suspect: Suspect): boolean {
  return suspect.deaths >= limits.killedWorkers;
}

/** Reads the messages of one batch: stores each and makes its event. */
export class BatchReader {
  readonly quarantined: number[] = [];
  readonly flags: FlagRow[] = [];
  /** The messages with the lowest and the highest UID that are remembered. */
  #ends: readonly [lowest: IndexEntry, highest: IndexEntry] | undefined;
  readonly #batch: BatchToRead;
  readonly #sizes = new Map<number, number>();
  readonly #place: IndexedFolder;
  readonly #keyPrefix: string;
  /** What all events of the batch say. */
  readonly #common: Pick<MessageEventFacts, "mailbox" | "folder" | "uidValidity" | "uidls" | "lane" | "isResync" | "parser">;
  readonly #writer: MessageEvents;
  readonly #events = new Map<number, OutgoingEvent>();
  /** What was read whole, and what became of it: memory to let go of. */
  readonly #taken: FetchedMessage[] = [];
  readonly #written: (() => void)[] = [];
  /** Messages that are parsed just now, and their bytes. */
  #inWork = 0;
  #bytesInWork = 0;
  #onIdle: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(batch: BatchToRead) {
    this.#batch = batch;
    const { context, work, checkpoint, lane, metas } = batch;
    const { mailbox, ports } = context;
    const { generation, uidValidity, uidls } = checkpoint;
    const folder = folderOf(work);
    for (const { uid, size } of metas) this.#sizes.set(uid, size);
    this.#place = { folder: work.path, ...(work.role !== undefined && { role: work.role }), generation, uidValidity };
    this.#keyPrefix = messageKeyPrefix({ tenant: mailbox.tenant, address: mailbox.address, ...this.#place });
    const parser = { name: ports.mime.name, version: ports.mime.version };
    this.#common = { mailbox, folder, uidValidity, uidls, lane, isResync: checkpoint.isResync && lane === "backfill", parser };
    this.#writer = new MessageEvents(this.#common, (...blob) => batch.blobs.put(...blob));
  }

  /** How many messages came whole. */
  get fetched(): number {
    return this.#taken.length;
  }

  /** What the batch's lowest and its highest message are known by: no other is the newest or the oldest of a folder. */
  get spots(): readonly Spot[] {
    return this.#ends?.map(spotOf) ?? [];
  }

  /** Undefined when the server withheld the message, or stopped in the middle of it. */
  eventOf(uid: number): OutgoingEvent | undefined {
    return this.#events.get(uid);
  }

  /** Begins to parse the messages as they come. @throws what breaks the session; for what breaks a message see {@link allParsed} */
  async readWhole(uids: readonly number[]): Promise<void> {
    const { context, guard, ahead } = this.#batch;
    const { session, signal } = context;
    for await (const messages of ahead ?? session.fetch(uids)) {
      await guard.before();
      signal.throwIfAborted();
      for (const message of messages) {
        this.#parseWhole(message);
        if (this.#bytesInWork <= limits.batchBytes) continue;
        // More came than was announced: what is here is finished first, so that no server decides how much is held.
        await this.#idle();
        signal.throwIfAborted();
      }
    }
  }

  /** @throws what the first failed with that failed, once nothing is parsed any more */
  async allParsed(): Promise<void> {
    await this.#idle();
    if (this.#failure) throw this.#failure.error;
  }

  letGo(): void {
    for (const message of this.#taken) {
      if (message.letGo) message.letGo();
      else letGo(message.bytes);
    }
    for (const one of this.#written) one();
  }

  async #idle(): Promise<void> {
    if (this.#inWork === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Of the many messages of a batch each has one promise, the parser's. Never throws. */
  #parseWhole(message: FetchedMessage): void {
    const { context, lane } = this.#batch;
    this.#taken.push(message);
    this.#inWork++;
    this.#bytesInWork += message.bytes.length;
    context.ports.mime.parse(message.bytes, lane === "fresh").then(
      (parsed) => this.#takeParsed(message, parsed),
      (error: unknown) => this.#endWork(message, { error }),
    );
  }

  #takeParsed(message: FetchedMessage, parsed: WrittenResult): void {
    const { blobs, guard, suspect } = this.#batch;
    const { uid, bytes } = message;
    try {
      if (parsed.ok && parsed.message.letGo) this.#written.push(parsed.message.letGo);
      const raw = blobs.put("raw", this.#keyOf(uid), bytes, parsed.raw?.sha256);
      this.#events.set(uid, this.#toEvent(message, raw, parsed));
    } catch (error) {
      return this.#endWork(message, { error });
    }
    if (!suspect) return this.#endWork(message);
    guard.after().then(
      () => this.#endWork(message),
      (error: unknown) => this.#endWork(message, { error }),
    );
  }

  #endWork({ bytes }: FetchedMessage, failure?: { readonly error: unknown }): void {
    this.#failure ??= failure;
    this.#bytesInWork -= bytes.length;
    if (--this.#inWork === 0) this.#onIdle?.();
  }

  /** Parses it when it is here, too. */
  async readInPieces(meta: MessageMeta): Promise<void> {
    const event = await this.#readInPieces(meta);
    if (event) this.#events.set(meta.uid, event);
  }

  /** Undefined when the server withholds the message, or stops in the middle of it. */
  async #readInPieces(meta: MessageMeta): Promise<OutgoingEvent | undefined> {
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
    const { context, blobs, guard, suspect } = this.#batch;
    const { mime } = context.ports;
    const key = this.#keyOf(known.uid);
    let event: OutgoingEvent;
    if (raw.size > limits.streamAboveBytes) {
      const source = { size: raw.size, open: () => blobs.readBack(raw) };
      await guard.before();
      event = this.#toEvent(known, raw, await mime.parseStream(source, () => blobs.open("attachment", key)));
    } else {
      const pieces: Uint8Array[] = [];
      for await (const piece of blobs.readBack(raw)) pieces.push(piece);
      const bytes = joinBytes(pieces, raw.size);
      await guard.before();
      event = this.#toEvent({ ...known, bytes }, raw, await mime.parse(bytes));
    }
    if (suspect) await guard.after();
    return event;
  }

  #toEvent(message: FetchedMessage, raw: BlobPointer, parsed: WrittenResult): OutgoingEvent {
    if (!parsed.ok) return this.#quarantine(message, { code: "MESSAGE_UNPARSEABLE", reason: parsed.reason }, raw);
    if (parsed.raw?.isPlaceholder ?? isPlaceholder(message.bytes)) return this.#quarantine(message, unconvertible, raw);
    this.#remember(message, raw, undefined, parsed.raw?.fingerprint);
    const { uid, flags, internalDate } = message;
    return this.#writer.write({
      uid,
      key: this.#keyOf(uid),
      at: this.#batch.context.ports.clock.now(),
      flags,
      internalDate,
      raw,
      message: parsed.message,
      quarantine: parsed.cut === undefined ? undefined : { code: "MESSAGE_TOO_LARGE", reason: parsed.cut },
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
    const { context, blobs } = this.#batch;
    const entry = entryOf(context.ports.digest, message, this.#sizes.get(message.uid) ?? 0, raw, quarantine, fingerprint);
    blobs.note(this.#place, entry);
    this.flags.push(entry);
    const [lowest, highest] = this.#ends ?? [entry, entry];
    if (entry.uid < lowest.uid) this.#ends = [entry, highest];
    else if (entry.uid > highest.uid) this.#ends = [lowest, entry];
    else this.#ends ??= [entry, entry];
  }

  #about(message: Pick<FetchedMessage, "uid" | "flags" | "internalDate">): MessageEventFacts {
    const { uid, flags, internalDate } = message;
    const at = this.#batch.context.ports.clock.now();
    return { ...this.#common, uid, key: this.#keyOf(uid), at, flags, ...(internalDate !== undefined && { internalDate }) };
  }

  #keyOf(uid: number): string {
    return this.#keyPrefix + String(uid);
  }
}

const unconvertible: Quarantine = {
  code: "MESSAGE_UNCONVERTIBLE",
  reason: "Exchange cannot convert this item for IMAP and served a message about that in its place; look at it in Outlook",
};

const killedWorkers: Quarantine = {
  code: "MESSAGE_KILLED_WORKER",
  reason: `a worker died ${limits.killedWorkers} times with this message in hand, so it was stored and not read again`,
};
