/**
 * Cuts the bytes of a connection into command lines with their literals (RFC 9051 sections 2.2 and 4.3, LITERAL+ of RFC 7888).
 * Pure: bytes in, pieces out; the session decides what to say.
 */
export interface RawCommand {
  /** Line pieces and literals by turns: text, literal, text, ... Always an odd number of pieces. The text is latin1. */
  readonly texts: readonly string[];
  readonly literals: readonly Buffer[];
}

export type ReaderEvent =
  | { readonly kind: "command"; readonly command: RawCommand }
  /** A synchronising literal: the client waits for `+`. */
  | { readonly kind: "continue" }
  | { readonly kind: "too-long"; readonly what: "line" | "literal"; readonly tag: string };

export interface ReaderLimits {
  /** On premises MaxCommandSize is 10,240 by default, 16,384 at most. */
  readonly lineBytes: number;
  /** A literal in anything but APPEND. */
  readonly literalBytes: number;
  readonly appendBytes: number;
}

const defaultReaderLimits: ReaderLimits = { lineBytes: 16_384, literalBytes: 65_536, appendBytes: 160 * 1024 * 1024 };

export class CommandReader {
  readonly limits: ReaderLimits;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #texts: string[] = [];
  #literals: Buffer[] = [];
  #textBytes = 0;
  #literalLeft = 0;
  #inLiteral = false;
  #dead = false;

  constructor(limits: ReaderLimits = defaultReaderLimits) {
    this.limits = limits;
  }

  /** After `too-long` nothing more comes: the connection cannot be understood any more. */
  push(chunk: Buffer): ReaderEvent[] {
    const events: ReaderEvent[] = [];
    let at = 0;
    while (at < chunk.length && !this.#dead) {
      if (this.#inLiteral) at = this.#takeLiteral(chunk, at);
      else at = this.#takeLine(chunk, at, events);
    }
    return events;
  }

  #takeLiteral(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#literalLeft);
    this.#pending.push(Buffer.from(chunk.subarray(at, end)));
    this.#literalLeft -= end - at;
    if (this.#literalLeft === 0) this.#endLiteral();
    return end;
  }

  #endLiteral(): void {
    this.#literals.push(this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#inLiteral = false;
  }

  #takeLine(chunk: Buffer, at: number, events: ReaderEvent[]): number {
    const newline = chunk.indexOf(0x0a, at);
    const end = newline < 0 ? chunk.length : newline;
    if (this.#textBytes + this.#pendingBytes + end - at > this.limits.lineBytes) {
      this.#fail("line", events);
      return chunk.length;
    }
    if (newline < 0) {
      this.#pending.push(Buffer.from(chunk.subarray(at, end)));
      this.#pendingBytes += end - at;
      return end;
    }
    let line = Buffer.concat([...this.#pending, chunk.subarray(at, end)]).toString("latin1");
    this.#pending = [];
    this.#pendingBytes = 0;
    if (line.endsWith("\r")) line = line.slice(0, -1);
    this.#texts.push(line);
    this.#textBytes += line.length;
    const literal = literalAtEnd(line);
    if (literal === undefined) {
      events.push({ kind: "command", command: { texts: this.#texts, literals: this.#literals } });
      this.#texts = [];
      this.#literals = [];
      this.#textBytes = 0;
    } else if (literal.size > (isAppend(this.#texts[0] as string) ? this.limits.appendBytes : this.limits.literalBytes)) {
      this.#fail("literal", events);
    } else {
      this.#texts[this.#texts.length - 1] = line.slice(0, literal.start);
      this.#literalLeft = literal.size;
      this.#inLiteral = true;
      if (!literal.nonSync) events.push({ kind: "continue" });
      if (literal.size === 0) this.#endLiteral();
    }
    return end + 1;
  }

  #fail(what: "line" | "literal", events: ReaderEvent[]): void {
    this.#dead = true;
    const first = this.#texts[0] ?? Buffer.concat(this.#pending).toString("latin1", 0, 64);
    this.#pending = [];
    events.push({ kind: "too-long", what, tag: /^[^\s(){%*"\\]{1,40}/.exec(first)?.[0] ?? "*" });
  }
}

/** `{123}` or `{123+}` at the very end. Looked for from the end, so that the cost does not grow with the line. */
function literalAtEnd(line: string): { start: number; size: number; nonSync: boolean } | undefined {
  if (!line.endsWith("}")) return undefined;
  const start = line.lastIndexOf("{");
  if (start < 0 || line.length - start > 14) return undefined;
  const match = /^\{([0-9]{1,10})(\+?)\}$/.exec(line.slice(start));
  if (!match) return undefined;
  return { start, size: Number(match[1]), nonSync: match[2] === "+" };
}

function isAppend(firstText: string): boolean {
  const space = firstText.indexOf(" ");
  return space > 0 && firstText.slice(space + 1, space + 8).toUpperCase() === "APPEND ";
}
