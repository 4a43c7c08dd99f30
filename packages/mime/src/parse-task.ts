import { flushCompileCache } from "node:module";
import type { MessagePort } from "node:worker_threads";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { type BlobPointer, letGoBuffer } from "@mailfleet/core";
import { readHead } from "./parse-fast.ts";
import { parseMessage, parsePieces } from "./parse-message.ts";
import type { ParseLimits } from "./parse-message.ts";
import { askOver } from "./port-calls.ts";
import { rawFactsOf } from "./raw-facts.ts";
import { TextRoom } from "./text-room.ts";
import { BatchWriter, type WireBatch } from "./wire.ts";

/** What the pool hands to a thread: messages one after the other in one transferred buffer. */
export interface ParseTask {
  readonly slab: ArrayBuffer;
  readonly sizes: readonly number[];
  readonly limits: ParseLimits;
  /** One cell, shared: `process.hrtime.bigint()` of the moment the thread began; 0 before. */
  readonly startedAt: BigInt64Array;
}

/** Bytes: twice what the longest text that events hold can take. Pages that no text reaches cost nothing. */
const textRoom = 384 * 1024;
let room: TextRoom | undefined;

let isCompiled = false;

/** A thread ends without a chance to write its compile cache: it is written with the first task. Without effect where there is none. */
function keepCompiled(): void {
  if (!isCompiled) flushCompileCache();
  isCompiled = true;
}

/**
 * The thread's entry. What can be read at once is read and written one after the other; all others at once, so that their turns of the
 * event loop are shared.
 */
export async function parseBatch(task: ParseTask): Promise<unknown> {
  Atomics.store(task.startedAt, 0, process.hrtime.bigint());
  let at = 0;
  const written = new BatchWriter(task.sizes.length, expectedBytes(task.slab.byteLength));
  const others: Promise<void>[] = [];
  room ??= new TextRoom(textRoom);
  for (const [index, size] of task.sizes.entries()) {
    const bytes = Buffer.from(task.slab, (at += size) - size, size);
    const head = readHead(bytes, task.limits);
    room.clear();
    const result = parseMessage(bytes, task.limits, head, room);
    if (result instanceof Promise) others.push(result.then((late) => written.add(index, late, rawFactsOf(bytes, head))));
    else written.add(index, result, rawFactsOf(bytes, head));
  }
  await Promise.all(others);
  keepCompiled();
  letGoBuffer(task.slab);
  return moved(written.end());
}

/** For the last text, bytes: before it is encoded three are asked for each unit. Enough for nearly any head. */
const roomForLast = 32 * 1024;

/** What is written of mail is a tenth smaller to a tenth larger than it is. A buffer that is too small is copied once. */
function expectedBytes(rawBytes: number): number {
  return rawBytes + (rawBytes >> 3) + roomForLast;
}

/** Its buffer changes hands. */
function moved(batch: WireBatch): unknown {
  return move({ [transferableSymbol]: batch.slab, [valueSymbol]: batch });
}

/** A message that is too large to hold: its pieces are asked for, its attachments' bytes are handed back as they come. */
export interface StreamTask {
  readonly limits: ParseLimits;
  readonly startedAt: BigInt64Array;
  /** Asked with nothing, answers with the next piece, or with nothing after the last. */
  readonly source: MessagePort;
  /** Asked with bytes of an attachment, or with nothing at its end, which is answered with where they lie. */
  readonly sink: MessagePort;
}

export async function parseStream(task: StreamTask): Promise<unknown> {
  Atomics.store(task.startedAt, 0, process.hrtime.bigint());
  const source = askOver<null, Uint8Array | null>(task.source);
  const sink = askOver<Uint8Array | null, BlobPointer | null>(task.sink);
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    for (let piece = await source.ask(null); piece !== null; piece = await source.ask(null)) yield piece;
  }
  try {
    const result = await parsePieces(pieces(), task.limits, async (chunks) => {
      // Copied: a decoder's bytes may be part of a pool, which cannot change hands.
      for await (const chunk of chunks) {
        const bytes = Uint8Array.from(chunk);
        await sink.ask(bytes, [bytes.buffer]);
      }
      return (await sink.ask(null)) as BlobPointer;
    });
    const written = new BatchWriter(1, 0);
    written.add(0, result);
    return moved(written.end());
  } finally {
    task.source.close();
    task.sink.close();
  }
}
