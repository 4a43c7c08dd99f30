/** A line of the server's, with the literals that interrupt it taken out: each left its `{n}` in the text. One character is one byte. */
export interface AnswerLine {
  readonly text: string;
  readonly literals: readonly string[];
}

/** Cuts a stream of bytes into lines, whatever chunks they come in. */
export class AnswerLines {
  readonly #mostBytes: number;
  #rest = "";
  /** Of the line that is being read. */
  #text = "";
  #literals: string[] = [];
  #missing = 0;
  #length = 0;

  /** @param mostBytes one line with its literals */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  push(chunk: Uint8Array): void {
    this.#rest += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
  }

  /** The next whole line, without its end. */
  take(): AnswerLine | "too-long" | undefined {
    for (;;) {
      if (this.#length + this.#missing > this.#mostBytes) return "too-long";
      if (this.#missing > 0) {
        if (this.#rest.length < this.#missing) return undefined;
        this.#literals.push(this.#rest.slice(0, this.#missing));
        this.#rest = this.#rest.slice(this.#missing);
        this.#length += this.#missing;
        this.#missing = 0;
      }
      const end = this.#rest.indexOf("\n");
      if (this.#length + (end < 0 ? this.#rest.length : end) > this.#mostBytes) return "too-long";
      if (end < 0) return undefined;
      const part = this.#rest.slice(0, this.#rest[end - 1] === "\r" ? end - 1 : end);
      this.#rest = this.#rest.slice(end + 1);
      this.#text += part;
      this.#length += part.length;
      const literal = hasLiterals(this.#text) ? /\{(\d{1,9})\}$/.exec(part) : null;
      this.#missing = Number(literal?.[1] ?? 0);
      // An empty literal is over at once, and the line goes on behind it all the same.
      if (literal !== null && this.#missing === 0) this.#literals.push("");
      if (literal !== null) continue;
      const line = { text: this.#text, literals: this.#literals };
      this.#text = "";
      this.#literals = [];
      this.#length = 0;
      return line;
    }
  }
}

/** Text that is meant for people may end in braces, and no literal follows it (RFC 9051: `resp-text`). */
function hasLiterals(text: string): boolean {
  return text.startsWith("* ") && !/^\* (OK|NO|BAD|BYE|PREAUTH)\b/i.test(text);
}
