import type { PieceReader } from "../mail/connection.ts";
import { CommandReader } from "./command-reader.ts";
import type { ReaderEvent } from "./command-reader.ts";

/** Reading stops while so many pipelined pieces wait. */
const mostQueued = 64;

/** Commands as they were cut, one after the other. */
export class CommandQueue implements PieceReader<ReaderEvent> {
  readonly #reader = new CommandReader();
  readonly #queue: ReaderEvent[] = [];

  push(chunk: Buffer): void {
    this.#queue.push(...this.#reader.push(chunk));
  }

  take(): ReaderEvent | undefined {
    return this.#queue.shift();
  }

  get isFull(): boolean {
    return this.#queue.length > mostQueued;
  }
}
