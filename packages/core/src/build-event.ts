import { eventSchema } from "./event.ts";
import type { BlobPointer, EventFolder, MessageAdded, MessageContent, MessageQuarantined, Quarantine } from "./event.ts";
import { fitEvent, isTooLarge } from "./fit-event.ts";
import type { Lane, MailboxRef } from "./ids.ts";
import { limits } from "./limits.ts";
import type { BlobKind, ParsedMessage } from "./ports.ts";
import { nameInPlace, type UidlBook } from "./uidl-book.ts";
import { cutText, isLongerInUtf8 } from "./utf8.ts";

/** What an event about a message says besides the message. */
export interface MessageEventFacts {
  readonly mailbox: MailboxRef;
  readonly folder: EventFolder;
  readonly uid: number;
  readonly uidValidity: string;
  /** The numbers of a spool's messages, where they were dealt. */
  readonly uidls?: UidlBook | undefined;
  /** From `messageKey`. */
  readonly key: string;
  readonly lane: Lane;
  /** Epoch ms. */
  readonly at: number;
  readonly flags: readonly string[];
  /** Epoch ms. */
  readonly internalDate?: number;
  readonly isResync: boolean;
  /** Handed off again, from what was stored. */
  readonly isReplayed?: true;
  readonly parser: { readonly name: string; readonly version: string };
}

export interface MessageEventInput extends MessageEventFacts {
  readonly raw: BlobPointer;
  readonly message: ParsedMessage;
  /** Why the message was not read whole. */
  readonly quarantine?: Quarantine;
  /** Keeps bytes with the message's commit; `BlobBatch.put` under the message's key. */
  readonly putBlob: (kind: BlobKind, bytes: Uint8Array) => BlobPointer;
}

export interface QuarantinedEventInput extends MessageEventFacts {
  /** Absent only when the server never delivered the bytes. */
  readonly raw?: BlobPointer;
  readonly quarantine: Quarantine;
}

/** The most flags and the longest one in an event, in UTF-16 units: keywords are the user's, their number is the server's. */
const [maxFlags, maxFlagLength, maxReasonLength] = [200, 100, 1_000];

/** A JSON string takes at most this many bytes for each UTF-16 unit: a control character is written as six. */
const worstBytesPerUnit = 6;
/** What one property, pair of quotes or number takes at most beside its string; generous. */
const bytesPerItem = 40;

/**
 * The event of a message that was read. Bodies over `limits.inlineBodyBytes` and all attachments go to the blob store; the event
 * as JSON never exceeds `limits.eventBytes` and holds neither U+0000 nor a lone surrogate. Small events, nearly all, are measured
 * without writing them.
 */
export function buildMessageEvent(input: MessageEventInput): MessageAdded {
  const { putBlob } = input;
  const content = toContent(input.message, putBlob);
  const { size, isClean } = weigh(content);
  const event: MessageAdded = {
    schema: eventSchema,
    type: "message.added",
    ...factsOf(input),
    raw: input.raw,
    message: isClean ? content : cleaned(content),
    parser: input.parser,
    ...(input.quarantine !== undefined && { quarantine: cutQuarantine(input.quarantine) }),
  };
  return size + outerSize(event) <= limits.eventBytes || !isTooLarge(event) ? event : fitEvent(event, putBlob);
}

/** The event of a message that was set aside. */
export function buildQuarantinedEvent(input: QuarantinedEventInput): MessageQuarantined {
  return {
    schema: eventSchema,
    type: "message.quarantined",
    ...factsOf(input),
    ...(input.raw !== undefined && { raw: input.raw }),
    parser: input.parser,
    quarantine: cutQuarantine(input.quarantine),
  };
}

function cutQuarantine({ code, reason }: Quarantine): Quarantine {
  return { code, reason: cleaned(cutText(reason, maxReasonLength)) };
}

function factsOf(input: MessageEventFacts) {
  const internalDate = isoDate(input.internalDate);
  const areFlagsShort = input.flags.length <= maxFlags && input.flags.every((flag) => flag.length <= maxFlagLength);
  return {
    key: input.key,
    tenant: input.mailbox.tenant,
    mailbox: input.mailbox.address,
    protocol: input.mailbox.protocol,
    at: new Date(input.at).toISOString(),
    lane: input.lane,
    folder: cleaned(input.folder),
    ...cleaned(nameInPlace(input, input.uid, input.uidls)),
    flags: cleaned(areFlagsShort ? input.flags : input.flags.slice(0, maxFlags).map((flag) => cutText(flag, maxFlagLength))),
    ...(internalDate !== undefined && { internalDate }),
    ...(input.isResync && { resync: true as const }),
    ...(input.isReplayed && { replayed: true as const }),
  };
}

/** Undefined for a date that no Date can hold: servers send what they like. */
function isoDate(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= 8.64e15) ? undefined : new Date(ms).toISOString();
}

function toContent(message: ParsedMessage, putBlob: MessageEventInput["putBlob"]): MessageContent {
  const { text, html, attachments, defects, ...head } = message;
  return {
    ...head,
    ...(text !== undefined && (isLongerInUtf8(text, limits.inlineBodyBytes) ? { textRef: putBlob("text", encode(text)) } : { text })),
    ...(html !== undefined && (isLongerInUtf8(html, limits.inlineBodyBytes) ? { htmlRef: putBlob("html", encode(html)) } : { html })),
    attachments: attachments.map(({ content, ...about }) => ({
      ...about,
      ...(content instanceof Uint8Array ? putBlob("attachment", content) : content),
    })),
    ...(defects.length > 0 && { defects }),
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** An upper bound of the JSON's bytes, and whether every string may go out as it is. One pass, nothing written. */
function weigh(content: MessageContent): { readonly size: number; readonly isClean: boolean } {
  let units = 0;
  let items = 0;
  let isClean = true;
  const add = (value: unknown): void => {
    items++;
    if (typeof value === "string") {
      units += value.length;
      isClean &&= !isDirty(value);
    } else if (Array.isArray(value)) for (const member of value) add(member);
    else if (typeof value === "object" && value !== null) for (const key in value) add(value[key as keyof typeof value]);
  };
  add(content);
  return { size: units * worstBytesPerUnit + items * bytesPerItem, isClean };
}

function outerSize(event: MessageAdded): number {
  const strings = [
    event.key,
    event.tenant,
    event.mailbox,
    event.folder.path,
    event.raw.ref,
    event.parser.name,
    event.parser.version,
    ...event.flags,
  ];
  return strings.reduce((sum, text) => sum + text.length * worstBytesPerUnit + bytesPerItem, 1_000 + maxReasonLength * worstBytesPerUnit);
}

function isDirty(text: string): boolean {
  return text.includes("\0") || !text.isWellFormed();
}

/** The same value without NUL and lone surrogates in its strings (T31); the value itself when it has none. */
function cleaned<T>(value: T): T {
  if (typeof value === "string") return (isDirty(value) ? value.toWellFormed().replaceAll("\0", "\uFFFD") : value) as T;
  if (Array.isArray(value)) return value.map((member: unknown) => cleaned(member)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cleaned(member as unknown)])) as T;
}
