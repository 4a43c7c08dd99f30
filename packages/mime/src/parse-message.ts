import { once } from "node:events";
import type { BlobPointer, ParsedAttachment, ParseResult } from "@mailfleet/core";
import { cleanLine, cleanName, cleanText } from "./clean-text.ts";
import type { Defect } from "./defects.ts";
import { joinHtml } from "./join-html.ts";
import { LeanMailParser, LimitError } from "./lean-mail-parser.ts";
import type { AttachmentStream, PartNode } from "./lean-mail-parser.ts";
import { readFields } from "./read-fields.ts";

export interface ParseLimits {
  readonly parts: number;
  readonly depth: number;
  readonly headerBytes: number;
  readonly headerFields: number;
  readonly addresses: number;
  /** Raw bytes of all text and HTML parts; what is longer is cut. */
  readonly textBytes: number;
}

/**
 * One message from its bytes, nothing else read or written. Never rejects; time is the caller's to watch, because a parser that
 * is busy cannot watch it. Attachment bytes may be views of `bytes`.
 */
export function parseMessage(bytes: Uint8Array, limits: ParseLimits): Promise<ParseResult> {
  return parse(limits, collectChunks, (parser) => {
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return Promise.resolve();
  });
}

/** Keeps an attachment's bytes while they come: itself, or where they lie. */
export type KeepContent = (chunks: AsyncIterable<Uint8Array>) => Promise<Uint8Array | BlobPointer>;

/** As {@link parseMessage}, holding a few pieces at a time. */
export function parsePieces(pieces: AsyncIterable<Uint8Array>, limits: ParseLimits, keep: KeepContent): Promise<ParseResult> {
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

async function parse(limits: ParseLimits, keep: KeepContent, feed: (parser: LeanMailParser) => Promise<void>): Promise<ParseResult> {
  const parser = new LeanMailParser(limits);
  try {
    const attachments = await readParts(parser, keep, feed);
    return { ok: true, message: assemble(parser, attachments, limits), ...(parser.isTextCut && { cut: cutReason(limits) }) };
  } catch (error) {
    parser.stop();
    return { ok: false, reason: explain(error, limits) };
  }
}

interface RawAttachment {
  readonly head: AttachmentStream;
  readonly content: Uint8Array | BlobPointer;
}

async function readParts(
  parser: LeanMailParser,
  keep: KeepContent,
  feed: (parser: LeanMailParser) => Promise<void>,
): Promise<RawAttachment[]> {
  const attachments: RawAttachment[] = [];
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

function assemble(parser: LeanMailParser, raw: readonly RawAttachment[], limits: ParseLimits): (ParseResult & { ok: true })["message"] {
  const defects = new Set<Defect>();
  const addDefect = (defect: Defect): void => void defects.add(defect);
  const decodeWords = (text: string): string => parser.decodeWords(text);
  const fields = readFields(parser.headerLines || [], {
    decodeWords,
    addDefect,
    maxAddresses: limits.addresses,
    maxFields: limits.headerFields,
  });

  const texts: string[] = [];
  const htmls: string[] = [];
  if (parser.root) collectTexts(parser.root, texts, htmls);
  const text = texts.length > 0 ? cleanText(texts.join("\n")) : undefined;
  const { html, rest } = joinHtml(htmls.map(cleanText));
  const attachments = raw.map((one) => readAttachment(one, addDefect));
  for (const part of rest) {
    addDefect("html-parts-split");
    attachments.push({ contentType: "text/html; charset=utf-8", disposition: "inline", content: Buffer.from(part) });
  }

  if (parser.unknownCharsets.length > 0) addDefect("charset-unknown");
  if (text?.includes("\uFFFD") || html.includes("\uFFFD")) addDefect("undecodable-text");
  if (!text && html === "" && attachments.length === 0) addDefect("no-body");
  return {
    ...fields,
    ...(text !== undefined && { text }),
    ...(htmls.length > 0 && { html }),
    attachments,
    defects: [...defects],
  };
}

function collectTexts(node: PartNode, texts: string[], htmls: string[]): void {
  if (node.textContent) (node.contentType === "text/html" ? htmls : texts).push(node.textContent);
  for (const child of node.children) collectTexts(child, texts, htmls);
}

function readAttachment({ head, content }: RawAttachment, addDefect: (defect: Defect) => void): ParsedAttachment {
  const filename = head.filename === undefined ? undefined : cleanName(head.filename);
  if (head.filename !== undefined && filename !== head.filename) addDefect("name-cut");
  const contentId = head.cid === undefined ? undefined : cleanLine(head.cid).slice(0, 998).toWellFormed();
  return {
    ...(filename !== undefined && { filename }),
    contentType: cleanLine(head.contentType || "application/octet-stream")
      .slice(0, 255)
      .toWellFormed(),
    ...(head.contentDisposition !== undefined && { disposition: cleanLine(head.contentDisposition).slice(0, 64).toWellFormed() }),
    ...(contentId !== undefined && contentId !== "" && { contentId }),
    content,
  };
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
