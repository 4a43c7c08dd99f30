import { createRequire } from "node:module";
import { Piscina } from "piscina";
import { limits } from "@mailfleet/core";
import type { BlobWriter, MessageSource, MimeParser, WrittenResult } from "@mailfleet/core";
import { ApartLane, type ApartPool } from "./apart-lane.ts";
import type { ParseLimits } from "./parse-message.ts";
import type { ParseTask } from "./parse-task.ts";
import { giveThreadsTheirOwnLimits, leastBusy, poolOptions, tasksOfThread } from "./thread-options.ts";
import { unpackBatch } from "./wire.ts";
import type { WireBatch } from "./wire.ts";
import { watchClock } from "./watch-clock.ts";

export interface MimeParserOptions {
  /** Worker threads, each with a parser of its own; as many again, while there is need, for messages that run alone. */
  readonly threads: number;
  /** Wall clock of one message alone in its thread; after it the thread is ended. Default `limits.parseMs`. */
  readonly parseMs?: number;
  /** A streamed message has as much longer as its size needs at this speed. Default `limits.parseBytesPerSecond`. */
  readonly bytesPerSecond?: number;
  /** Wall clock of a task in company; after it each of its messages runs alone. */
  readonly sharedMs?: number;
  /** Default `limits.parseParts`. */
  readonly parts?: number;
  /** Default `limits.parseDepth`. */
  readonly depth?: number;
  /** Of one part. Default `limits.parseHeaderBytes`. */
  readonly headerBytes?: number;
  /** Of one part. Default `limits.parseHeaderFields`. */
  readonly headerFields?: number;
  /** Of one kind of field. Default `limits.parseAddresses`. */
  readonly addresses?: number;
  /** Raw text of all parts. Default `limits.parseTextBytes`. */
  readonly textBytes?: number;
  /** JavaScript heap of one thread, MB. Buffers are not in it: tasks are small, and large messages come in pieces. */
  readonly heapMb?: number;
  /** The same of a thread where one message runs alone. */
  readonly apartHeapMb?: number;
  /** A larger message runs alone: it takes as long as many small ones, which would wait behind it. */
  readonly apartBytes?: number;
  /** The most messages and the most bytes of one task. */
  readonly batchMessages?: number;
  readonly batchBytes?: number;
  /** A free thread waits so long for company for a few messages that are not urgent. */
  readonly gatherMs?: number;
  /** Folder of Node's compile cache, which threads do not have by themselves; they get nothing else of the environment. */
  readonly compileCache?: string;
}

const defaults = {
  parseMs: limits.parseMs,
  parts: limits.parseParts,
  depth: limits.parseDepth,
  headerBytes: limits.parseHeaderBytes,
  headerFields: limits.parseHeaderFields,
  addresses: limits.parseAddresses,
  textBytes: limits.parseTextBytes,
  bytesPerSecond: limits.parseBytesPerSecond,
  // a task takes some 20 ms; who waits behind one that does not end has to wait no longer than this
  sharedMs: 2_000,
  // Far more than 32 small messages need. V8 lets a heap grow by the less the lower its limit is: to four times of what lives below 2 GB,
  // which was 105 MB, and to 1.4 times here.
  heapMb: 512,
  // enough for 16 MB of text a few times over; here it is memory that counts, not throughput
  apartHeapMb: 256,
  // one message in twenty
  apartBytes: 128 * 1024,
  batchMessages: 32,
  batchBytes: 512 * 1024,
  // waking a thread and being woken costs as much as a message: at full speed a dozen come in this time, and nobody notices a lone one's wait
  gatherMs: 4,
};

/** Of a thread, MB, for three semi-spaces: each message is written as soon as it is read, so little outlives a collection. */
const [youngMb, apartYoungMb] = [12, 6];
/** So many messages are worth a task of their own at once, and so is one that is urgent. */
const worthMessages = 16;

type ParserSettings = Required<Omit<MimeParserOptions, "compileCache">> & Pick<MimeParserOptions, "compileCache">;

/** A thread that nobody needed for so long is ended: most workers see few large messages. */
const apartIdleMs = 30_000;
/** Threads that end before they begin have a cause outside of any message. */
const failedStartsInRow = 5;

interface Job {
  readonly bytes: Uint8Array;
  readonly isUrgent: boolean;
  readonly resolve: (result: WrittenResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * mailparser in worker threads. Messages that arrive together share a task; if such a task does not end well or not soon, each of its
 * messages runs again alone, in other threads, and only the one that fails alone is given up. `parse` rejects only when the parser is
 * closed or its threads cannot start: never for a message.
 */
export function createMimeParser(options: MimeParserOptions): MimeParser & { close(): Promise<void> } {
  return new PooledMimeParser(options);
}

class PooledMimeParser implements MimeParser {
  readonly name = "mailparser";
  readonly version: string;
  readonly #options: ParserSettings;
  readonly #pool: Piscina<ParseTask, WireBatch>;
  readonly #apart: ApartLane;
  /** Of its own: a message of 100 MB takes seconds. */
  readonly #streams: ApartLane;
  /** What is urgent stands before what is not, and shares no task with it. */
  readonly #waiting: Job[] = [];
  #urgent = 0;
  readonly #running = new Set<readonly Job[]>();
  readonly #aside = new Set<Job>();
  /** Tasks that a thread began, as far as they have ended. */
  #begun = 0;
  #failedStarts = 0;
  #due: "now" | "soon" | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: MimeParserOptions) {
    const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as MimeParserOptions;
    this.#options = { ...defaults, ...set };
    const { threads, heapMb, compileCache } = this.#options;
    giveThreadsTheirOwnLimits();
    const require = createRequire(import.meta.url);
    this.version = (require("mailparser/package.json") as { version: string }).version;
    const own = { minThreads: threads, maxThreads: threads, concurrentTasksPerWorker: tasksOfThread, loadBalancer: leastBusy };
    this.#pool = new Piscina({ ...poolOptions(heapMb, youngMb, compileCache), ...own });
    // a thread that dies between two tasks is replaced by the pool; there is nobody to tell
    this.#pool.on("error", () => undefined);
    this.#apart = this.#lane(threads);
    this.#streams = this.#lane(1);
  }

  #lane(threads: number): ApartLane {
    const { apartHeapMb, parseMs, bytesPerSecond, compileCache } = this.#options;
    const own = { minThreads: 0, maxThreads: threads, idleTimeout: apartIdleMs };
    const pool: ApartPool = new Piscina({ ...poolOptions(apartHeapMb, apartYoungMb, compileCache), ...own });
    pool.on("error", () => undefined);
    return new ApartLane({ pool, threads, limits: this.#parseLimits(), parseMs, bytesPerSecond });
  }

  parse(bytes: Uint8Array, isUrgent = false): Promise<WrittenResult> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const job: Job = { bytes, isUrgent, resolve, reject };
      if (bytes.byteLength > this.#options.apartBytes) this.#setAside(job);
      else {
        if (isUrgent) this.#waiting.splice(this.#urgent++, 0, job);
        else this.#waiting.push(job);
        this.#dispatchSoon();
      }
    });
  }

  parseStream(source: MessageSource, keep: () => BlobWriter): Promise<WrittenResult> {
    if (this.#isClosed) return Promise.reject(closedError());
    return this.#streams.parseStream(source, keep).catch((error: unknown) => {
      throw this.#isClosed ? closedError() : error;
    });
  }

  /** Ends the threads at once; what is still being parsed rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#gathering);
    for (const job of [...this.#waiting.splice(0), ...this.#aside, ...[...this.#running].flat()]) job.reject(closedError());
    await Promise.all([this.#pool.destroy(), this.#apart.close(), this.#streams.close()]);
  }

  #setAside(job: Job): void {
    this.#aside.add(job);
    const done = this.#apart.parse(job.bytes).then(job.resolve, job.reject);
    void done.finally(() => this.#aside.delete(job));
  }

  /** After the current turn of the event loop, so that messages which arrive in one turn share a task; a few wait for more a little. */
  #dispatchSoon(): void {
    if (this.#due === "now" || this.#waiting.length === 0) return;
    const isWorth = this.#isWorth();
    if (isWorth ? this.#room === 0 : this.#due === "soon" || this.#free === 0) return;
    const dispatch = (): void => {
      clearTimeout(this.#gathering);
      this.#due = undefined;
      this.#dispatch();
    };
    this.#due = isWorth ? "now" : "soon";
    if (isWorth) setImmediate(dispatch);
    else this.#gathering = setTimeout(dispatch, this.#options.gatherMs);
  }

  /** Threads that have nothing to read. */
  get #free(): number {
    return Math.max(0, this.#options.threads - this.#running.size);
  }

  /** Tasks that may be given out now. */
  get #room(): number {
    return this.#options.threads * tasksOfThread - this.#running.size;
  }

  #isWorth(): boolean {
    return this.#waiting.length >= worthMessages || this.#urgent > 0;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && !this.#isClosed && (this.#free > 0 || (this.#room > 0 && this.#isWorth()))) {
      void this.#run(this.#takeBatch());
    }
  }

  /** At most an equal share for each free thread. */
  #takeBatch(): Job[] {
    const { batchMessages, batchBytes } = this.#options;
    const most = Math.min(batchMessages, Math.ceil((this.#urgent || this.#waiting.length) / Math.max(1, this.#free)));
    let size = 0;
    let count = 0;
    while (count < most) {
      size += (this.#waiting[count] as Job).bytes.byteLength;
      if (count > 0 && size > batchBytes) break;
      count++;
    }
    this.#urgent = Math.max(0, this.#urgent - count);
    return this.#waiting.splice(0, count);
  }

  #putBack(batch: readonly Job[]): void {
    const isUrgent = batch[0]?.isUrgent === true;
    this.#waiting.splice(isUrgent ? 0 : this.#urgent, 0, ...batch);
    if (isUrgent) this.#urgent += batch.length;
  }

  async #run(batch: readonly Job[]): Promise<void> {
    const sizes = batch.map((job) => job.bytes.byteLength);
    this.#running.add(batch);
    const begunBefore = this.#begun;
    const startedAt = new BigInt64Array(new SharedArrayBuffer(8));
    const clock = watchClock(startedAt, Math.min(this.#options.sharedMs, this.#options.parseMs));
    try {
      // a copy, because the caller keeps its bytes; one buffer, because it changes hands without a second copy
      const slab = Buffer.allocUnsafeSlow(sizes.reduce((sum, one) => sum + one, 0));
      let end = 0;
      for (const { bytes } of batch) {
        slab.set(bytes, end);
        end += bytes.byteLength;
      }
      const task: ParseTask = { slab: slab.buffer, sizes, limits: this.#parseLimits(), startedAt };
      const results = unpackBatch(await this.#pool.run(task, { transferList: [slab.buffer], signal: clock.signal }));
      this.#begun++;
      this.#failedStarts = 0;
      for (let at = 0; at < batch.length; at++) (batch[at] as Job).resolve(results[at] as WrittenResult);
    } catch (error) {
      const hasBegun = Atomics.load(startedAt, 0) !== 0n;
      if (hasBegun) this.#begun++;
      if (!this.#isClosed) this.#settleFailure(batch, { hasBegun, wasBehind: this.#begun > begunBefore, error });
    } finally {
      clock.stop();
      this.#running.delete(batch);
      this.#dispatchSoon();
    }
  }

  #parseLimits(): ParseLimits {
    const { parts, depth, headerBytes, headerFields, addresses, textBytes } = this.#options;
    return { parts, depth, headerBytes, headerFields, addresses, textBytes };
  }

  /** @param how whether a thread began the task, and whether it ended with one that was begun before it, whose fault that was */
  #settleFailure(batch: readonly Job[], how: { readonly hasBegun: boolean; readonly wasBehind: boolean; readonly error: unknown }): void {
    const { hasBegun, wasBehind, error } = how;
    if (hasBegun) {
      for (const job of batch) this.#setAside(job);
      return;
    }
    if (!wasBehind) this.#failedStarts++;
    if (this.#failedStarts < failedStartsInRow) this.#putBack(batch);
    else for (const job of batch) job.reject(new Error("The parser's threads do not start.", { cause: error }));
  }
}

function closedError(): Error {
  return new Error("The parser was closed.");
}
