import { MailParser } from "mailparser";
import type { AttachmentStream, HeaderLines } from "mailparser";

/** A node of mailparser's tree, as far as it is read here. `textContent` is set once the part has ended. */
export interface PartNode {
  readonly contentType: string | false;
  readonly textContent?: string;
  readonly children: readonly PartNode[];
  readonly isAttachment?: boolean;
}

/** What mailsplit hands to mailparser for each part, body piece and piece between parts. */
interface SplitterChunk {
  readonly type: "node" | "body" | "data";
  value?: Uint8Array;
  readonly parentNode?: SplitterChunk | false;
  depth?: number;
}

/** mailparser hands its options on to mailsplit, whose options its own type does not list. */
function splitterOptions(limits: PartLimits): object {
  return { ignoreEmbedded: true, maxHeadSize: limits.headerBytes, maxChildNodes: limits.parts };
}

export interface PartLimits {
  readonly parts: number;
  readonly depth: number;
  /** Of one part. */
  readonly headerBytes: number;
  /** Raw, of all text parts together. */
  readonly textBytes: number;
}

interface DecodeStream extends NodeJS.ReadWriteStream {
  readonly supported?: boolean;
}

/** libmime's decoder of a body's charset: `decoder` is null for those it collects whole. */
export interface CharsetStream {
  readonly supported: boolean;
  readonly decoder: ChunkDecoder | null;
}

export interface ChunkDecoder {
  write(bytes: Buffer): string;
  end(): string | undefined;
}

/** What mailparser itself decodes with. None of it keeps state. */
export interface Libmime {
  decodeWord(charset: string, encoding: "B", text: string): string;
  decodeWords(text: string): string;
  decodeFlowed(text: string, delSp: boolean): string;
  detectMimeType(name: string): string;
  createDecodeStream(charset: string): CharsetStream;
  parseHeaderValue(
    text: string,
    options: { readonly stripComments: boolean },
  ): { readonly value: string; readonly params: Readonly<Record<string, string>>; readonly decodedParams: readonly string[] };
}

/** Members of mailparser 3.14 that its types leave out. The version is pinned; `lean-mail-parser.test.ts` watches them. */
interface Internals {
  readonly tree: PartNode | false;
  readonly curnode: PartNode | false;
  readonly libmime: Libmime;
  readonly splitter: { maxChildNodes: number; destroy(): void };
  decoder: { decodeStream(charset: string): DecodeStream };
  processChunk(data: SplitterChunk, done: (error?: Error) => void): void;
}

const base = MailParser.prototype as unknown as Internals;

export class LimitError extends Error {
  override readonly name = "LimitError";
}

/**
 * mailparser without the work that nobody reads: it would decode every header field of every part, format each address as HTML
 * and text, and join the text parts. Structure, transfer encodings, charsets and header words stay its own. Half the CPU of
 * `simpleParser` in its leanest options, and parts stay apart (T28).
 */
export class LeanMailParser extends MailParser {
  /** Charsets that mailparser does not know; it then reads UTF-8. */
  readonly unknownCharsets: string[] = [];
  /** Text was left out because there was too much of it. */
  isTextCut = false;
  readonly #maxDepth: number;
  #textBytesLeft: number;

  constructor(limits: PartLimits) {
    super({
      skipHtmlToText: true,
      skipTextToHtml: true,
      skipTextLinks: true,
      skipImageLinks: true,
      checksumAlgo: false,
      // a machine-readable bounce report is a part of its own, and so is a forwarded message
      keepDeliveryStatus: true,
      ...splitterOptions(limits),
    });
    this.#maxDepth = limits.depth;
    this.#textBytesLeft = limits.textBytes;
    const { decoder } = this.#internals;
    this.#internals.decoder = {
      decodeStream: (charset) => {
        const stream = decoder.decodeStream(charset);
        if (stream.supported === false) this.unknownCharsets.push(charset);
        return stream;
      },
    };
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  /** Undefined when the input had no part at all. */
  get root(): PartNode | undefined {
    return this.#internals.tree || undefined;
  }

  get library(): Libmime {
    return this.#internals.libmime;
  }

  /** Called by mailparser for each part; attachments are asked for their Content-ID only. */
  processHeaders(lines: HeaderLines): Map<string, string> {
    const fields = new Map<string, string>();
    for (const { key, line } of lines) {
      if (key !== "content-id" || fields.has(key)) continue;
      const value = line.slice(line.indexOf(":") + 1).trim();
      if (value !== "") fields.set(key, value);
    }
    return fields;
  }

  /** Called by mailparser at the end; the tree holds the texts, part by part. */
  getTextContent(): { type: "text" } {
    return { type: "text" };
  }

  /**
   * Ends the work on a message that is given up. Destroying the streams would not do: mailsplit goes on through the whole of its
   * input, at the cost of the thread's next message, until it meets an error of its own.
   */
  stop(): void {
    this.#internals.splitter.maxChildNodes = 0;
    this.#internals.splitter.destroy();
    this.destroy();
  }

  #isText(): boolean {
    const { curnode } = this.#internals;
    return curnode !== false && curnode.isAttachment !== true;
  }

  processChunk(data: SplitterChunk, done: (error?: Error) => void): void {
    if (data.type === "node") {
      data.depth = data.parentNode ? (data.parentNode.depth ?? 0) + 1 : 0;
      if (data.depth > this.#maxDepth) {
        done(new LimitError(`its parts are nested deeper than ${this.#maxDepth} levels`));
        return;
      }
    }
    if (data.type === "body" && data.value !== undefined && this.#isText()) {
      // An attachment's bytes pass through; those of a text stay until the end.
      const { value } = data;
      if (value.length > this.#textBytesLeft) {
        this.isTextCut = true;
        data.value = value.subarray(0, this.#textBytesLeft);
      }
      this.#textBytesLeft -= data.value.length;
      if (data.value.length === 0) {
        setImmediate(done);
        return;
      }
    }
    base.processChunk.call(this, data, done);
  }
}

export type { AttachmentStream };
