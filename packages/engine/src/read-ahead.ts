import { type FetchedMessage, limits, type MessageMeta } from "@mailfleet/core";
import type { SessionContext } from "./ports.ts";

/** What a batch holds while it is worked on, by the sizes that were announced; what is above the limit goes through in pieces. */
export function bytesHeldBy(metas: readonly MessageMeta[]): number {
  return metas.reduce((sum, meta) => sum + Math.min(meta.size, limits.streamAboveBytes), 0);
}

/**
 * The next batch on its way: fetched, and nothing else, while the one before is parsed, stored and committed. Its messages are taken once.
 * A failure is told to whoever takes them, in its turn: the batch before is not touched by it.
 */
export class ReadAhead implements AsyncIterable<readonly FetchedMessage[]> {
  /** Room in the process' budget of bytes; whoever takes the messages gives it back. */
  readonly room: Promise<() => void>;
  readonly #signal: AbortSignal;
  readonly #iterator: AsyncIterator<readonly FetchedMessage[]>;
  #ready: FetchedMessage[] = [];
  #filling: Promise<void>;
  #isTaken = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor({ ports, session, signal }: SessionContext, metas: readonly MessageMeta[]) {
    this.#signal = signal;
    this.room = ports.bytes.take(bytesHeldBy(metas), signal);
    this.#iterator = session.fetch(metas.map(({ uid }) => uid))[Symbol.asyncIterator]();
    this.#filling = this.room.then(() => this.#fill());
    // There was no room before the session ended: whoever takes the messages asks for it first.
    this.#filling.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly FetchedMessage[], void, void> {
    this.#isTaken = true;
    try {
      for (;;) {
        const ready = this.#ready;
        this.#ready = [];
        if (ready.length > 0) yield ready;
        else if (this.#failure) throw this.#failure.error;
        else if (this.#isOver) return;
        else await this.#more();
      }
    } finally {
      await this.#leave();
    }
  }

  /**
   * Nobody takes the messages. They are read over, so that the session can be used on; one that ends anyway is left in the middle of them.
   * Never throws: a session that broke tells its next caller.
   */
  async drop(isEnding: boolean): Promise<void> {
    this.#isTaken = true;
    const left = (isEnding ? this.#leave() : this.#readOver()).catch(() => undefined);
    // A server that stands still holds nobody who ends: closing the session ends this as well.
    if (!isEnding) await left;
    await this.room.then(
      (giveBack) => giveBack(),
      () => undefined,
    );
  }

  async #readOver(): Promise<void> {
    while (!this.#isOver) {
      await this.#more();
      this.#ready = [];
    }
  }

  /** A server may send more than it announced: then the rest waits on its side, but for what came together with the last of it. */
  async #fill(): Promise<void> {
    for (let held = 0; held < limits.readAheadBytes && !this.#isOver && !this.#isTaken;) held += await this.#pull();
  }

  /** What was asked for already, and then whatever comes next. */
  async #more(): Promise<void> {
    const filling = this.#filling;
    this.#filling = Promise.resolve();
    const before = this.#ready.length;
    await filling;
    if (this.#ready.length === before && !this.#isOver) await this.#pull();
  }

  /** Whoever lost the right to the mailbox asks for nothing more. @returns the bytes that came */
  async #pull(): Promise<number> {
    let came = 0;
    try {
      this.#signal.throwIfAborted();
      const next = await this.#iterator.next();
      if (next.done === true) this.#isOver = true;
      else {
        for (const message of next.value) {
          this.#ready.push(message);
          came += message.bytes.length;
        }
      }
    } catch (error) {
      this.#isOver = true;
      this.#failure = { error };
    }
    return came;
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#iterator.return?.();
  }
}
