import {
  syncError,
  type FetchedMessage,
  type FlagRow,
  type FolderStatus,
  type HeaderRow,
  type ListedFolder,
  type Log,
  type MailSession,
  type MessageMeta,
  type SessionFeatures,
  type SpoolKnown,
  type StreamedMessage,
  type SyncError,
} from "@mailfleet/core";
import type { Pop3Client } from "./client/index.ts";
import { isRefusal, MessageReader, type FailurePlace } from "./message-reader.ts";
import { SpoolList, statusAsKnown } from "./spool-list.ts";

export interface SpoolSessionLimits {
  /** A message larger than this, fetched whole, ends the session with MESSAGE_TOO_LARGE; see `describe` and `fetchStream`. */
  readonly literalBytes: number;
  /** A header; a longer one is left out, because the fields of its rest would be missing. */
  readonly headerBytes: number;
  /** For the goodbye of a session that read no message, and of one whose goodbye marks what it read. */
  readonly quitMs: number;
  readonly quitAfterReadingMs: number;
}

export interface SpoolSessionOptions {
  /** Logged in, and STAT was answered. */
  readonly client: Pop3Client;
  /** Messages, by that STAT. */
  readonly count: number;
  readonly known: SpoolKnown | undefined;
  /** QUIT also after messages were read, which marks them as read on Exchange. */
  readonly quits: boolean;
  readonly limits: SpoolSessionLimits;
  readonly log: Log;
  /** Makes the failure that an error stands for. */
  readonly toFailure: (error: unknown, at: FailurePlace) => SyncError;
}

const inbox: ListedFolder = { path: "INBOX", role: "inbox", attributes: [], selectable: true };

/** So many sizes are asked for one by one; for more the whole list costs less. */
const sizesAskedSingly = 8;

/**
 * A mailbox as POP3 shows it: the INBOX alone, as it was when the session began; no flags, no dates, nothing to wait for. Sends UIDL,
 * LIST, TOP, RETR and QUIT, and nothing else: never DELE.
 */
export class SpoolSession implements MailSession {
  readonly features: SessionFeatures = { hasFlags: false, hasCondStore: false, hasIdle: false };
  readonly #options: SpoolSessionOptions;
  readonly #client: Pop3Client;
  #asKnown: FolderStatus | undefined;
  #list: SpoolList | undefined;
  #reader: MessageReader | undefined;
  #sizes: ReadonlyMap<number, number> | undefined;
  #isOpen = false;
  #isClosed = false;
  #ended: SyncError | undefined;
  constructor(options: SpoolSessionOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  async listFolders(): Promise<readonly ListedFolder[]> {
    this.#needAlive();
    return [inbox];
  }

  async status(path: string): Promise<FolderStatus> {
    this.#needInbox(path);
    if (this.#list !== undefined) return this.#list.status;
    this.#asKnown ??= await statusAsKnown(this.#options.count, this.#options.known, (number) => this.#askUidl(number));
    return this.#asKnown ?? (await this.#listed()).status;
  }

  async open(path: string): Promise<FolderStatus> {
    this.#isOpen = false;
    this.#needInbox(path);
    const { status } = await this.#listed();
    this.#isOpen = true;
    return status;
  }

  async listUids(low: number, high: number): Promise<readonly number[]> {
    return (await this.#opened()).uids.filter((uid) => uid >= low && uid <= high);
  }

  async describe(uids: readonly number[]): Promise<readonly MessageMeta[]> {
    const list = await this.#opened();
    const wanted = list.pick(uids);
    if (this.#sizes === undefined && wanted.length > sizesAskedSingly) {
      const rows = await this.#guarded({ phase: "command" }, () => this.#client.list());
      const sizes = new Map<number, number>();
      for (const { number, octets } of rows) sizes.set(number, octets);
      this.#sizes = sizes;
    }
    const found: MessageMeta[] = [];
    for (const { uid, number } of wanted) {
      const size = this.#sizes === undefined ? await this.#askSize(number, uid) : this.#sizes.get(number);
      if (size !== undefined) found.push({ uid, size });
    }
    return found.sort((a, b) => a.uid - b.uid);
  }

  async *fetch(uids: readonly number[]): AsyncGenerator<readonly FetchedMessage[], void, void> {
    yield* this.#read(await this.#opened()).whole(uids, this.#options.limits.literalBytes);
  }

  async fetchStream(uid: number): Promise<StreamedMessage | undefined> {
    return await this.#read(await this.#opened()).inPieces(uid);
  }

  /**
   * Always false: POP3 tells a length only by sending the message, and what it announces is an estimate, by which no message may be set
   * aside. The pieces of `fetchStream` tell.
   */
  async isLongerThan(_uid: number, _bytes: number): Promise<boolean> {
    await this.#opened();
    return false;
  }

  /** The header alone where TOP works: a beginning of the message, not always all of what was asked for. */
  async fetchHead(uid: number, bytes: number): Promise<FetchedMessage | undefined> {
    const reader = this.#read(await this.#opened());
    let found: FetchedMessage | undefined;
    for await (const head of reader.heads([uid], bytes)) found = { uid, flags: [], bytes: head.bytes };
    return found;
  }

  async fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]> {
    const reader = this.#read(await this.#opened());
    const sizes = new Map((await this.describe(uids)).map((row) => [row.uid, row.size]));
    const rows: HeaderRow[] = [];
    for await (const { uid, bytes, isCut } of reader.heads(uids, this.#options.limits.headerBytes)) {
      if (!isCut) rows.push({ uid, size: sizes.get(uid) ?? 0, flags: [], header: bytes });
    }
    return rows;
  }

  async fetchFlags(): Promise<readonly FlagRow[]> {
    await this.#opened();
    throw this.#invariant("POP3 has no flags");
  }

  async idle(): Promise<"moved" | "quiet"> {
    await this.#opened();
    throw this.#invariant("POP3 has nothing to wait for");
  }

  /** QUIT marks what was retrieved as read on Exchange; without it the connection is dropped, and mail stays as it was. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { quits, limits } = this.#options;
    const hasRetrieved = this.#reader?.hasRetrieved === true;
    if (this.#client.ended === undefined && (quits || !hasRetrieved)) {
      const timer = setTimeout(() => this.#client.close(), hasRetrieved ? limits.quitAfterReadingMs : limits.quitMs);
      await this.#client.quit().catch(() => undefined);
      clearTimeout(timer);
    }
    this.#client.close();
  }

  /** @throws what ended the session */
  #needAlive(): void {
    if (this.#ended !== undefined) throw this.#ended;
    const { ended } = this.#client;
    if (ended !== undefined && !this.#isClosed) throw this.#failure(ended, { phase: "command" });
    if (this.#isClosed) throw syncError("SESSION_CLOSED", "The session was closed", { layer: "pop3", phase: "command" });
  }

  #needInbox(path: string): void {
    this.#needAlive();
    if (path === inbox.path) return;
    throw syncError("FOLDER_GONE", "POP3 shows no folder but INBOX", { layer: "pop3", phase: "command", folder: path });
  }

  async #opened(): Promise<SpoolList> {
    this.#needAlive();
    if (this.#isOpen && this.#list !== undefined) return this.#list;
    throw this.#invariant("A session was asked for messages before a folder was opened");
  }

  #invariant(text: string): SyncError {
    return syncError("INVARIANT", text, { layer: "pop3", folder: inbox.path });
  }

  /** Asked for once: what a session shows does not change. */
  async #listed(): Promise<SpoolList> {
    if (this.#list !== undefined) return this.#list;
    const { count, known, log } = this.#options;
    const rows = await this.#guarded({ phase: "command" }, () => this.#client.uidl());
    // Exchange leaves hidden items, and items that it could not convert before, out of its lists: POP3 has fewer messages than IMAP then.
    if (rows.length < count) log.warn({ listed: rows.length, counted: count }, "the server lists fewer messages than it counts");
    this.#list = new SpoolList(rows, count, known?.uidls);
    return this.#list;
  }

  #read(list: SpoolList): MessageReader {
    const { log } = this.#options;
    return (this.#reader ??= new MessageReader({ client: this.#client, list, log, toFailure: (error, at) => this.#failure(error, at) }));
  }

  async #askUidl(number: number): Promise<string | undefined> {
    return await this.#unlessRefused({ phase: "command" }, async () => (await this.#client.uidl(number)).uidl);
  }

  async #askSize(number: number, uid: number): Promise<number | undefined> {
    return await this.#unlessRefused({ phase: "command", uid }, async () => (await this.#client.list(number)).octets);
  }

  async #unlessRefused<T>(at: FailurePlace, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      const failure = this.#failure(error, at);
      if (isRefusal(error) && failure.failure.code === "COMMAND_REFUSED") return undefined;
      throw failure;
    }
  }

  async #guarded<T>(at: FailurePlace, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(error, at);
    }
  }

  /** The first failure that ended the connection is the one that stays. */
  #failure(error: unknown, at: FailurePlace): SyncError {
    const failure = this.#options.toFailure(error, at);
    if (this.#client.ended !== undefined) this.#ended ??= failure;
    return failure;
  }
}
