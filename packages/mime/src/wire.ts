import { hash } from "node:crypto";
import {
  composeMessage,
  letGoBuffer,
  type Gap,
  type GapKind,
  type MessageToWrite,
  type ParseResult,
  type RawFacts,
  type WrittenResult,
} from "@mailfleet/core";
import { GrowingBuffer } from "./growing-buffer.ts";

/**
 * How a batch crosses the thread border: written, in one buffer that is transferred, each message's JSON followed by what its gaps
 * left out. Beside it go numbers and short strings, in lists with a place for each message: an object for each of them, and its names,
 * would be written and read again by the structured clone. Parsed messages would cost several times as much, and the side that receives
 * them would make the same strings again to write them.
 */
export interface WireBatch {
  readonly slab: ArrayBuffer;
  /** Why a message was not read; undefined of those that lie in the buffer. */
  readonly reasons: readonly (string | undefined)[];
  /** Why a message was not read whole. */
  readonly cuts: readonly (string | undefined)[];
  /** Offset of a message's JSON, and its size in bytes. */
  readonly from: readonly number[];
  readonly jsonBytes: readonly number[];
  readonly gaps: readonly WireGap[];
  readonly facts: WireFacts;
}

/** Message, kind, offset in its JSON, size; SHA-256 of what it left out, hex. Those of one message in order. */
export type WireGap = readonly [message: number, kind: number, at: number, size: number, sha256: string];

/** What is known of each message's bytes: nothing where the hash is undefined. */
export interface WireFacts {
  readonly sha256: readonly (string | undefined)[];
  readonly messageIds: readonly (string | undefined)[];
  readonly fingerprints: readonly string[];
  readonly placeholders: readonly boolean[];
}

const kinds: readonly GapKind[] = ["text", "html", "attachment"];

/**
 * Writes a batch message by message, in the order in which they are read, so that none of them is held until the others are: a young
 * generation full of parsed messages is copied by each collection.
 */
export class BatchWriter {
  readonly #reasons: (string | undefined)[];
  readonly #cuts: (string | undefined)[];
  readonly #from: number[];
  readonly #jsonBytes: number[];
  readonly #gaps: WireGap[] = [];
  readonly #facts: { [Fact in keyof WireFacts]: WireFacts[Fact][number][] };
  readonly #bytes: GrowingBuffer;

  /** @param expectedBytes of all that will be written */
  constructor(messages: number, expectedBytes: number) {
    const listOf = <T>(value: T): T[] => repeated(value, messages);
    this.#reasons = listOf<string | undefined>(undefined);
    this.#cuts = listOf<string | undefined>(undefined);
    this.#from = listOf(0);
    this.#jsonBytes = listOf(0);
    this.#facts = {
      sha256: listOf<string | undefined>(undefined),
      messageIds: listOf<string | undefined>(undefined),
      fingerprints: listOf(""),
      placeholders: listOf(false),
    };
    this.#bytes = new GrowingBuffer(expectedBytes);
  }

  /** @param index its place in the batch. @param raw what is known of its bytes */
  add(index: number, result: ParseResult<MessageToWrite>, raw?: RawFacts): void {
    if (raw !== undefined) this.#addFacts(index, raw);
    if (!result.ok) {
      this.#reasons[index] = result.reason;
      return;
    }
    this.#cuts[index] = result.cut;
    this.#write(index, result.message);
  }

  end(): WireBatch {
    const [reasons, cuts, from, jsonBytes] = [this.#reasons, this.#cuts, this.#from, this.#jsonBytes];
    return { slab: this.#bytes.take(), reasons, cuts, from, jsonBytes, gaps: this.#gaps, facts: this.#facts };
  }

  #addFacts(index: number, { sha256, fingerprint, isPlaceholder }: RawFacts): void {
    this.#facts.sha256[index] = sha256;
    this.#facts.messageIds[index] = fingerprint.messageId;
    this.#facts.fingerprints[index] = fingerprint.text;
    this.#facts.placeholders[index] = isPlaceholder;
  }

  #write(index: number, message: MessageToWrite): void {
    const bytes = this.#bytes;
    const from = bytes.length;
    const left: { readonly kind: GapKind; readonly at: number; readonly content: string | Uint8Array }[] = [];
    composeMessage(message, {
      write: (json) => bytes.write(json),
      leaveOut: (kind, content) => void left.push({ kind, at: bytes.length - from, content }),
    });
    this.#from[index] = from;
    this.#jsonBytes[index] = bytes.length - from;
    for (const { kind, at, content } of left) {
      const contentAt = bytes.length;
      bytes.write(content);
      this.#gaps.push([index, kinds.indexOf(kind), at, bytes.length - contentAt, hash("sha256", bytes.from(contentAt), "hex")]);
    }
  }
}

/** Grown, not made with a length: what V8 takes for a list with holes crosses the border with the name of each place. */
function repeated<T>(value: T, times: number): T[] {
  const list: T[] = [];
  while (list.length < times) list.push(value);
  return list;
}

/** All bytes are views of the batch's buffer. */
export function unpackBatch(batch: WireBatch): WrittenResult[] {
  const { slab, reasons, cuts, from, jsonBytes, facts } = batch;
  let read = 0;
  const letGo = (): void => {
    if (--read === 0) letGoBuffer(slab);
  };
  const gaps = gapsOf(batch);
  const results: WrittenResult[] = [];
  for (let at = 0; at < reasons.length; at++) {
    const raw = rawFacts(facts, at);
    const reason = reasons[at];
    if (reason !== undefined) {
      results.push(raw === undefined ? { ok: false, reason } : { ok: false, reason, raw });
      continue;
    }
    read++;
    const message = { json: new Uint8Array(slab, from[at], jsonBytes[at]), gaps: gaps.get(at) ?? noGaps, letGo };
    const cut = cuts[at];
    const result = raw === undefined ? { ok: true as const, message } : { ok: true as const, message, raw };
    results.push(cut === undefined ? result : { ...result, cut });
  }
  return results;
}

const noGaps: readonly Gap[] = [];

/** By message, as far as it has any. */
function gapsOf({ slab, from, jsonBytes, gaps }: WireBatch): ReadonlyMap<number, readonly Gap[]> {
  const all = new Map<number, readonly Gap[]>();
  let own: Gap[] = [];
  let [last, contentAt] = [-1, 0];
  for (const [message, kind, at, size, sha256] of gaps) {
    if (message !== last) {
      contentAt = (from[message] as number) + (jsonBytes[message] as number);
      own = [];
      all.set(message, own);
      last = message;
    }
    own.push({ kind: kinds[kind] as GapKind, at, bytes: new Uint8Array(slab, contentAt, size), sha256 });
    contentAt += size;
  }
  return all;
}

function rawFacts({ sha256, messageIds, fingerprints, placeholders }: WireFacts, at: number): RawFacts | undefined {
  const hashed = sha256[at];
  if (hashed === undefined) return undefined;
  const messageId = messageIds[at];
  const text = fingerprints[at] as string;
  const fingerprint = messageId === undefined ? { text } : { messageId, text };
  return { sha256: hashed, fingerprint, isPlaceholder: placeholders[at] as boolean };
}
