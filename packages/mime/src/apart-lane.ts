import { MessageChannel, type Transferable } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { BlobPointer, BlobWriter, MessageSource, WrittenResult } from "@mailfleet/core";
import type { ParseLimits } from "./parse-message.ts";
import type { ParseTask, StreamTask } from "./parse-task.ts";
import { answerOver } from "./port-calls.ts";
import { unpackBatch, type WireBatch } from "./wire.ts";
import { watchClock } from "./watch-clock.ts";

export type ApartPool = Piscina<ParseTask | StreamTask, WireBatch>;

export interface ApartOptions {
  readonly pool: ApartPool;
  /** How many the pool has at most. */
  readonly threads: number;
  readonly limits: ParseLimits;
  readonly parseMs: number;
  readonly bytesPerSecond: number;
}

/** A thread that dies under a message on its own gets one more try: the death can have had another cause (F34). */
const loneDeaths = 2;

/** One try: what came of it, or how the thread ended. */
type Attempt = (startedAt: BigInt64Array, signal: AbortSignal) => Promise<WrittenResult>;

/** What went wrong outside of the thread: a blob store that refuses, not the message. */
class OutsideError extends Error {
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super("a streamed parse was stopped");
    this.cause = cause;
  }
}

/**
 * Messages that run alone in threads of their own: large ones, and those whose thread died or did not finish in company. All others
 * go on meanwhile. Rejects only for what is not the message's fault.
 */
export class ApartLane {
  readonly #options: ApartOptions;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(options: ApartOptions) {
    this.#options = options;
  }

  parse(bytes: Uint8Array): Promise<WrittenResult> {
    return this.#tryTwice(this.#options.parseMs, async (startedAt, signal) => {
      const slab = Uint8Array.from(bytes);
      const task: ParseTask = { slab: slab.buffer, sizes: [slab.byteLength], limits: this.#options.limits, startedAt };
      return onlyOf(await this.#options.pool.run(task, { name: "parseBatch", transferList: [slab.buffer], signal }));
    });
  }

  parseStream(source: MessageSource, keep: () => BlobWriter): Promise<WrittenResult> {
    const { parseMs, bytesPerSecond } = this.#options;
    return this.#tryTwice(parseMs + (source.size / bytesPerSecond) * 1_000, (startedAt, signal) =>
      this.#streamOnce(source, keep, startedAt, signal),
    );
  }

  /** Ends the threads; what is being parsed rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#options.pool.destroy();
  }

  async #tryTwice(ms: number, attempt: Attempt): Promise<WrittenResult> {
    for (let deaths = 1; ; deaths++) {
      const startedAt = new BigInt64Array(new SharedArrayBuffer(8));
      const clock = watchClock(startedAt, ms);
      try {
        return await this.#inTurn(() => attempt(startedAt, clock.signal));
      } catch (error) {
        if (error instanceof OutsideError) throw error.cause;
        if (this.#isClosed) throw error;
        if (clock.signal.aborted) {
          const seconds = Math.round(ms / 100) / 10;
          return { ok: false, reason: `The message was not parsed: the parser was not done after ${seconds} s and was stopped.` };
        }
        if (deaths >= loneDeaths && Atomics.load(startedAt, 0) === 0n)
          throw new Error("The parser's threads do not start.", { cause: error });
        if (deaths >= loneDeaths) {
          return { ok: false, reason: `The message was not parsed: it ended the parser's thread ${deaths} times (${deathCause(error)}).` };
        }
      } finally {
        clock.stop();
      }
    }
  }

  /** Waits for a thread. Not in the pool: it starts none for those that wait in it when one is ended and it has to keep none. */
  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#options.threads) this.#busy++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    }
  }

  async #streamOnce(source: MessageSource, keep: () => BlobWriter, startedAt: BigInt64Array, signal: AbortSignal): Promise<WrittenResult> {
    const [pieces, attachments] = [new MessageChannel(), new MessageChannel()];
    const iterator = source.open()[Symbol.asyncIterator]();
    const outside = new AbortController();
    let writer: BlobWriter | undefined;
    const fail = (error: unknown): void => outside.abort(new OutsideError(error));
    answerOver<Uint8Array | null>(
      pieces.port1,
      async () => {
        const next = await iterator.next();
        if (next.done === true) return [null, []];
        const bytes = ownBytes(next.value);
        return [bytes, [bytes.buffer as ArrayBuffer] as Transferable[]];
      },
      fail,
    );
    answerOver<BlobPointer | null>(
      attachments.port1,
      async (bytes) => {
        writer ??= keep();
        if (bytes !== null) {
          await writer.write(bytes);
          return [null, []];
        }
        const pointer = await writer.end();
        writer = undefined;
        return [pointer, []];
      },
      fail,
    );
    try {
      const task: StreamTask = { limits: this.#options.limits, startedAt, source: pieces.port2, sink: attachments.port2 };
      const run = this.#options.pool.run(task, {
        name: "parseStream",
        transferList: [pieces.port2, attachments.port2],
        signal: AbortSignal.any([signal, outside.signal]),
      });
      return onlyOf(await run);
    } catch (error) {
      if (outside.signal.aborted) throw outside.signal.reason;
      throw error;
    } finally {
      pieces.port1.close();
      attachments.port1.close();
      await iterator.return?.();
      await writer?.giveUp();
    }
  }
}

function onlyOf(batch: WireBatch): WrittenResult {
  return unpackBatch(batch)[0] as WrittenResult;
}

/** Bytes that may change hands without taking others along. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
}

/** A code or a name, never a text: it could hold mail. */
function deathCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown cause";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
