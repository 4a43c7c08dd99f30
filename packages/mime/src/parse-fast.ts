import { isAscii } from "node:buffer";
import type { ParseResult } from "@mailfleet/core";
import { assemble } from "./assemble.ts";
import { CharsetDecoders } from "./charset-decoders.ts";
import type { Decline } from "./decline.ts";
import type { Defect } from "./defects.ts";
import { FastParts } from "./fast-parts.ts";
import type { PartTools } from "./fast-parts.ts";
import { findBlock, scanFields } from "./header-block.ts";
import { LeanMailParser, LimitError } from "./lean-mail-parser.ts";
import type { ParseLimits } from "./parse-limits.ts";
import { readRawFields } from "./read-fields.ts";

let tools: PartTools | undefined;

function toolsOf(limits: ParseLimits): PartTools {
  if (tools === undefined) {
    const libmime = new LeanMailParser(limits).library;
    tools = { libmime, charsets: new CharsetDecoders(libmime) };
  }
  return tools;
}

/**
 * The common shapes of mail, read in one pass over the bytes: no streams, no event loop. It gives what mailparser gives, or declines;
 * `parse-fast.test.ts` holds that. Attachment bytes may be views of `bytes`.
 */
export function parseFast(bytes: Uint8Array, limits: ParseLimits): ParseResult | undefined {
  const result = readFast(bytes, limits);
  return typeof result === "string" ? undefined : result;
}

/** As {@link parseFast}, saying why it declines. */
export function readFast(bytes: Uint8Array, limits: ParseLimits): ParseResult | Decline {
  try {
    return read(bytes, limits);
  } catch (error) {
    return error instanceof LimitError ? "near-limit" : "failed";
  }
}

function read(bytes: Uint8Array, limits: ParseLimits): ParseResult | Decline {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // what mailparser would cut
  if (buffer.length > limits.textBytes) return "near-limit";
  const block = findBlock(buffer, 0, buffer.length) ?? { text: buffer.toString("latin1"), bodyAt: buffer.length };
  const { text: head, bodyAt } = block;
  if (head === "") return "no-head";
  if (/^(?:from|post) /i.test(head)) return "mbox-line";
  if (head.includes("\0")) return "head-nul";
  const rawFields = scanFields(head);
  if (typeof rawFields === "string") return rawFields;

  const parts = new FastParts(buffer, toolsOf(limits), limits);
  const declined = parts.readRoot(head, rawFields, bodyAt);
  if (declined !== undefined) return declined;
  const defects = new Set<Defect>();
  const fields = readRawFields(rawFields, isAscii(buffer.subarray(0, bodyAt)), {
    decodeWords: (text) => toolsOf(limits).libmime.decodeWords(text),
    addDefect: (defect) => void defects.add(defect),
    maxAddresses: limits.addresses,
    maxFields: limits.headerFields,
  });
  return { ok: true, message: assemble(fields, parts, defects) };
}
