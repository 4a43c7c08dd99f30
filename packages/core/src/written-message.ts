import { cleaned, cleanJson } from "./clean-value.ts";
import { isWritten, type BodyText, type MessageToWrite } from "./message-to-write.ts";
import type { AttachmentEvent, BlobPointer, MessageFields } from "./event.ts";
import type { RawFacts } from "./fingerprint.ts";
import type { JsonPieces } from "./json-pieces.ts";
import { limits } from "./limits.ts";
import type { ParsedMessage, ParseResult } from "./ports.ts";
import { isLongerInUtf8 } from "./utf8.ts";

/**
 * A message as an event has it, already written: JSON, but for what only the blob store knows. Made in the thread that parses, so that
 * the one that fetches and commits handles bytes, and makes no object of a message's thousand strings.
 */
export interface WrittenMessage {
  /** A JSON object in UTF-8, without NUL and lone surrogates, incomplete at its gaps. */
  readonly json: Uint8Array;
  /** By place, ascending. */
  readonly gaps: readonly Gap[];
  /** Nobody reads these bytes any more: called once, or not at all. Others may lie in the same buffer, which goes with the last of them. */
  readonly letGo?: () => void;
}

/** What a parser hands over: the message written as events have it. */
export type WrittenResult = ParseResult<WrittenMessage> & {
  /** Absent where the parser did not get as far, and of a streamed message: then whoever needs it reads the bytes. */
  readonly raw?: RawFacts;
};

/** Where the members `ref`, `sha256` and `size` of a blob belong, and the blob. */
export interface Gap {
  /** Offset into the JSON, bytes. */
  readonly at: number;
  readonly kind: GapKind;
  readonly bytes: Uint8Array;
  /** Of the bytes, where it is known: lower-case hex. */
  readonly sha256?: string;
}

export type GapKind = "text" | "html" | "attachment";

/** Takes a message in the order in which it is written. */
export interface MessageSink {
  /** JSON, a part of it: what was written before goes on. Bytes are UTF-8, and stay the caller's. */
  write(json: string | Uint8Array): void;
  /** The members of a blob belong here. */
  leaveOut(kind: GapKind, content: string | Uint8Array): void;
}

/**
 * Bodies over `limits.inlineBodyBytes` and attachments become gaps; what lies in the blob store already is written out. Parts are not
 * joined: a joined text is copied once more before it is encoded.
 */
export function composeMessage(message: MessageToWrite, sink: MessageSink): void {
  const { headers, text, html, attachments, defects } = message;
  // JSON leaves out what is undefined.
  const head = { ...message, headers: undefined, text: undefined, html: undefined, attachments: undefined, defects: undefined };
  sink.write(`${cleanJson(head).slice(0, -1)},"headers":`);
  sink.write(isWritten(headers) ? headers.json : cleanJson(headers));
  const textOut = writeBody("text", text, sink);
  const htmlOut = writeBody("html", html, sink);
  if (defects.length > 0) sink.write(`,"defects":${cleanJson(defects)}`);
  if (textOut !== undefined) {
    sink.write(',"textRef":{');
    sink.leaveOut("text", textOut);
    sink.write("}");
  }
  if (htmlOut !== undefined) {
    sink.write(',"htmlRef":{');
    sink.leaveOut("html", htmlOut);
    sink.write("}");
  }
  sink.write(',"attachments":[');
  for (const [i, { content, ...about }] of attachments.entries()) {
    sink.write(`${i > 0 ? "," : ""}${cleanJson(about).slice(0, -1)},`);
    if (content instanceof Uint8Array) sink.leaveOut("attachment", content);
    else sink.write(pointerMembers(content));
    sink.write("}");
  }
  sink.write("]}");
}

/**
 * Apart from the head, because one character beyond Latin-1 makes all of a string two bytes wide, and slow to write.
 * @returns the body when it is to be left out
 */
function writeBody(field: "text" | "html", body: BodyText | undefined, sink: MessageSink): string | undefined {
  if (body === undefined) return undefined;
  if (typeof body === "string") {
    if (isLongerInUtf8(body, limits.inlineBodyBytes)) return body;
    sink.write(`,"${field}":`);
    sink.write(JSON.stringify(cleaned(body)));
    return undefined;
  }
  sink.write(`,"${field}":"`);
  sink.write(body.json);
  sink.write('"');
  return undefined;
}

/** {@link composeMessage}, encoded. Who has many messages at once encodes them himself. */
export function writeMessage(message: MessageToWrite): WrittenMessage {
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  const gaps: Gap[] = [];
  let at = 0;
  composeMessage(message, {
    write(json) {
      const piece = typeof json === "string" ? encoder.encode(json) : json;
      pieces.push(piece);
      at += piece.length;
    },
    leaveOut: (kind, content) => void gaps.push({ at, kind, bytes: typeof content === "string" ? encoder.encode(content) : content }),
  });
  return { gaps, json: joinBytes(pieces) };
}

/** The way back, for who wants to look into the message. */
export function readMessage({ json, gaps }: WrittenMessage): ParsedMessage {
  type Found<T> = T & { readonly gap?: number | undefined };
  type Read = MessageFields & {
    readonly textRef?: Found<object>;
    readonly htmlRef?: Found<object>;
    readonly attachments: readonly Found<AttachmentEvent>[];
    readonly defects?: readonly string[];
  };
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let from = 0;
  let whole = "";
  for (const [i, { at }] of gaps.entries()) {
    whole += `${decoder.decode(json.subarray(from, at))}"gap":${i}`;
    from = at;
  }
  const read = JSON.parse(whole + decoder.decode(json.subarray(from))) as Read;
  const bytesIn = (found: Found<object>): Uint8Array | undefined => (found.gap === undefined ? undefined : gaps[found.gap]?.bytes);
  const { textRef, htmlRef, attachments, defects, ...fields } = read;
  return {
    ...fields,
    ...(textRef && { text: decoder.decode(bytesIn(textRef)) }),
    ...(htmlRef && { html: decoder.decode(bytesIn(htmlRef)) }),
    attachments: attachments.map(({ gap, ref, sha256, size, ...about }) => ({
      ...about,
      content: bytesIn({ gap }) ?? ({ ref, sha256, size } satisfies BlobPointer),
    })),
    defects: defects ?? [],
  };
}

/**
 * The message's JSON with its gaps filled. Its bytes stay where they are.
 * @param keep stores what a gap left out, in the order of the gaps
 */
export function spliceMessage(
  { json, gaps }: WrittenMessage,
  keep: (kind: GapKind, bytes: Uint8Array, sha256?: string) => BlobPointer,
): JsonPieces {
  const pieces: (string | Uint8Array)[] = [];
  let from = 0;
  for (const { at, kind, bytes, sha256 } of gaps) {
    pieces.push(json.subarray(from, at), pointerMembers(keep(kind, bytes, sha256)));
    from = at;
  }
  pieces.push(json.subarray(from));
  return pieces;
}

function pointerMembers({ ref, sha256, size }: BlobPointer): string {
  return JSON.stringify({ ref, sha256, size }).slice(1, -1);
}

function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
