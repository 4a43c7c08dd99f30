import type { ParsedAttachment, ParseResult } from "@mailfleet/core";
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
  readonly addresses: number;
}

/**
 * One message from its bytes, nothing else read or written. Never rejects; time is the caller's to watch, because a parser that
 * is busy cannot watch it. Attachment bytes may be views of `bytes`.
 */
export async function parseMessage(bytes: Uint8Array, limits: ParseLimits): Promise<ParseResult> {
  const parser = new LeanMailParser(limits);
  try {
    const attachments = await readParts(parser, bytes);
    return { ok: true, message: assemble(parser, attachments, limits) };
  } catch (error) {
    parser.stop();
    return { ok: false, reason: explain(error, limits) };
  }
}

interface RawAttachment {
  readonly head: AttachmentStream;
  readonly chunks: Uint8Array[];
}

function readParts(parser: LeanMailParser, bytes: Uint8Array): Promise<RawAttachment[]> {
  return new Promise((resolve, reject) => {
    const attachments: RawAttachment[] = [];
    parser.on("data", (part) => {
      if (part.type !== "attachment") return;
      const chunks: Uint8Array[] = [];
      attachments.push({ head: part, chunks });
      part.content.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      part.content.on("error", reject);
      part.content.on("end", () => part.release?.());
    });
    // stays for good: a destroyed parser may report once more, and an error without listener would end the thread
    parser.on("error", reject);
    parser.on("end", () => resolve(attachments));
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}

function assemble(parser: LeanMailParser, raw: readonly RawAttachment[], limits: ParseLimits): (ParseResult & { ok: true })["message"] {
  const defects = new Set<Defect>();
  const addDefect = (defect: Defect): void => void defects.add(defect);
  const decodeWords = (text: string): string => parser.decodeWords(text);
  const fields = readFields(parser.headerLines || [], { decodeWords, addDefect, maxAddresses: limits.addresses });

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

function readAttachment({ head, chunks }: RawAttachment, addDefect: (defect: Defect) => void): ParsedAttachment {
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
    content: chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks),
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
