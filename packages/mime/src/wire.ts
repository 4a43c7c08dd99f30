import { hash } from "node:crypto";
import { composeMessage, type Gap, type GapKind, type ParseResult, type RawFacts, type WrittenResult } from "@mailfleet/core";

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
  readonly jsonBytes: number;
  readonly cut: string | undefined;
  /** Three numbers for each gap: kind, offset, size. */
  readonly gaps: readonly number[];
  /** SHA-256 of what each gap left out, hex. */
  readonly hashes: readonly string[];
}

const kinds: readonly GapKind[] = ["text", "html", "attachment"];

/** @param raws what is known of each message's bytes, in the same order */
export function packBatch(results: readonly ParseResult[], raws: readonly RawFacts[] = []): WireBatch {
  const contents: (string | Uint8Array)[] = [];
  const sizes: number[] = [];
  const add = (content: string | Uint8Array): number => {
    const size = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
    contents.push(content);
    sizes.push(size);
    return size;
  };
  const items = results.map((result, index): WireItem => {
    const raw = raws[index];
    if (!result.ok) return { raw, content: result.reason };
    const { pieces, gaps } = composeMessage(result.message);
    let jsonBytes = 0;
    const numbers: number[] = [];
    for (const [i, piece] of pieces.entries()) {
      jsonBytes += add(piece);
      const gap = gaps[i];
      if (gap) numbers.push(kinds.indexOf(gap.kind), jsonBytes, 0);
    }
    for (const [i, { content }] of gaps.entries()) numbers[i * 3 + 2] = add(content);
    const hashes = gaps.map(({ content }) => hash("sha256", content, "hex"));
    return { raw, content: { jsonBytes, cut: result.cut, gaps: numbers, hashes } };
  });
  const slab = Buffer.from(new ArrayBuffer(sizes.reduce((sum, size) => sum + size, 0)));
  let at = 0;
  for (const [i, content] of contents.entries()) {
    if (typeof content === "string") slab.write(content, at);
    else slab.set(content, at);
    at += sizes[i] as number;
  }
  return { slab: slab.buffer, items };
}

/** All bytes are views of the batch's buffer. */
export function unpackBatch({ slab, items }: WireBatch): WrittenResult[] {
  let at = 0;
  const take = (size: number): Uint8Array => new Uint8Array(slab, (at += size) - size, size);
  return items.map(({ raw, content }): WrittenResult => {
    const known = raw && { raw };
    if (typeof content === "string") return { ok: false, reason: content, ...known };
    const { jsonBytes, cut, gaps: numbers, hashes } = content;
    const json = take(jsonBytes);
    const gaps: Gap[] = [];
    for (const [i, sha256] of hashes.entries()) {
      const [kind = 0, place = 0, size = 0] = numbers.slice(i * 3, i * 3 + 3);
      gaps.push({ kind: kinds[kind] as GapKind, at: place, bytes: take(size), sha256 });
    }
    return { ok: true, message: { json, gaps }, ...(cut !== undefined && { cut }), ...known };
  });
}
