import { once } from "node:events";
import type { BlobPointer, MessageToWrite } from "@mailfleet/core";
import { assemble } from "./assemble.ts";
import { cleanLine } from "./clean-text.ts";
import type { Defect } from "./defects.ts";
import { LeanMailParser, LimitError } from "./lean-mail-parser.ts";
import type { AttachmentStream, PartNode } from "./lean-mail-parser.ts";
import { parseFast, readHead } from "./parse-fast.ts";
import type { ReadResult } from "./parse-fast.ts";
import type { ParseLimits } from "./parse-limits.ts";
import { readFields } from "./read-fields.ts";
import { TextRoom } from "./text-room.ts";

export type { ParseLimits } from "./parse-limits.ts";

/**
 * One message from its bytes, nothing else read or written; at once, if it has a common shape. Never rejects; time is the caller's to
 * watch, because a parser that is busy cannot watch it. Attachment bytes may be views of `bytes`.
 * @param room where texts may lie of what is read at once
 */
export function parseMessage(
  bytes: Uint8Array,
  limits: ParseLimits,
  head = readHead(bytes, limits),
  room = new TextRoom(0),
): ReadResult | Promise<ReadResult> {
  return parseFast(bytes, limits, head, room) ?? parseByStreams(bytes, limits);
}

/** By mailparser: what {@link parseFast} declines, and what it is measured by. */
export function parseByStreams(bytes: Uint8Array, limits: ParseLimits): Promise<ReadResult> {
  return parse(limits, collectChunks, (parser) => {
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return Promise.resolve();
  });
}

/** Keeps an attachment's bytes while they come: itself, or where they lie. */
export type KeepContent = (chunks: AsyncIterable<Uint8Array>) => Promise<Uint8Array | BlobPointer>;

/** As {@link parseMessage}, holding a few pieces at a time. */
export function parsePieces(pieces: AsyncIterable<Uint8Array>, limits: ParseLimits, keep: KeepContent): Promise<ReadResult> {
  return parse(limits, keep, async (parser) => {
    for await (const piece of pieces) {
      if (parser.destroyed) return;
      const isFull = !parser.write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      if (isFull) await hasRoom(parser);
    }
    parser.end();
  });
}

/** Takes its listeners off again: a message of 200 MB is hundreds of waits, and the parser would keep one of each kind for every one. */
async function hasRoom(parser: LeanMailParser): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(parser, "drain", { signal }), once(parser, "close", { signal })]);
  } finally {
    over.abort();
  }
}

async function collectChunks(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all.length === 1 ? (all[0] as Uint8Array) : Buffer.concat(all);
}

async function parse(limits: ParseLimits, keep: KeepContent, feed: (parser: LeanMailParser) => Promise<void>): Promise<ReadResult> {
  const parser = new LeanMailParser(limits);
  try {
    const attachments = await readParts(parser, keep, feed);
    return { ok: true, message: assembleTree(parser, attachments, limits), ...(parser.isTextCut && { cut: cutReason(limits) }) };
  } catch (error) {
    parser.stop();
    return { ok: false, reason: explain(error, limits) };
  }
}

interface ReadAttachment {
  readonly head: AttachmentStream;
  readonly content: Uint8Array | BlobPointer;
}

async function readParts(
  parser: LeanMailParser,
  keep: KeepContent,
  feed: (parser: LeanMailParser) => Promise<void>,
): Promise<ReadAttachment[]> {
  const attachments: ReadAttachment[] = [];
  const read = new Promise<void>((resolve, reject) => {
    let keeping = Promise.resolve();
    parser.on("data", (part) => {
      if (part.type !== "attachment") return;
      // One after the other: the next part is read only once this one is released.
      keeping = keep(part.content as AsyncIterable<Uint8Array>).then((content) => {
        attachments.push({ head: part, content });
        part.release?.();
      }, reject);
    });
    // stays for good: a destroyed parser may report once more, and an error without listener would end the thread
    parser.on("error", reject);
    parser.on("end", () => void keeping.then(resolve));
  });
  // What is not fed any more because reading failed has nobody waiting for it.
  await Promise.all([read, Promise.race([feed(parser), read])]);
  return attachments;
}

function cutReason(limits: ParseLimits): string {
  return `Its text is longer than ${limits.textBytes} bytes; the rest of it is in the raw message only.`;
}

function assembleTree(parser: LeanMailParser, raw: readonly ReadAttachment[], limits: ParseLimits): MessageToWrite {
  const defects = new Set<Defect>();
  const fields = readFields(parser.headerLines || [], {
    decodeWords: (text) => parser.library.decodeWords(text),
    addDefect: (defect) => void defects.add(defect),
    maxAddresses: limits.addresses,
    maxFields: limits.headerFields,
  });
  const texts: string[] = [];
  const htmls: string[] = [];
  if (parser.root) collectTexts(parser.root, texts, htmls);
  const attachments = raw.map(({ head, content }) => ({
    contentType: head.contentType,
    filename: head.filename,
    disposition: head.contentDisposition,
    contentId: head.cid,
    content,
  }));
  return assemble(fields, { texts, htmls, attachments, hasUnknownCharset: parser.unknownCharsets.length > 0 }, defects);
}

function collectTexts(node: PartNode, texts: string[], htmls: string[]): void {
  if (node.textContent) (node.contentType === "text/html" ? htmls : texts).push(node.textContent);
  for (const child of node.children) collectTexts(child, texts, htmls);
}

function explain(error: unknown, limits: ParseLimits): string {
  if (error instanceof LimitError) return `The message was not parsed: ${error.message}.`;
  const text = error instanceof Error ? error.message : String(error);
  if (text.startsWith("Max allowed child nodes")) return `The message was not parsed: it has more than ${limits.parts} parts.`;
  if (text.startsWith("Max header size")) {
    return `The message was not parsed: the header block of one part is larger than ${limits.headerBytes} bytes.`;
  }
  // a foreign text can hold mail; its head is enough to find the place
  return `The parser failed on this message: ${cleanLine(text).slice(0, 200).toWellFormed()}.`;
}
