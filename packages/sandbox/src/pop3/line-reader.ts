import type { PieceReader } from "../mail/connection.ts";

/** A line without its end, as latin1; or one that is longer than may be, after which nothing more can be understood. */
export type Pop3Line = { readonly kind: "line"; readonly text: string } | { readonly kind: "too-long" };

/** A command with its CR LF (RFC 2449 section 4; MaxCommandSize on premises is 512). */
const commandBytes = 512;
/** An answer to AUTH: tokens have up to 12 kB (RFC 5034 section 4). */
const saslBytes = 24 * 1024;
/** Of pipelined commands. */
const mostWaiting = 64 * 1024;

/** Cuts a client's bytes into lines; how long one may be is known only when it is taken. Pure. */
export class LineReader implements PieceReader<Pop3Line> {
  #waiting: Buffer = Buffer.alloc(0);
  #isDead = false;
  #limit = commandBytes;

  /** The next line is an answer to AUTH, and not a command. */
  expectSasl(isExpected: boolean): void {
    this.#limit = isExpected ? saslBytes : commandBytes;
  }

  push(chunk: Buffer): void {
    if (this.#isDead) return;
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
  }

  take(): Pop3Line | undefined {
    const newline = this.#waiting.indexOf(0x0a);
    const length = newline < 0 ? this.#waiting.length : newline + 1;
    if (length > this.#limit) {
      this.#isDead = true;
      this.#waiting = Buffer.alloc(0);
      return { kind: "too-long" };
    }
    if (newline < 0) return undefined;
    const end = this.#waiting[newline - 1] === 0x0d ? newline - 1 : newline;
    const text = this.#waiting.toString("latin1", 0, end);
    this.#waiting = this.#waiting.subarray(newline + 1);
    return { kind: "line", text };
  }

  get isFull(): boolean {
    return this.#waiting.length > mostWaiting;
  }
}
