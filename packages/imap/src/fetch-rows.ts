import type { FetchAnswer } from "./fetch-answer.ts";
import { emptyDraft, readFetchLine, type FetchDraft, type Literal } from "./fetch-line.ts";

/** Longer than any line of the usual shape: 500 characters of header names and a dozen flags. */
const lineBytes = 2_048;
/** Up to here the room for a literal is taken when it is announced; above, when its bytes have come. */
const roomAheadBytes = 256 * 1024;
/** More combinations of flags than this in one mailbox are not flags that anybody sets. */
const mostFlagLists = 4_096;

/** What became of the bytes up to `next`. */
export type Step =
  /** They were kept: the answer goes on behind them. */
  | { readonly kind: "more" }
  | { readonly kind: "row"; readonly next: number; readonly row: FetchAnswer }
  /** They are nothing for this reader, with all that was kept since the last row: here it is as it came. */
  | { readonly kind: "declined"; readonly next: number; readonly bytes: readonly Uint8Array[] };

const more: Step = { kind: "more" };

/**
 * Cuts the bytes of a server into FETCH answers of the usual shape, whatever chunks they come in. At most one literal, copied once, so that
 * no message holds on to what came with it.
 */
export class FetchRows {
  readonly #mostLiteralBytes: number;
  readonly #flagLists = new Map<string, readonly string[]>();
  #draft: FetchDraft = emptyDraft();
  /** The line before the literal, one character a byte, and what it announced. */
  #head = "";
  #literal: Literal | undefined;
  /** Of a literal: room for all of it, or its parts as they came. */
  #room: Buffer | undefined;
  #parts: Buffer[] = [];
  #filled = 0;
  #isInLiteral = false;
  /** Of the line that is being read, one character a byte. */
  #rest = "";

  constructor(mostLiteralBytes: number) {
    this.#mostLiteralBytes = mostLiteralBytes;
  }

  /** True where nothing is kept: between two answers. */
  get isEmpty(): boolean {
    return this.#head === "" && this.#rest === "";
  }

  /** True while bytes of a literal are awaited. */
  get isInLiteral(): boolean {
    return this.#isInLiteral;
  }

  /** Reads on from `from`, which is where the last step ended, or the beginning of an answer. */
  feed(chunk: Buffer, from: number): Step {
    let at = from;
    for (;;) {
      if (this.#isInLiteral) {
        at = this.#fill(chunk, at);
        if (this.#isInLiteral) return more;
      }
      const end = chunk.indexOf(10, at);
      const next = end < 0 ? chunk.length : end + 1;
      if (this.#rest.length + next - at > lineBytes) {
        return { kind: "declined", next, bytes: [...this.giveBack(), chunk.subarray(at, next)] };
      }
      this.#rest += chunk.toString("latin1", at, next);
      if (end < 0) return more;
      at = next;
      const read = readFetchLine(this.#rest, this.#draft, this.#head === "", this.#flagsOf);
      if (read === "whole") return { kind: "row", next, row: this.#finish() };
      if (read === undefined || read.bytes > this.#mostLiteralBytes) return { kind: "declined", next, bytes: this.giveBack() };
      this.#head = this.#rest;
      this.#rest = "";
      this.#literal = read;
      if (read.bytes <= roomAheadBytes) this.#room = Buffer.allocUnsafe(read.bytes);
      this.#isInLiteral = read.bytes > 0;
    }
  }

  /** All that was kept since the last row, and forgets it. */
  giveBack(): readonly Uint8Array[] {
    const literal = this.#room === undefined ? this.#parts : [this.#room.subarray(0, this.#filled)];
    const bytes = [Buffer.from(this.#head, "latin1"), ...literal, Buffer.from(this.#rest, "latin1")];
    this.#reset();
    return bytes.filter(({ length }) => length > 0);
  }

  #fill(chunk: Buffer, at: number): number {
    const { bytes } = this.#literal as Literal;
    const end = Math.min(chunk.length, at + bytes - this.#filled);
    if (this.#room === undefined) this.#parts.push(chunk.subarray(at, end));
    else chunk.copy(this.#room, this.#filled, at, end);
    this.#filled += end - at;
    this.#isInLiteral = this.#filled < bytes;
    return end;
  }

  #finish(): FetchAnswer {
    const answer = this.#draft;
    if (this.#literal !== undefined) answer[this.#literal.item] = this.#room ?? Buffer.concat(this.#parts, this.#filled);
    this.#reset();
    return answer;
  }

  #reset(): void {
    this.#draft = emptyDraft();
    this.#head = "";
    this.#literal = undefined;
    this.#room = undefined;
    this.#parts = [];
    this.#filled = 0;
    this.#isInLiteral = false;
    this.#rest = "";
  }

  readonly #flagsOf = (words: string): readonly string[] => {
    const known = this.#flagLists.get(words);
    if (known) return known;
    // \Recent tells about the session, not about the message.
    const flags = words.split(" ").filter((flag) => flag !== "" && flag.toLowerCase() !== "\\recent");
    if (this.#flagLists.size < mostFlagLists) this.#flagLists.set(words, flags);
    return flags;
  };
}
