import { DotDecoder } from "./dot-decoder.ts";
import { MessagePieces } from "./message-pieces.ts";
import { readOver, type DrainBudget } from "./read-over.ts";
import type { Wire } from "./wire.ts";

export interface BodyOptions {
  readonly wire: Wire;
  readonly messageBytes: number;
  readonly drain: DrainBudget;
  /** The answer is over, or the connection is. */
  readonly onEnd: () => void;
}

/**
 * One message as it comes, for one reader: `for await (const piece of body)`. The connection serves nothing else until it is read to its
 * end, left, or discarded. A piece is the reader's own, and may be a view of a larger buffer.
 *
 * Leaving it early reads the rest over up to `drainBytes`; where more is left the connection is closed.
 */
export class Pop3Body implements AsyncIterable<Uint8Array> {
  readonly #options: BodyOptions;
  readonly #decoder = new DotDecoder();
  #received = 0;
  #isTaken = false;
  #isOver = false;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  /** The terminator has come: nothing is missing. */
  get isWhole(): boolean {
    return this.#decoder.isEnded;
  }

  /** Nothing more comes, for whatever reason. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that came out so far. */
  get received(): number {
    return this.#received;
  }

  /** @throws Pop3Error `limit` above `messageBytes`, and whatever ends the connection */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.#isTaken) throw new TypeError("A message can be read once");
    this.#isTaken = true;
    try {
      for (;;) {
        const pieces = await this.#next();
        if (pieces.length === 0) return;
        yield* pieces;
      }
    } finally {
      await this.discard();
    }
  }

  /** All of it. @throws Pop3Error `limit` above `maxBytes` or `messageBytes`, and whatever ends the connection */
  async bytes(maxBytes = this.#options.messageBytes): Promise<Buffer> {
    const all = new MessagePieces();
    for await (const piece of this) {
      if (this.#received > maxBytes) throw this.#options.wire.violate("limit", "message-bytes");
      all.add(piece);
    }
    return all.take();
  }

  /** Reads over what is left, or closes the connection. Never throws: the next command says that the connection is over. */
  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isTaken = true;
    await readOver(this.#options.wire, this.#decoder, this.#options.drain);
    this.#isOver = true;
    this.#options.onEnd();
  }

  async #next(): Promise<readonly Uint8Array[]> {
    const { wire, messageBytes } = this.#options;
    const pieces = await wire.pieces(this.#decoder);
    for (const piece of pieces) this.#received += piece.length;
    if (this.#received > messageBytes) throw wire.violate("limit", "message-bytes");
    return pieces;
  }
}
