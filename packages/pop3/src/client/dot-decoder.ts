const cr = 13;
const lf = 10;
const dot = 46;
const lineThenDot = Buffer.from("\r\n.");
const carriageReturn = Buffer.from("\r");

/** Takes a part of a message: the bytes of `chunk` from `from` to `to`, which is at least one further. */
export type TakePiece = (chunk: Buffer, from: number, to: number) => void;

/** What the bytes so far end in. */
type State =
  /** At the beginning of a line: after CR LF, or at the beginning of all. */
  | "line"
  /** In a line. */
  | "middle"
  /** After a CR, which is part of the message whatever follows. */
  | "cr"
  /** After a dot at the beginning of a line: it is no part of the message whatever follows. */
  | "dot"
  /** After such a dot and a CR. */
  | "dot-cr"
  | "end";

/**
 * Takes a multi-line answer (RFC 1939 section 3) off the wire: dots that were stuffed go, and CR LF, dot, CR LF ends it, wherever chunks
 * are cut. Every other byte stays as it is: NUL, 8-bit, lone CR and LF, which begin no line.
 */
export class DotDecoder {
  #state: State = "line";

  get isEnded(): boolean {
    return this.#state === "end";
  }

  /**
   * Decodes `chunk` from `from` on, in place: what it emits are parts of the chunk, one or two for each call, and the chunk's own bytes
   * move. So a chunk is given to one decoder only, and once.
   *
   * @returns where the decoder stopped: behind the end of the answer, or at the end of the chunk
   */
  push(chunk: Buffer, from: number, emit: TakePiece): number {
    let read = from;
    /** What is kept ends at `written`; what is kept from `run` to `read` has not been moved there yet. */
    let written = from;
    let run = from;
    while (read < chunk.length && this.#state !== "end") {
      switch (this.#state) {
        case "middle": {
          const found = chunk.indexOf(lineThenDot, read);
          if (found === -1) {
            this.#state = stateAfter(chunk, read);
            read = chunk.length;
          } else {
            this.#state = "line";
            read = found + 2;
          }
          break;
        }
        case "line":
          if (chunk[read] === dot) {
            written = moveDown(chunk, written, run, read);
            run = ++read;
            this.#state = "dot";
          } else this.#state = "middle";
          break;
        case "cr":
          if (chunk[read] === lf) {
            read++;
            this.#state = "line";
          } else this.#state = "middle";
          break;
        case "dot":
          if (chunk[read] === cr) {
            run = ++read;
            this.#state = "dot-cr";
          } else this.#state = "middle";
          break;
        case "dot-cr":
          if (chunk[read] === lf) {
            run = ++read;
            this.#state = "end";
          } else {
            // The CR belongs to the message after all. It was in this chunk, where the dot has left room for it, or in the one before.
            if (read > from) chunk[written++] = cr;
            else emit(carriageReturn, 0, 1);
            this.#state = "middle";
          }
          break;
      }
    }
    written = moveDown(chunk, written, run, read);
    if (written > from) emit(chunk, from, written);
    return read;
  }
}

/** @returns the end of what was moved */
function moveDown(chunk: Buffer, to: number, from: number, end: number): number {
  if (to !== from) chunk.copyWithin(to, from, end);
  return to + end - from;
}

/** The state after the rest of a chunk that was read in the middle of a line and has no CR LF dot. */
function stateAfter(chunk: Buffer, from: number): State {
  const last = chunk.length - 1;
  if (chunk[last] === cr) return "cr";
  return chunk[last] === lf && last > from && chunk[last - 1] === cr ? "line" : "middle";
}
