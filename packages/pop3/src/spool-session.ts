import {
  classifyPop3,
  isMessageRefusal,
  syncError,
  type ErrorFacts,
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
import { isPop3Error, type Pop3Body, type Pop3Client, type Pop3Error, type Pop3Item } from "./client/index.ts";
import { readHead, type Head } from "./read-head.ts";
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

export interface FailurePlace {
  readonly phase: "first-command" | "command" | "fetch";
  readonly uid?: number | undefined;
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
  #sizes: ReadonlyMap<number, number> | undefined;
  #isOpen = false;
  #isClosed = false;
  #ended: SyncError | undefined;
  /** RETR was sent: from here on QUIT marks mail as read. */
  #hasRetrieved = false;
  /** A message came: the server does give messages. */
  #hasReceived = false;
  #usesTop: boolean;

  constructor(options: SpoolSessionOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#usesTop = options.client.capabilities.has("TOP");
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
      this.#sizes = new Map(rows.map(({ number, octets }) => [number, octets]));
    }
    const found: MessageMeta[] = [];
    for (const { uid, number } of wanted) {
      const size = this.#sizes === undefined ? await this.#askSize(number, uid) : this.#sizes.get(number);
      if (size !== undefined) found.push({ uid, size });
    }
    return found.sort((a, b) => a.uid - b.uid);
  }

  async *fetch(uids: readonly number[]): AsyncGenerator<FetchedMessage, void, void> {
    const list = await this.#opened();
    const numbers = list.pick(uids).map(({ number }) => number);
    if (numbers.length === 0) return;
    this.#hasRetrieved = true;
    let unclear: SyncError | undefined;
    for await (const { uid, item } of this.#items(list, this.#client.retrEach(numbers))) {
      if (item.refusal !== undefined) {
        unclear ??= this.#readRefusal(item.refusal, uid);
        continue;
      }
      const { body } = item;
      const bytes = await this.#guarded({ phase: "fetch", uid }, () => body.bytes(this.#options.limits.literalBytes));
      this.#hasReceived = true;
      yield { uid, flags: [], bytes };
    }
    if (unclear !== undefined && !this.#hasReceived) throw unclear;
  }

  async fetchStream(uid: number): Promise<StreamedMessage | undefined> {
    const list = await this.#opened();
    const number = list.numberOf(uid);
    if (number === undefined) return undefined;
    const body = await this.#retrieve(number, uid);
    return body && { uid, flags: [], pieces: this.#pieces(uid, body), isWhole: () => body.isWhole };
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
    const list = await this.#opened();
    let found: FetchedMessage | undefined;
    for await (const head of this.#heads(list, [uid], bytes)) found = { uid, flags: [], bytes: head.bytes };
    return found;
  }

  async fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]> {
    const list = await this.#opened();
    const sizes = new Map((await this.describe(uids)).map((row) => [row.uid, row.size]));
    const rows: HeaderRow[] = [];
    for await (const { uid, bytes, isCut } of this.#heads(list, uids, this.#options.limits.headerBytes)) {
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
    if (this.#client.ended === undefined && (quits || !this.#hasRetrieved)) {
      const timer = setTimeout(() => this.#client.close(), this.#hasRetrieved ? limits.quitAfterReadingMs : limits.quitMs);
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
    this.#list ??= new SpoolList(await this.#guarded({ phase: "command" }, () => this.#client.uidl()), this.#options.known?.uidls);
    return this.#list;
  }

  async #askUidl(number: number): Promise<string | undefined> {
    return await this.#unlessRefused({ phase: "command" }, async () => (await this.#client.uidl(number)).uidl);
  }

  async #askSize(number: number, uid: number): Promise<number | undefined> {
    return await this.#unlessRefused({ phase: "command", uid }, async () => (await this.#client.list(number)).octets);
  }

  /** Undefined when the server withholds the message. */
  async #retrieve(number: number, uid: number): Promise<Pop3Body | undefined> {
    this.#hasRetrieved = true;
    try {
      return await this.#client.retr(number);
    } catch (error) {
      if (!isRefusal(error)) throw this.#failure(error, { phase: "fetch", uid });
      const unclear = this.#readRefusal(error, uid);
      if (unclear === undefined || this.#hasReceived) return undefined;
      throw unclear;
    }
  }

  async *#pieces(uid: number, body: Pop3Body): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const piece of body) yield piece;
      this.#hasReceived = true;
    } catch (error) {
      throw this.#failure(error, { phase: "fetch", uid });
    }
  }

  /** Headers of messages, at most `bytes` of each; those of messages that are withheld are absent. */
  async *#heads(list: SpoolList, uids: readonly number[], bytes: number): AsyncGenerator<Head & { readonly uid: number }, void, void> {
    let rest = list.pick(uids);
    if (this.#usesTop && rest.length > 0) {
      const refused = new Set<number>();
      const numbers = rest.map(({ number }) => number);
      for await (const { uid, item } of this.#items(list, this.#client.topEach(numbers, 0))) {
        if (item.body === undefined) {
          // RETR tells whether it is the command or the message.
          if (this.#readRefusal(item.refusal, uid, isCommandRefusal) !== undefined) refused.add(uid);
          continue;
        }
        const { body } = item;
        yield { uid, ...(await this.#guarded({ phase: "fetch", uid }, () => readHead(body, bytes))) };
      }
      if (refused.size === rest.length) this.#usesTop = false;
      rest = rest.filter(({ uid }) => refused.has(uid));
    }
    for (const { number, uid } of rest) {
      const body = await this.#retrieve(number, uid);
      if (body !== undefined) yield { uid, ...(await this.#guarded({ phase: "fetch", uid }, () => readHead(body, bytes))) };
    }
  }

  /** Messages with their UIDs. A connection whose messages nobody takes any more is dropped: they would all have to be read. */
  async *#items(list: SpoolList, items: AsyncGenerator<Pop3Item, void, void>): AsyncGenerator<{ uid: number; item: Pop3Item }, void, void> {
    let isDone = false;
    try {
      for (;;) {
        const next = await items.next().catch((error: unknown) => {
          throw this.#failure(error, { phase: "fetch", uid: list.uidOf(numberIn(error)) });
        });
        if (next.done === true) break;
        yield { uid: list.uidOf(next.value.number) ?? 0, item: next.value };
      }
      isDone = true;
    } finally {
      if (!isDone) this.#client.close();
      await items.return();
    }
  }

  /**
   * What a refusal of one message means: undefined when the server withholds it in words that are known, the failure when that is not
   * clear: it is withheld then if the server gives others.
   * @throws SyncError for a refusal that has another cause than the message
   */
  #readRefusal(refusal: Pop3Error, uid: number, isAboutMessage = isMessageRefusal): SyncError | undefined {
    const failure = this.#failure(refusal, { phase: "fetch", uid });
    if (!isAboutMessage(failure.failure.facts)) throw failure;
    this.#options.log.warn({ uid, text: failure.failure.facts.text }, "the server refuses a message that it lists");
    return withheldWords.test(refusal.text ?? "") ? undefined : failure;
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

/** One message is gone, or cannot be made (exchange-online.md section 4): the words of Exchange, Dovecot and other servers. */
const withheldWords = /message corrupted|expunged|already deleted|marked for deletion|no such message|no longer exist|message not found/i;

function isRefusal(error: unknown): error is Pop3Error {
  return isPop3Error(error) && error.kind === "refused" && !error.isOver;
}

function isCommandRefusal(facts: ErrorFacts): boolean {
  return classifyPop3(facts).code === "COMMAND_REFUSED";
}

/** Which message was asked for when it happened; 0 for none. */
function numberIn(error: unknown): number {
  return isPop3Error(error) ? Number(/^(?:RETR|TOP) (\d{1,10})/.exec(error.during)?.[1] ?? 0) : 0;
}
