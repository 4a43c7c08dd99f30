import { fingerprintPlace } from "@mailfleet/core";
import type { Defect } from "./defects.ts";

/** Fields that RFC 5322 3.6 allows once, and what to say when they stand more often. */
export const onceOnly = {
  from: "duplicate-from",
  sender: "duplicate-sender",
  "reply-to": "duplicate-reply-to",
  to: "duplicate-to",
  cc: "duplicate-cc",
  bcc: "duplicate-bcc",
  subject: "duplicate-subject",
  date: "duplicate-date",
  "message-id": "duplicate-message-id",
  "in-reply-to": "duplicate-in-reply-to",
  references: "duplicate-references",
} as const satisfies Record<string, Defect>;

/** Those whose value is read. */
export type KnownField = keyof typeof onceOnly;

/** By a field's key. Names are never keys of an object (T30), but for these. */
export function knownField(key: string): KnownField | undefined {
  return Object.hasOwn(onceOnly, key) ? (key as KnownField) : undefined;
}

/** The name of a header field, and what is asked of it for every field of every message. */
export interface FieldName {
  readonly written: string;
  /** Lower case, trimmed. */
  readonly key: string;
  /** Printable ASCII without blanks: what cleaning leaves as it is. */
  readonly isPlain: boolean;
  readonly known: KnownField | undefined;
  /** What follows `content-` in the key. */
  readonly content: string | undefined;
  /** Of the fields that tell messages apart: as `fingerprintPlace` has it. */
  readonly place: number | undefined;
}

/** A power of two, some ten times the names that a mailbox has. */
const slots = 2_048;
/** A longer name is no mailer's, and is not kept. */
const maxKeptLength = 80;
const plain = /^[!-~]+$/;
/**
 * By {@link slotOf}: of two names with one slot the latest. Names come from mail, and a sender could make up any number of them. Made with
 * its length: a list that grew by such indices would be a dictionary to V8.
 */
const kept = Array.from<FieldName | undefined>({ length: slots });

/**
 * The name that stands in a header block from `at` up to its colon. Mail repeats a few names without end: each is cut out, made lower
 * case and looked at once.
 */
export function fieldNameAt(block: string, at: number, colon: number): FieldName {
  const slot = slotOf(block, at, colon);
  const last = kept[slot];
  if (last !== undefined && last.written.length === colon - at && block.startsWith(last.written, at)) return last;
  // copied, because a slice would keep the whole block
  const name = lookAt(Buffer.from(block.slice(at, colon), "latin1").toString("latin1"));
  if (name.written.length <= maxKeptLength) kept[slot] = name;
  return name;
}

function slotOf(block: string, at: number, colon: number): number {
  const middle = (at + colon) >> 1;
  const mixed = block.charCodeAt(at) + 31 * (block.charCodeAt(middle) + 31 * (block.charCodeAt(colon - 1) + 31 * (colon - at)));
  return mixed % slots;
}

function lookAt(written: string): FieldName {
  const key = written.toLowerCase().trim();
  const content = key.startsWith("content-") ? key.slice(8) : undefined;
  return { written, key, isPlain: plain.test(written), known: knownField(key), content, place: fingerprintPlace(written) };
}
