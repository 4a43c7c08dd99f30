import { hash } from "node:crypto";
import {
  composeMessage,
  letGoBuffer,
  type Gap,
  type GapKind,
  type ParsedMessage,
  type ParseResult,
  type RawFacts,
  type WrittenResult,
} from "@mailfleet/core";
import { GrowingBuffer } from "./growing-buffer.ts";

/**
 * How a batch crosses the thread border: written, in one buffer that is transferred, each message's JSON followed by what its gaps
 * left out. Beside it go numbers only. A structured clone of parsed messages costs several times as much, and the side that
 * receives them would make the same strings again to write them.
 */
export interface WireBatch {
  readonly slab: ArrayBuffer;
  readonly items: readonly WireItem[];
}

export interface WireItem {
  readonly raw: RawFacts | undefined;
  /** Why the message was not read, or how it lies in the buffer. */
  readonly content: string | WireContent;
}

export interface WireContent {
  /** Offset of its JSON, which its gaps' bytes follow. */
  readonly from: number;
  readonly jsonBytes: number;
  readonly cut: string | undefined;
  /** Three numbers for each gap: kind, offset in the JSON, size. */
  readonly gaps: readonly number[];
  /** SHA-256 of what each gap left out, hex. */
  readonly hashes: readonly string[];
}

const kinds: readonly GapKind[] = ["text", "html", "attachment"];

/**
 * Writes a batch message by message, in the order in which they are read, so that none of them is held until the others are: a young
 * generation full of parsed messages is copied by each collection.
 */
export class BatchWriter {
  readonly #items: WireItem[];
  readonly #bytes: GrowingBuffer;

  /** @param rawBytes of all messages: what is written of them is about as large */
  constructor(messages: number, rawBytes: number) {
    this.#items = Array.from({ length: messages });
    this.#bytes = new GrowingBuffer(rawBytes);
  }

  /** @param index its place in the batch. @param raw what is known of its bytes */
  add(index: number, result: ParseResult, raw?: RawFacts): void {
    this.#items[index] = { raw, content: result.ok ? this.#write(result.message, result.cut) : result.reason };
  }

  end(): WireBatch {
    return { slab: this.#bytes.take(), items: this.#items };
  }

  #write(message: ParsedMessage, cut: string | undefined): WireContent {
    const bytes = this.#bytes;
    const from = bytes.length;
    const gaps: number[] = [];
    const contents: (string | Uint8Array)[] = [];
    composeMessage(message, {
      write: (json) => bytes.write(json),
      leaveOut(kind, content) {
        gaps.push(kinds.indexOf(kind), bytes.length - from, 0);
        contents.push(content);
      },
    });
    const jsonBytes = bytes.length - from;
    const hashes = contents.map((content, i) => {
      const at = bytes.length;
      bytes.write(content);
      gaps[i * 3 + 2] = bytes.length - at;
      return hash("sha256", bytes.from(at), "hex");
    });
    return { from, jsonBytes, cut, gaps, hashes };
  }
}

/** All bytes are views of the batch's buffer. */
export function unpackBatch({ slab, items }: WireBatch): WrittenResult[] {
  let read = items.filter(({ content }) => typeof content !== "string").length;
  const letGo = (): void => {
    if (--read === 0) letGoBuffer(slab);
  };
  return items.map(({ raw, content }): WrittenResult => {
    const known = raw && { raw };
    if (typeof content === "string") return { ok: false, reason: content, ...known };
    const { from, jsonBytes, cut, gaps: numbers, hashes } = content;
    let at = from + jsonBytes;
    const gaps: Gap[] = [];
    for (const [i, sha256] of hashes.entries()) {
      const [kind = 0, place = 0, size = 0] = numbers.slice(i * 3, i * 3 + 3);
      gaps.push({ kind: kinds[kind] as GapKind, at: place, bytes: new Uint8Array(slab, at, size), sha256 });
      at += size;
    }
    const json = new Uint8Array(slab, from, jsonBytes);
    return { ok: true, message: { json, gaps, letGo }, ...(cut !== undefined && { cut }), ...known };
  });
}
