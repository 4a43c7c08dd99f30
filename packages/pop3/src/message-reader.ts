import {
  classifyPop3,
  isMessageRefusal,
  type ErrorFacts,
  type FetchedMessage,
  type Log,
  type StreamedMessage,
  type SyncError,
} from "@mailfleet/core";
import { isPop3Error, type Pop3Body, type Pop3Client, type Pop3Error } from "./client/index.ts";
import { readHead, type Head } from "./read-head.ts";
import type { SpoolList } from "./spool-list.ts";

export interface FailurePlace {
  readonly phase: "first-command" | "command" | "fetch";
  readonly uid?: number | undefined;
}

export interface MessageReaderOptions {
  readonly client: Pop3Client;
  readonly list: SpoolList;
  readonly log: Log;
  /** Makes the failure that an error stands for. */
  readonly toFailure: (error: unknown, at: FailurePlace) => SyncError;
}

/** POP3 has none. */
const noFlags: readonly string[] = [];

/** Reads messages of a session's list by TOP and RETR; what the server withholds is absent. */
export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #client: Pop3Client;
  readonly #list: SpoolList;
  #hasRetrieved = false;
  /** A message that the server gave. */
  #given: number | undefined;
  #usesTop: boolean;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#list = options.list;
    this.#usesTop = options.client.capabilities.has("TOP");
  }

  /** RETR was sent: from here on QUIT marks mail as read. */
  get hasRetrieved(): boolean {
    return this.#hasRetrieved;
  }

  /** In the given order, each once. @throws SyncError MESSAGE_TOO_LARGE above `most` bytes, and what ends the session */
  async *whole(uids: readonly number[], most: number): AsyncGenerator<readonly FetchedMessage[], void, void> {
    const numbers = this.#list.pick(uids).map(({ number }) => number);
    if (numbers.length === 0) return;
    this.#hasRetrieved = true;
    const unclear: SyncError[] = [];
    for await (const items of this.#orDrop(this.#client.retrWhole(numbers, most))) {
      let messages: FetchedMessage[] = [];
      for (const item of items) {
        const { number, refusal } = item;
        const uid = this.#uidOf(number);
        if (refusal === undefined) {
          messages.push({ uid, flags: noFlags, bytes: item.bytes, letGo: item.letGo });
          this.#given = number;
          continue;
        }
        // It may end the session: what came before it is given first.
        if (messages.length > 0) yield messages;
        messages = [];
        unclear.push(...this.#readRefusal(refusal, uid));
      }
      if (messages.length > 0) yield messages;
    }
    await this.#needAnother(unclear);
  }

  /** Undefined when the server withholds it. */
  async inPieces(uid: number): Promise<StreamedMessage | undefined> {
    const number = this.#list.numberOf(uid);
    const body = number === undefined ? undefined : await this.#retrieve(number, uid);
    if (number === undefined || body === undefined) return undefined;
    return { uid, flags: [], pieces: this.#pieces(number, uid, body), isWhole: () => body.isWhole };
  }

  /** Headers, at most `bytes` of each, in any order. */
  async *heads(uids: readonly number[], bytes: number): AsyncGenerator<Head & { readonly uid: number }, void, void> {
    let rest = this.#list.pick(uids);
    if (this.#usesTop && rest.length > 0) {
      const refused = new Set<number>();
      const numbers = rest.map(({ number }) => number);
      for await (const item of this.#orDrop(this.#client.topEach(numbers, 0))) {
        const uid = this.#uidOf(item.number);
        if (item.body === undefined) {
          // RETR tells whether it is the command or the message.
          if (this.#readRefusal(item.refusal, uid, isCommandRefusal).length > 0) refused.add(uid);
          continue;
        }
        const { body } = item;
        yield { uid, ...(await this.#guarded(uid, () => readHead(body, bytes))) };
      }
      if (refused.size === rest.length) this.#usesTop = false;
      rest = rest.filter(({ uid }) => refused.has(uid));
    }
    for (const { number, uid } of rest) {
      const body = await this.#retrieve(number, uid);
      if (body !== undefined) yield { uid, ...(await this.#guarded(uid, () => readHead(body, bytes))) };
    }
  }

  async #retrieve(number: number, uid: number): Promise<Pop3Body | undefined> {
    this.#hasRetrieved = true;
    try {
      return await this.#client.retr(number);
    } catch (error) {
      if (!isRefusal(error)) throw this.#failure(error, uid);
      await this.#needAnother(this.#readRefusal(error, uid));
      return undefined;
    }
  }

  async *#pieces(number: number, uid: number, body: Pop3Body): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const piece of body) yield piece;
      this.#given = number;
    } catch (error) {
      throw this.#failure(error, uid);
    }
  }

  #uidOf(number: number): number {
    return this.#list.uidOf(number) ?? 0;
  }

  /** What a connection gives. One whose messages nobody takes any more is dropped: they would all have to be read. */
  async *#orDrop<T>(items: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
    let isDone = false;
    try {
      for (;;) {
        const next = await items.next().catch((error: unknown) => {
          throw this.#failure(error, this.#list.uidOf(numberIn(error)));
        });
        if (next.done === true) break;
        yield next.value;
      }
      isDone = true;
    } finally {
      if (!isDone) this.#client.close();
      await items.return();
    }
  }

  /**
   * What a refusal of one message means: nothing where the server withholds it in words that are known, else the failure that it is unless
   * the server gives others.
   * @throws SyncError for a refusal that has another cause than the message
   */
  #readRefusal(refusal: Pop3Error, uid: number, isAboutMessage = isMessageRefusal): readonly SyncError[] {
    const failure = this.#failure(refusal, uid);
    if (!isAboutMessage(failure.failure.facts)) throw failure;
    this.#options.log.warn({ uid, text: failure.failure.facts.text }, "the server refuses a message that it lists");
    return withheldWords.test(refusal.text ?? "") ? [] : [failure];
  }

  /**
   * Refused in words that nobody knows: it is these messages' fault only if the server still gives another one. Else it may be that it gives
   * none just now, and all of them would be given up for that.
   */
  async #needAnother(unclear: readonly SyncError[]): Promise<void> {
    const [first] = unclear;
    if (first === undefined) return;
    const refused = new Set(unclear.map(({ failure }) => failure.facts.uid));
    const other = this.#given ?? this.#list.numberOf(this.#list.uids.find((uid) => !refused.has(uid)) ?? 0);
    if (other === undefined) throw first;
    try {
      await (await this.#client.retr(other)).discard();
    } catch (error) {
      throw isRefusal(error) ? first : this.#failure(error, undefined);
    }
  }

  async #guarded<T>(uid: number, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(error, uid);
    }
  }

  #failure(error: unknown, uid: number | undefined): SyncError {
    return this.#options.toFailure(error, { phase: "fetch", uid });
  }
}

/** One message is gone, or cannot be made from what is stored: the words of Exchange, Dovecot and other servers. */
const withheldWords = /message corrupted|expunged|already deleted|marked for deletion|no such message|no longer exist|message not found/i;

export function isRefusal(error: unknown): error is Pop3Error {
  return isPop3Error(error) && error.kind === "refused" && !error.isOver;
}

function isCommandRefusal(facts: ErrorFacts): boolean {
  return classifyPop3(facts).code === "COMMAND_REFUSED";
}

/** Which message was asked for when it happened; 0 for none. */
function numberIn(error: unknown): number {
  return isPop3Error(error) ? Number(/^(?:RETR|TOP) (\d{1,10})/.exec(error.during)?.[1] ?? 0) : 0;
}
