import { isAscii } from "node:buffer";
import type { MessageToWrite, ParseResult } from "@mailfleet/core";
import { assemble } from "./assemble.ts";
import { CharsetDecoders } from "./charset-decoders.ts";
import type { Decline } from "./decline.ts";
import type { Defect } from "./defects.ts";
import { FastParts } from "./fast-parts.ts";
import type { PartTools } from "./fast-parts.ts";
import { scanHead } from "./header-block.ts";
import type { MessageHead } from "./header-block.ts";
import { writeHeaders } from "./header-json.ts";
import { LeanMailParser, LimitError } from "./lean-mail-parser.ts";
import type { ParseLimits } from "./parse-limits.ts";
import { readRawFields } from "./read-fields.ts";
import { TextRoom } from "./text-room.ts";

/** What a parser finds, its texts made JSON where that is no more work than to read them. */
export type ReadResult = ParseResult<MessageToWrite>;

let tools: PartTools | undefined;

function toolsOf(limits: ParseLimits): PartTools {
  if (tools === undefined) {
    const libmime = new LeanMailParser(limits).library;
    tools = { libmime, charsets: new CharsetDecoders(libmime) };
  }
  return tools;
}

/** The head of a message, looked at once for all that is to be known of it; or why {@link parseFast} declines. */
export function readHead(bytes: Uint8Array, limits: ParseLimits): MessageHead | Decline {
  // what mailparser would cut
  return bytes.length > limits.textBytes ? "near-limit" : scanHead(asBuffer(bytes));
}

/**
 * The common shapes of mail, read in one pass over the bytes: no streams, no event loop. It gives what mailparser gives, or declines;
 * `parse-fast.test.ts` holds that. Attachment bytes may be views of `bytes`.
 * @param room where its texts lie
 */
export function parseFast(bytes: Uint8Array, limits: ParseLimits, head: MessageHead | Decline, room: TextRoom): ReadResult | undefined {
  const result = readFast(bytes, limits, head, room);
  return typeof result === "string" ? undefined : result;
}

/** As {@link parseFast}, saying why it declines. */
export function readFast(
  bytes: Uint8Array,
  limits: ParseLimits,
  head = readHead(bytes, limits),
  room = new TextRoom(0),
): ReadResult | Decline {
  if (typeof head === "string") return head;
  try {
    return read(asBuffer(bytes), limits, head, room);
  } catch (error) {
    return error instanceof LimitError ? "near-limit" : "failed";
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function read(buffer: Buffer, limits: ParseLimits, head: MessageHead, room: TextRoom): ReadResult | Decline {
  const parts = new FastParts(buffer, toolsOf(limits), limits, room);
  const declined = parts.readRoot(head);
  if (declined !== undefined) return declined;
  const defects = new Set<Defect>();
  const isPlain = isAscii(buffer.subarray(0, head.bodyAt));
  const headers = isPlain && head.fields.every(({ name }) => name.isPlain) ? writeHeaders(buffer, head.fields, room) : undefined;
  const fields = readRawFields(head.fields, isPlain, headers && { json: headers }, {
    decodeWords: (text) => toolsOf(limits).libmime.decodeWords(text),
    addDefect: (defect) => void defects.add(defect),
    maxAddresses: limits.addresses,
    maxFields: limits.headerFields,
  });
  return { ok: true, message: assemble(fields, parts, defects) };
}
