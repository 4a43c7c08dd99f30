import type { DotDecoder, TakePiece } from "./dot-decoder.ts";

const lf = 10;
const cr = 13;
const nothing = Buffer.alloc(0);

/** What an object for a chunk costs besides its bytes, so that a megabyte that comes byte by byte is no gigabyte here. */
const chunkOverhead = 256;

/** So many places of used chunks are kept before they are given back together. */
const usedChunksAtMost = 1_024;

/** Bytes that have come and were not used, in the chunks they came in. Nothing is copied but a line that two chunks share. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  /** Index of the first chunk that is not used up, and of its first byte. */
  #head = 0;
  #offset = 0;
  #size = 0;
  /** The beginning of a line whose end has not come. Its bytes have left the chunks. */
  #partial: Buffer = nothing;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length + chunkOverhead;
  }

  /** About the memory that is held. */
  get size(): number {
    return this.#size + this.#partial.length;
  }

  get isEmpty(): boolean {
    return this.#head === this.#chunks.length && this.#partial.length === 0;
  }

  /**
   * The next line without its CR LF; undefined while its end has not come.
   * @returns `too-long` when more than `maxBytes` came without an end, or with one
   */
  takeLine(maxBytes: number): Buffer | "too-long" | undefined {
    for (;;) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined) return undefined;
      const from = this.#offset;
      const wasCut = this.#partial.at(-1) === cr && chunk[from] === lf;
      const end = wasCut ? from - 1 : endOfLine(chunk, from);
      if (end === undefined) {
        if (this.#partial.length + chunk.length - from > maxBytes + 1) return "too-long";
        this.#partial = Buffer.concat([this.#partial, chunk.subarray(from)]);
        this.#use(chunk.length);
        continue;
      }
      const line = wasCut ? this.#partial.subarray(0, -1) : joined(this.#partial, chunk.subarray(from, end));
      this.#partial = nothing;
      this.#use(end + 2);
      return line.length > maxBytes ? "too-long" : line;
    }
  }

  /** Gives a decoder the chunk that comes next, or what is left of it. @returns false when there is none */
  decode(decoder: DotDecoder, emit: TakePiece): boolean {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return false;
    this.#use(decoder.push(chunk, this.#offset, emit));
    return true;
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#offset = 0;
    this.#size = 0;
    this.#partial = nothing;
  }

  /** The head chunk is used up to `end`. */
  #use(end: number): void {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return;
    if (end < chunk.length) {
      this.#size -= end - this.#offset;
      this.#offset = end;
      return;
    }
    this.#size -= chunk.length - this.#offset + chunkOverhead;
    this.#chunks[this.#head] = nothing;
    this.#head++;
    this.#offset = 0;
    if (this.#head === this.#chunks.length || this.#head === usedChunksAtMost) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** Where the CR LF of the line at `from` is. */
function endOfLine(chunk: Buffer, from: number): number | undefined {
  for (let at = from; ;) {
    const found = chunk.indexOf(lf, at);
    if (found === -1) return undefined;
    if (found > from && chunk[found - 1] === cr) return found - 1;
    at = found + 1;
  }
}

function joined(before: Buffer, rest: Buffer): Buffer {
  return before.length === 0 ? rest : Buffer.concat([before, rest]);
}
