import type { Duplex } from "node:stream";
import { ByteQueue } from "./byte-queue.ts";
import { networkError } from "./dial.ts";
import type { DotDecoder, TakePiece } from "./dot-decoder.ts";
import type { Pop3Limits, Pop3Timeouts } from "./limits.ts";
import { Pop3Error, type Pop3ErrorFields, type Pop3ErrorKind, type Pop3Problem } from "./pop3-error.ts";

export interface WireOptions {
  readonly limits: Pop3Limits;
  readonly timeouts: Pop3Timeouts;
  /** Milliseconds that never go back. */
  readonly clock: { monotonic(): number };
  readonly scrub: (text: string) => string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of a connection: asked for, waited for within limits, held back while nobody wants them. It ends at once and with one error,
 * whatever goes wrong; what had come before the end can still be read.
 */
export class Wire {
  readonly #stream: Duplex;
  readonly #options: WireOptions;
  readonly #queue = new ByteQueue();
  readonly #onAbort = (): void => void this.end({ kind: "aborted" });
  readonly #onLate = (): void => void this.end({ kind: this.#lateKind });
  readonly #onTurn = (): void => {
    this.#isWaking = false;
    this.#wakeUp();
  };
  #ended: Pop3Error | undefined;
  /** While something is waited for: who waits, for how long, and what it is when nothing comes. */
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lateKind: Pop3ErrorKind = "silence";
  #isWaking = false;
  #during = "connect";
  #isPaused = false;
  /** Of the answer that is waited for: bytes that came, and time spent waiting. */
  #received = 0;
  #waitedMs = 0;
  #answerMs = 0;

  constructor(stream: Duplex, options: WireOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("error", (error: unknown) => this.#finish(networkError(error, this.#during, options.scrub)));
    stream.on("end", () => this.#finish(this.error({ kind: "closed" })));
    stream.on("close", () => this.#finish(this.error({ kind: "closed" })));
    if (options.signal?.aborted === true) this.#onAbort();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** What ended the connection. Bytes that came before may be left. */
  get ended(): Pop3Error | undefined {
    return this.#ended;
  }

  get isQuiet(): boolean {
    return this.#queue.isEmpty;
  }

  /** A new answer is waited for: what it is called in errors, and how long it may take in all. */
  begin(during: string, answerMs = this.#options.timeouts.answerMs): void {
    this.#during = during;
    this.#answerMs = answerMs;
    this.#received = 0;
    this.#waitedMs = 0;
  }

  write(text: string): void {
    if (this.#ended === undefined) this.#stream.write(text);
  }

  /** The next line if it is here. @throws Pop3Error for one that is too long */
  takeLine(): Buffer | undefined {
    const line = this.#queue.takeLine(this.#options.limits.lineBytes);
    if (line === "too-long") throw this.violate("limit", "line-bytes");
    this.#makeRoom();
    return line;
  }

  /** Decodes until there are pieces or the answer ends; no pieces mean the end. @throws Pop3Error */
  async pieces(decoder: DotDecoder): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    const emit: TakePiece = (chunk, from, to) => void pieces.push(chunk.subarray(from, to));
    for (;;) {
      while (pieces.length === 0 && !decoder.isEnded && this.decode(decoder, emit));
      if (pieces.length > 0 || decoder.isEnded) return pieces;
      await this.more();
    }
  }

  /** Gives a decoder the bytes that came in one piece. @returns false when there are none */
  decode(decoder: DotDecoder, emit: TakePiece): boolean {
    const isDecoded = this.#queue.decode(decoder, emit);
    this.#makeRoom();
    return isDecoded;
  }

  /** Waits until more bytes are here. @throws Pop3Error when the connection is over or the server takes too long */
  async more(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const { clock, timeouts } = this.#options;
    const leftMs = this.#answerMs + (this.#received / timeouts.bytesPerSecond) * 1_000 - this.#waitedMs;
    const limitMs = Math.min(timeouts.silenceMs, leftMs);
    const before = this.#received;
    const began = clock.monotonic();
    await this.#wait(Math.max(0, limitMs), this.#lateness(limitMs < timeouts.silenceMs));
    this.#waitedMs += Math.max(0, clock.monotonic() - began);
    const { ended } = this;
    if (this.#received === before && ended !== undefined) throw ended;
  }

  /** Ends the connection because of what the server sent. */
  violate(kind: "protocol" | "limit", problem: Pop3Problem, text?: string): Pop3Error {
    return this.end({ kind, problem, text });
  }

  /** Ends the connection at once, without a word. The first cause stays, unless it was a bare end and this is a reason. Never throws. */
  end(fields: Pick<Pop3ErrorFields, "kind" | "problem" | "text">): Pop3Error {
    const error = this.error(fields);
    this.#queue.clear();
    if (this.#ended?.kind === "closed" || this.#ended?.kind === "network") this.#ended = error;
    this.#finish(error);
    return error;
  }

  /** Waits for the event that says that the connection stands. @throws Pop3Error */
  async ready(event: string, limitMs: number): Promise<void> {
    if (this.#ended === undefined) {
      this.#stream.once(event, () => this.#wakeUp());
      await this.#wait(limitMs, "connect-timeout");
    }
    if (this.#ended !== undefined) throw this.#ended;
  }

  error(fields: Pick<Pop3ErrorFields, "kind" | "problem" | "text" | "responseCode"> & { readonly isOver?: boolean }): Pop3Error {
    return new Pop3Error({ during: this.#during, isOver: true, ...fields });
  }

  #take(chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    this.#queue.push(chunk);
    this.#received += chunk.length;
    const { aheadBytes } = this.#options.limits;
    if (this.#wake === undefined) {
      if (this.#queue.size >= aheadBytes) this.#holdBack();
    } else if (this.#queue.size >= aheadBytes / 2) this.#wakeUp();
    else this.#wakeUpSoon();
  }

  #holdBack(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#stream.pause();
  }

  /** Lets more come once half of what was held back is used. */
  #makeRoom(): void {
    if (!this.#isPaused || this.#queue.size > this.#options.limits.aheadBytes / 2) return;
    this.#isPaused = false;
    if (this.#ended === undefined) this.#stream.resume();
  }

  #finish(error: Pop3Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#stream.destroy();
    this.#wakeUp();
  }

  #lateness(isInAll: boolean): "greeting-timeout" | "silence" | "too-slow" {
    if (this.#during === "greeting") return "greeting-timeout";
    return isInAll && this.#received > 0 ? "too-slow" : "silence";
  }

  /** Until something happens; nothing within `limitMs` ends the connection. */
  #wait(limitMs: number, lateKind: Pop3ErrorKind): Promise<void> {
    this.#lateKind = lateKind;
    this.#timer = setTimeout(this.#onLate, limitMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Once for all that a read of the socket brings: TLS hands it over record by record, and some servers' records are small. */
  #wakeUpSoon(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    clearTimeout(this.#timer);
    setImmediate(this.#onTurn);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    clearTimeout(this.#timer);
    wake();
  }
}
