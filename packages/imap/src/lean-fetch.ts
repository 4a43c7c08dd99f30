import type { FetchAnswer } from "./fetch-answer.ts";
import { FetchRows } from "./fetch-rows.ts";
import { processingResponse, streamerInLine, streamerInLiteral, type ImapFlowInternals } from "./imapflow-internals.ts";

/** Takes one row; a promise holds the reader back until it resolves. */
export type OnFetched = (row: FetchAnswer) => Promise<void> | void;

/**
 * Reads the answers to FETCH in front of imapflow's parser, which walks through each of them one character and one promise after the
 * other. What is not of the one shape that nearly all have is given to that parser, byte for byte and in its place; so is everything while
 * no FETCH is under way.
 */
export class LeanFetch {
  readonly #imap: ImapFlowInternals;
  readonly #rows: FetchRows;
  readonly #parse: (chunk: Buffer) => Promise<void>;
  #onFetched: OnFetched | undefined;

  constructor(imap: ImapFlowInternals, mostLiteralBytes: number) {
    this.#imap = imap;
    this.#rows = new FetchRows(mostLiteralBytes);
    this.#parse = imap.streamer.processInputChunk.bind(imap.streamer);
    imap.streamer.processInputChunk = (chunk) =>
      this.#onFetched === undefined && this.#rows.isEmpty ? this.#parse(chunk) : this.#read(chunk);
  }

  /** True while bytes of a literal are awaited here. */
  get isInLiteral(): boolean {
    return this.#rows.isInLiteral;
  }

  /** The rows of the command that is sent now; undefined when it is over. */
  listen(onFetched: OnFetched | undefined): void {
    this.#onFetched = onFetched;
  }

  async #read(chunk: Buffer): Promise<void> {
    const { streamer } = this.#imap;
    for (let at = 0; at < chunk.length && !streamer.destroyed;) {
      if (!this.#isBetweenAnswers()) {
        const rest = this.#ofAnswer(chunk.subarray(at));
        await this.#parse(rest);
        at += rest.length;
        continue;
      }
      // The command may be over by now, with something behind its answer.
      if (this.#onFetched === undefined) return this.#parseAll([...this.#rows.giveBack(), chunk.subarray(at)]);
      const step = this.#rows.feed(chunk, at);
      if (step.kind === "more") return;
      at = step.next;
      if (step.kind === "declined") await this.#parseAll(step.bytes);
      else {
        const held = this.#onFetched(step.row);
        if (held !== undefined) await this.#waitFor(held);
      }
    }
  }

  async #waitFor(held: Promise<void>): Promise<void> {
    // As imapflow does it: the silence that follows is ours, and its timer must not take it for the server's.
    this.#imap[processingResponse] = true;
    try {
      await held;
    } finally {
      this.#imap[processingResponse] = false;
    }
  }

  async #parseAll(bytes: readonly Uint8Array[]): Promise<void> {
    for (const one of bytes) await this.#parse(one as Buffer);
  }

  #isBetweenAnswers(): boolean {
    const { state, lineBytes, inputBuffer } = this.#imap.streamer;
    return state === streamerInLine && lineBytes === 0 && inputBuffer.length === 0;
  }

  /** How much of the bytes imapflow may have before it has to be asked again whether an answer ended. */
  #ofAnswer(rest: Buffer): Buffer {
    const { state, literalWaiting } = this.#imap.streamer;
    if (state === streamerInLiteral && literalWaiting > 0) return rest.subarray(0, literalWaiting);
    const end = rest.indexOf(10);
    return end < 0 ? rest : rest.subarray(0, end + 1);
  }
}
