import { createRequire } from "node:module";
import { Piscina } from "piscina";
import { limits } from "@mailfleet/core";
import type { MimeParser, ParseResult } from "@mailfleet/core";
import type { ParseTask } from "./parse-task.ts";
import { unpackBatch } from "./wire.ts";
import type { WireBatch } from "./wire.ts";

export interface MimeParserOptions {
  /** Worker threads, each with a parser of its own. */
  readonly threads: number;
  /** Wall clock of one task in its thread; after it the thread is ended. Default `limits.parseMs`. */
  readonly parseMs?: number;
  /** Default `limits.parseParts`. */
  readonly parts?: number;
  /** Default `limits.parseDepth`. */
  readonly depth?: number;
  /** Of one part. Default `limits.parseHeaderBytes`. */
  readonly headerBytes?: number;
  /** Of one kind of field. Default `limits.parseAddresses`. */
  readonly addresses?: number;
  /** JavaScript heap of one thread, MB. Buffers are not in it: `bytesInFlight` bounds those. */
  readonly heapMb?: number;
  /** Raw bytes in all threads together; more wait. One message always goes, whatever its size. */
  readonly bytesInFlight?: number;
  /** The most messages and the most bytes of one task. */
  readonly batchMessages?: number;
  readonly batchBytes?: number;
}

const defaults = {
  parseMs: limits.parseMs,
  parts: limits.parseParts,
  depth: limits.parseDepth,
  headerBytes: limits.parseHeaderBytes,
  addresses: limits.parseAddresses,
  // V8 collects four times as often under a limit below 2 GB, which costs a third of the throughput
  heapMb: 2_048,
  bytesInFlight: limits.messageBytes,
  batchMessages: 32,
  batchBytes: 512 * 1024,
};

/** A thread that dies under a message on its own gets one more try: the death can have had another cause (F34). */
const loneDeaths = 2;
/** Threads that end before they begin have a cause outside of any message. */
const failedStartsInRow = 5;

interface Job {
  readonly bytes: Uint8Array;
  readonly resolve: (result: ParseResult) => void;
  readonly reject: (error: Error) => void;
  deaths: number;
}

/**
 * mailparser in worker threads. Messages that arrive together share a task; if such a task does not end well, each of its messages
 * runs again alone, and only the one that fails alone is given up. `parse` rejects only when the parser is closed or its threads
 * cannot start: never for a message.
 */
export function createMimeParser(options: MimeParserOptions): MimeParser & { close(): Promise<void> } {
  return new PooledMimeParser(options);
}

class PooledMimeParser implements MimeParser {
  readonly name = "mailparser";
  readonly version: string;
  readonly #options: Required<MimeParserOptions>;
  readonly #pool: Piscina<ParseTask, WireBatch>;
  readonly #waiting: Job[] = [];
  /** Messages of a task that failed: each runs alone, before all others. */
  readonly #suspects: Job[] = [];
  readonly #running = new Set<readonly Job[]>();
  #runningBytes = 0;
  #failedStarts = 0;
  #isDispatchDue = false;
  #isClosed = false;

  constructor(options: MimeParserOptions) {
    const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as MimeParserOptions;
    this.#options = { ...defaults, ...set };
    const require = createRequire(import.meta.url);
    this.version = (require("mailparser/package.json") as { version: string }).version;
    this.#pool = new Piscina<ParseTask, WireBatch>({
      filename: new URL("./parse-task.ts", import.meta.url).href,
      name: "parseBatch",
      minThreads: options.threads,
      maxThreads: options.threads,
      // parsing needs no secret of ours (T03)
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMb, maxYoungGenerationSizeMb: 12 },
      recordTiming: false,
      workerHistogram: false,
    });
    // a thread that dies between two tasks is replaced by the pool; there is nobody to tell
    this.#pool.on("error", () => undefined);
  }

  parse(bytes: Uint8Array): Promise<ParseResult> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject, deaths: 0 });
      this.#dispatchSoon();
    });
  }

  /** Ends the threads at once; what is still being parsed rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const job of [...this.#waiting.splice(0), ...this.#suspects.splice(0), ...[...this.#running].flat()]) job.reject(closedError());
    await this.#pool.destroy();
  }

  /** After the current turn of the event loop, so that messages which arrive in one turn share a task. */
  #dispatchSoon(): void {
    if (this.#isDispatchDue || this.#running.size >= this.#options.threads) return;
    this.#isDispatchDue = true;
    setImmediate(() => {
      this.#isDispatchDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#running.size < this.#options.threads && !this.#isClosed) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** At most an equal share for each free thread. */
  #takeBatch(): Job[] {
    const { threads, batchMessages, batchBytes, bytesInFlight } = this.#options;
    const room = this.#running.size === 0 ? Infinity : bytesInFlight - this.#runningBytes;
    const [suspect] = this.#suspects;
    if (suspect !== undefined) return suspect.bytes.byteLength <= room ? this.#suspects.splice(0, 1) : [];
    const most = Math.min(batchMessages, Math.ceil(this.#waiting.length / (threads - this.#running.size)));
    let size = 0;
    let count = 0;
    while (count < most) {
      size += (this.#waiting[count] as Job).bytes.byteLength;
      if (size > room || (count > 0 && size > batchBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #run(batch: readonly Job[]): Promise<void> {
    const sizes = batch.map((job) => job.bytes.byteLength);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    this.#running.add(batch);
    this.#runningBytes += size;
    const startedAt = new BigInt64Array(new SharedArrayBuffer(8));
    const clock = watchClock(startedAt, this.#options.parseMs);
    try {
      // a copy, because the caller keeps its bytes; one buffer, because it changes hands without a second copy
      const slab = new Uint8Array(size);
      let at = 0;
      for (const job of batch) {
        slab.set(job.bytes, at);
        at += job.bytes.byteLength;
      }
      const task: ParseTask = { slab: slab.buffer, sizes, limits: this.#parseLimits(), startedAt };
      const results = unpackBatch(await this.#pool.run(task, { transferList: [slab.buffer], signal: clock.signal }));
      this.#failedStarts = 0;
      for (const [index, job] of batch.entries()) job.resolve(results[index] as ParseResult);
    } catch (error) {
      if (!this.#isClosed) this.#settleFailure(batch, clock.signal.aborted, Atomics.load(startedAt, 0) !== 0n, error);
    } finally {
      clock.stop();
      this.#running.delete(batch);
      this.#runningBytes -= size;
      this.#dispatchSoon();
    }
  }

  #parseLimits(): ParseTask["limits"] {
    const { parts, depth, headerBytes, addresses } = this.#options;
    return { parts, depth, headerBytes, addresses };
  }

  #settleFailure(batch: readonly Job[], isTimeout: boolean, hasStarted: boolean, error: unknown): void {
    if (!hasStarted) {
      this.#failedStarts++;
      if (this.#failedStarts < failedStartsInRow) this.#waiting.unshift(...batch);
      else for (const job of batch) job.reject(new Error("The parser's threads do not start.", { cause: error }));
      return;
    }
    if (batch.length > 1) {
      this.#suspects.push(...batch);
      return;
    }
    const [job] = batch as readonly [Job];
    job.deaths++;
    if (isTimeout) {
      const seconds = this.#options.parseMs / 1000;
      job.resolve({ ok: false, reason: `The message was not parsed: the parser was not done after ${seconds} s and was stopped.` });
    } else if (job.deaths < loneDeaths) this.#suspects.push(job);
    else
      job.resolve({
        ok: false,
        reason: `The message was not parsed: it ended the parser's thread ${job.deaths} times (${deathCause(error)}).`,
      });
  }
}

function closedError(): Error {
  return new Error("The parser was closed.");
}

/** A code or a name, never a text: it could hold mail. */
function deathCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown cause";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** Aborts `ms` after the thread began, however long it waited to begin. */
function watchClock(startedAt: BigInt64Array, ms: number): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let isStopped = false;
  let timer = setTimeout(check, ms);
  function check(): void {
    const start = Atomics.load(startedAt, 0);
    const left = start === 0n ? ms : ms - Number(process.hrtime.bigint() - start) / 1e6;
    if (left > 0) timer = setTimeout(check, left);
    // an answer may already lie in the queue of an event loop that was busy: let it in first
    else setImmediate(() => void (isStopped || controller.abort()));
  }
  return {
    signal: controller.signal,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
