import { limits as eventLimits, type BodyText } from "@mailfleet/core";
import type { RawAttachment, RawParts } from "./assemble.ts";
import type { CharsetDecoder, CharsetDecoders } from "./charset-decoders.ts";
import { readContentFields } from "./content-fields.ts";
import type { ContentFields } from "./content-fields.ts";
import type { Decline } from "./decline.ts";
import { escapePairs, escapeText, isSound, mostPerByte } from "./escape-text.ts";
import type { EscapeTable } from "./escape-text.ts";
import { findBlock, scanFields } from "./header-block.ts";
import type { MessageHead } from "./header-block.ts";
import type { Libmime } from "./lean-mail-parser.ts";
import { decodeQuotedPrintable, escapeQuotedPrintable } from "./quoted-printable.ts";
import type { TextRoom } from "./text-room.ts";
import { copyWithoutCr, decodeBase64 } from "./transfer-decode.ts";

export interface PartTools {
  readonly libmime: Libmime;
  readonly charsets: CharsetDecoders;
}

export interface TreeLimits {
  readonly parts: number;
  readonly depth: number;
  readonly headerBytes: number;
}

const [lf, cr, dash, space, tab] = [0x0a, 0x0d, 0x2d, 0x20, 0x09];
/** What mailparser's splitter counts a header line for at least, in bytes. */
const headerLineBytes = 64;
/** White space behind a delimiter, in bytes; mailparser's own bound is higher. */
const maxDelimiterBlanks = 100;

/** What ends a part: a delimiter line, or the end of the message. */
interface PartEnd {
  readonly at: number;
  readonly kind: "opening" | "closing" | "end-of-message";
  /** Behind the line end of a delimiter. */
  readonly next: number;
}

/**
 * The tree of a message's parts, from the bytes as they lie. Nothing is copied but what has to be decoded: the content of an
 * attachment without a transfer encoding is a view.
 */
export class FastParts implements RawParts {
  readonly texts: BodyText[] = [];
  readonly htmls: BodyText[] = [];
  readonly attachments: RawAttachment[] = [];
  hasUnknownCharset = false;
  readonly #bytes: Buffer;
  readonly #tools: PartTools;
  readonly #limits: TreeLimits;
  readonly #room: TextRoom;
  /** Of the multiparts around the current part, the outermost first. */
  readonly #boundaries: string[] = [];
  #count = 0;

  /** @param room for the texts, which lie there */
  constructor(bytes: Buffer, tools: PartTools, limits: TreeLimits, room: TextRoom) {
    this.#bytes = bytes;
    this.#tools = tools;
    this.#limits = limits;
    this.#room = room;
  }

  /** @returns why the message is left to mailparser, or undefined when all of it was read */
  readRoot(head: MessageHead): Decline | undefined {
    const at = this.#bytes.length;
    return this.#readNode(head, { at, kind: "end-of-message", next: at });
  }

  #readNode({ text: head, fields, bodyAt: start }: MessageHead, end: PartEnd): Decline | undefined {
    this.#count++;
    const { parts, depth, headerBytes } = this.#limits;
    const isLarge = head.length * headerLineBytes > headerBytes && head.length + countLines(head) * headerLineBytes > headerBytes;
    if (this.#count >= parts || this.#boundaries.length > depth || isLarge) return "near-limit";
    const content = readContentFields(fields, this.#tools.libmime);
    if (typeof content === "string") return content;
    if (content.boundary !== undefined) return this.#readMultipart(content.boundary, start, end);
    return this.#readLeaf(content, start, this.#bodyEnd(start, end));
  }

  /** Of several delimiters in one line's place the innermost counts; none is found in two ways, because such boundaries are declined. */
  #readMultipart(boundary: string, start: number, end: PartEnd): Decline | undefined {
    for (const outer of this.#boundaries) {
      if (outer === boundary || outer === `${boundary}--` || boundary === `${outer}--`) return "boundary";
    }
    const needle = Buffer.from(`--${boundary}`, "latin1");
    const first = this.#findDelimiter(needle, start, end.at);
    if (typeof first === "string") return first;
    if (first?.kind !== "opening") return "no-parts";
    this.#boundaries.push(boundary);
    let partAt = first.next;
    for (let isLast = false; !isLast;) {
      const found = this.#findDelimiter(needle, partAt, end.at);
      if (typeof found === "string") return found;
      // a multipart that is never closed ends with the one around it
      const partEnd = found ?? end;
      isLast = found?.kind !== "opening";
      const declined = this.#readPart(partAt, partEnd);
      if (declined !== undefined) return declined;
      partAt = partEnd.next;
    }
    this.#boundaries.pop();
    return undefined;
  }

  #readPart(start: number, end: PartEnd): Decline | undefined {
    const block = findBlock(this.#bytes, start, end.at);
    if (block === undefined) return "head-unended";
    if (block.text.includes("\0")) return "head-nul";
    const fields = scanFields(block.text);
    if (typeof fields === "string") return fields;
    return this.#readNode({ ...block, fields }, end);
  }

  /** The line end before a delimiter belongs to it. */
  #bodyEnd(start: number, { at, kind }: PartEnd): number {
    if (kind === "end-of-message" || at === start) return at;
    const isCrlf = at - 1 > start && this.#bytes[at - 2] === cr;
    const end = isCrlf ? at - 2 : at - 1;
    // mailparser's splitter keeps a body that is one line end, but not before a closing delimiter
    return end === start && kind === "opening" ? at : end;
  }

  /** The first line in a range that is a delimiter of a boundary. */
  #findDelimiter(needle: Buffer, start: number, end: number): PartEnd | Decline | undefined {
    const bytes = this.#bytes;
    for (let at = bytes.indexOf(needle, start); at >= 0 && at < end; at = bytes.indexOf(needle, at + 1)) {
      const before = bytes[at - 1];
      if (before === cr) return "delimiter";
      if (before !== lf) continue;
      let next = at + needle.length;
      const kind = bytes[next] === dash && bytes[next + 1] === dash ? "closing" : "opening";
      if (kind === "closing") next += 2;
      const blanksAt = next;
      while (bytes[next] === space || bytes[next] === tab) next++;
      if (next - blanksAt > maxDelimiterBlanks) return "delimiter";
      if (bytes[next] === lf) return { at, kind, next: next + 1 };
      if (bytes[next] === cr) return bytes[next + 1] === lf ? { at, kind, next: next + 2 } : "delimiter";
      // the last line of all needs no end to close; anything else is a longer boundary, or text
      if (next >= bytes.length) return kind === "closing" ? { at, kind, next } : "delimiter";
    }
    return undefined;
  }

  #readLeaf(content: ContentFields, start: number, end: number): Decline | undefined {
    const { contentType, disposition, filename } = content;
    const isText = (contentType === "text/plain" || contentType === "text/html") && (disposition === undefined || disposition === "inline");
    if (isText) return this.#readText(content, start, end);
    const bytes = this.#decode(content, start, end);
    if (typeof bytes === "string") return bytes;
    this.attachments.push({
      contentType:
        contentType === "application/octet-stream" && filename !== undefined ? this.#tools.libmime.detectMimeType(filename) : contentType,
      filename,
      disposition,
      contentId: content.contentId?.replace(/^<|>$/g, "").trim(),
      content: bytes,
    });
    return undefined;
  }

  #readText(content: ContentFields, start: number, end: number): Decline | undefined {
    const charset = this.#tools.charsets.get(content.charset ?? "utf-8");
    if (charset === undefined) return "charset";
    if (!charset.isKnown) this.hasUnknownCharset = true;
    const escapes = charset.escapes();
    const json = escapes === undefined ? undefined : this.#escape(content, escapes, start, end);
    if (json === undefined) return this.#readString(content, charset, start, end);
    if (json.length > 0) this.#textsOf(content).push({ json });
    return undefined;
  }

  #textsOf(content: ContentFields): BodyText[] {
    return content.contentType === "text/html" ? this.htmls : this.texts;
  }

  /** Undefined for what is long or odd: it is read as a string. */
  #escape(content: ContentFields, escapes: EscapeTable, start: number, end: number): Buffer | undefined {
    if (end - start > eventLimits.inlineBodyBytes) return undefined;
    const out = this.#room.place((end - start) * mostPerByte);
    const size = this.#escapeInto(out, content, escapes, start, end);
    const isFit = size >= 0 && size <= eventLimits.inlineBodyBytes && isSound(out.subarray(0, size), escapes);
    return isFit ? this.#room.keep(out, size) : undefined;
  }

  /** @returns how many bytes were written, or -1 */
  #escapeInto(out: Buffer, content: ContentFields, escapes: EscapeTable, start: number, end: number): number {
    const { codes, pairs } = escapes;
    const isDirect = !content.isFlowed && pairs === undefined;
    if (isDirect && content.encoding === "identity") return escapeText(this.#bytes, start, end, out, 0, escapes.codes);
    if (isDirect && content.encoding === "quoted-printable") return escapeQuotedPrintable(this.#bytes, start, end, out, escapes);
    const decoded = this.#decodeText(content, start, end);
    if (typeof decoded === "string" || decoded.length > end - start) return -1;
    if (pairs !== undefined) return escapePairs(decoded, 0, decoded.length, out, codes, pairs);
    return escapeText(decoded, 0, decoded.length, out, 0, escapes.codes);
  }

  #readString(content: ContentFields, charset: CharsetDecoder, start: number, end: number): Decline | undefined {
    // as bytes: to replace CRLF in a string takes some 100 bytes of heap for each line
    const hasLines = charset.isByteWise && !content.isFlowed;
    const bytes = hasLines ? this.#decodeLines(content, start, end) : this.#decodeText(content, start, end);
    if (typeof bytes === "string") return bytes;
    const decoded = charset.decode(bytes, 0, bytes.length);
    const text = hasLines ? decoded : decoded.replace(/\r\n/g, "\n");
    if (text !== "") this.#textsOf(content).push(text);
    return undefined;
  }

  /** With LF for each CRLF; until the next text is read. */
  #decodeLines(content: ContentFields, start: number, end: number): Buffer | Decline {
    switch (content.encoding) {
      case "base64": {
        const decoded = decodeBase64(this.#bytes, start, end);
        return copyWithoutCr(decoded, 0, decoded.length, decoded);
      }
      case "quoted-printable":
        return decodeQuotedPrintable(this.#bytes, start, end, this.#room.place(end - start), true) ?? "quoted-printable";
      case "identity":
        return copyWithoutCr(this.#bytes, start, end, this.#room.place(end - start));
    }
  }

  #decodeText(content: ContentFields, start: number, end: number): Buffer | Decline {
    const decoded = this.#decode(content, start, end);
    if (typeof decoded === "string" || !content.isFlowed) return decoded;
    return Buffer.from(this.#tools.libmime.decodeFlowed(decoded.toString("latin1"), content.isDelSp), "latin1");
  }

  #decode(content: ContentFields, start: number, end: number): Buffer | Decline {
    switch (content.encoding) {
      case "base64":
        return decodeBase64(this.#bytes, start, end);
      case "quoted-printable":
        return decodeQuotedPrintable(this.#bytes, start, end, Buffer.allocUnsafe(end - start), false) ?? "quoted-printable";
      case "identity":
        return this.#bytes.subarray(start, end);
    }
  }
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
