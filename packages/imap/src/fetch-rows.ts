import type { FetchAnswer } from "./fetch-answer.ts";
import { answerOf, emptyDraft, readFetchLine, type FetchDraft } from "./fetch-line.ts";

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
  /** The line before the literal. */
  #head: Buffer | undefined;
  /** Of a literal: room for all of it, or its parts as they came. */
  #room: Buffer | undefined;
  #parts: Buffer[] = [];
  #filled = 0;
  #isInLiteral = false;
  /** Of the line that is being read. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(mostLiteralBytes: number) {
    this.#mostLiteralBytes = mostLiteralBytes;
  }

  /** True where nothing is kept: between two answers. */
  get isEmpty(): boolean {
    return this.#head === undefined && this.#restBytes === 0;
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
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end + 1);
      at += piece.length;
      if (this.#restBytes + piece.length > lineBytes) {
        this.#keep(piece);
        return { kind: "declined", next: at, bytes: this.giveBack() };
      }
      if (end < 0) {
        if (piece.length > 0) this.#keep(piece);
        return more;
      }
      const line = this.#rest.length === 0 ? piece : Buffer.concat([...this.#rest, piece]);
      this.#rest = [line];
      this.#restBytes = line.length;
      const read = readFetchLine(line.toString("latin1"), this.#draft, this.#head === undefined, this.#flagsOf);
      if (read === undefined || this.#draft.literalBytes > this.#mostLiteralBytes) {
        return { kind: "declined", next: at, bytes: this.giveBack() };
      }
      if (read === "whole") return { kind: "row", next: at, row: this.#finish() };
      this.#head = line;
      this.#rest = [];
      this.#restBytes = 0;
      const { literalBytes } = this.#draft;
      if (literalBytes <= roomAheadBytes) this.#room = Buffer.allocUnsafe(literalBytes);
      this.#isInLiteral = literalBytes > 0;
    }
  }

  /** All that was kept since the last row, and forgets it. */
  giveBack(): readonly Uint8Array[] {
    const literal = this.#room === undefined ? this.#parts : [this.#room.subarray(0, this.#filled)];
    const bytes = [...(this.#head === undefined ? [] : [this.#head]), ...literal, ...this.#rest].filter(({ length }) => length > 0);
    this.#reset();
    return bytes;
  }

  #keep(piece: Buffer): void {
    this.#rest.push(piece);
    this.#restBytes += piece.length;
  }

  #fill(chunk: Buffer, at: number): number {
    const { literalBytes } = this.#draft;
    const part = chunk.subarray(at, at + literalBytes - this.#filled);
    if (this.#room === undefined) this.#parts.push(part);
    else this.#room.set(part, this.#filled);
    this.#filled += part.length;
    this.#isInLiteral = this.#filled < literalBytes;
    return at + part.length;
  }

  #finish(): FetchAnswer {
    const draft = this.#draft;
    if (draft.literal !== undefined) draft[draft.literal] = this.#room ?? Buffer.concat(this.#parts, this.#filled);
    this.#reset();
    return answerOf(draft);
  }

  #reset(): void {
    this.#draft = emptyDraft();
    this.#head = undefined;
    this.#room = undefined;
    this.#parts = [];
    this.#filled = 0;
    this.#isInLiteral = false;
    this.#rest = [];
    this.#restBytes = 0;
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
