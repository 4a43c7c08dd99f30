import { move, transferableSymbol, valueSymbol } from "piscina";
import { parseMessage } from "./parse-message.ts";
import type { ParseLimits } from "./parse-message.ts";
import { packBatch } from "./wire.ts";

/** What the pool hands to a thread: messages one after the other in one transferred buffer. */
export interface ParseTask {
  readonly slab: ArrayBuffer;
  readonly sizes: readonly number[];
  readonly limits: ParseLimits;
  /** One cell, shared: `process.hrtime.bigint()` of the moment the thread began; 0 before. */
  readonly startedAt: BigInt64Array;
}

/** The thread's entry. All messages of a batch at once, so that their turns of the event loop are shared. */
export async function parseBatch(task: ParseTask): Promise<unknown> {
  Atomics.store(task.startedAt, 0, process.hrtime.bigint());
  let at = 0;
  const results = await Promise.all(
    task.sizes.map((size) => {
      const bytes = new Uint8Array(task.slab, at, size);
      at += size;
      return parseMessage(bytes, task.limits);
    }),
  );
  const batch = packBatch(results);
  return move({ [transferableSymbol]: batch.slab, [valueSymbol]: batch });
}
