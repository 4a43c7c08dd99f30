import { composeMessage, type Gap, type GapKind, type ParseResult, type WrittenResult } from "@mailfleet/core";

/**
 * How a batch crosses the thread border: written, in one buffer that is transferred, each message's JSON followed by what its gaps
 * left out. Beside it go numbers only. A structured clone of parsed messages costs several times as much, and the side that
 * receives them would make the same strings again to write them.
 */
export interface WireBatch {
  readonly slab: ArrayBuffer;
  readonly items: readonly WireItem[];
}

/** The reason why a message was not read, or the size of its JSON, what was cut, and three numbers for each gap: kind, offset, size. */
export type WireItem = string | readonly [jsonBytes: number, cut: string | null, gaps: readonly number[]];

const kinds: readonly GapKind[] = ["text", "html", "attachment"];

export function packBatch(results: readonly ParseResult[]): WireBatch {
  const contents: (string | Uint8Array)[] = [];
  const sizes: number[] = [];
  const add = (content: string | Uint8Array): number => {
    const size = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
    contents.push(content);
    sizes.push(size);
    return size;
  };
  const items = results.map((result): WireItem => {
    if (!result.ok) return result.reason;
    const { pieces, gaps } = composeMessage(result.message);
    let jsonBytes = 0;
    const numbers: number[] = [];
    for (const [i, piece] of pieces.entries()) {
      jsonBytes += add(piece);
      const gap = gaps[i];
      if (gap) numbers.push(kinds.indexOf(gap.kind), jsonBytes, 0);
    }
    for (const [i, { content }] of gaps.entries()) numbers[i * 3 + 2] = add(content);
    return [jsonBytes, result.cut ?? null, numbers];
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
  return items.map((item): WrittenResult => {
    if (typeof item === "string") return { ok: false, reason: item };
    const [jsonBytes, cut, numbers] = item;
    const json = take(jsonBytes);
    const gaps: Gap[] = [];
    for (let i = 0; i < numbers.length; i += 3) {
      const [kind = 0, place = 0, size = 0] = numbers.slice(i, i + 3);
      gaps.push({ kind: kinds[kind] as GapKind, at: place, bytes: take(size) });
    }
    return { ok: true, message: { json, gaps }, ...(cut !== null && { cut }) };
  });
}
