import { cleanJson } from "./clean-value.ts";
import { eventSchema, outgoing } from "./event.ts";
import type { BlobPointer, EventFolder, MessageAdded, MessageQuarantined, OutgoingEvent, Quarantine } from "./event.ts";
import { fitEvent } from "./fit-event.ts";
import type { Lane, MailboxRef } from "./ids.ts";
import { isJsonLonger, joinJson } from "./json-pieces.ts";
import { limits } from "./limits.ts";
import type { BlobKind } from "./ports.ts";
import { nameInPlace, type UidlBook } from "./uidl-book.ts";
import { cutText } from "./utf8.ts";
import { spliceMessage, type WrittenMessage } from "./written-message.ts";

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
  readonly message: WrittenMessage;
  /** Why the message was not read whole. */
  readonly quarantine?: Quarantine;
  /** Keeps bytes with the message's commit; `BlobBatch.put` under the message's key. */
  readonly putBlob: (kind: BlobKind, bytes: Uint8Array, sha256?: string) => BlobPointer;
}

export interface QuarantinedEventInput extends MessageEventFacts {
  /** Absent only when the server never delivered the bytes. */
  readonly raw?: BlobPointer;
  readonly quarantine: Quarantine;
}

/** The most flags and the longest one in an event, in UTF-16 units: keywords are the user's, their number is the server's. */
const [maxFlags, maxFlagLength, maxReasonLength] = [200, 100, 1_000];

/**
 * The event of a message that was read. Bodies over `limits.inlineBodyBytes` and all attachments go to the blob store; the event
 * as JSON never exceeds `limits.eventBytes` and holds neither U+0000 nor a lone surrogate.
 */
export function writeMessageEvent(input: MessageEventInput): OutgoingEvent {
  const { key, message, putBlob } = input;
  const type = "message.added";
  // The message takes the place of the zero: a text that is joined before it is sent is copied once more.
  const before = cleanJson({ ...factsOf(type, input), message: 0 }).slice(0, -"0}".length);
  const json = spliceMessage(before, message, "}", putBlob);
  if (isJsonLonger(json, limits.eventBytes)) return outgoing(fitEvent(JSON.parse(joinJson(json)) as MessageAdded, putBlob));
  return { id: key, key, type, json };
}

/** The event of a message that was set aside. */
export function buildQuarantinedEvent(input: QuarantinedEventInput): MessageQuarantined {
  return JSON.parse(cleanJson(factsOf("message.quarantined", input))) as MessageQuarantined;
}

/** All of an event but its message. JSON leaves out what is undefined. */
function factsOf(type: "message.added" | "message.quarantined", input: MessageEventInput | QuarantinedEventInput) {
  const { mailbox, quarantine } = input;
  return {
    schema: eventSchema,
    type,
    key: input.key,
    tenant: mailbox.tenant,
    mailbox: mailbox.address,
    protocol: mailbox.protocol,
    at: new Date(input.at).toISOString(),
    lane: input.lane,
    folder: input.folder,
    ...nameInPlace(input, input.uid, input.uidls),
    flags: cutFlags(input.flags),
    internalDate: isoDate(input.internalDate),
    resync: input.isResync || undefined,
    replayed: input.isReplayed,
    raw: input.raw,
    parser: input.parser,
    quarantine: quarantine && { code: quarantine.code, reason: cutText(quarantine.reason, maxReasonLength) },
  };
}

function cutFlags(flags: readonly string[]): readonly string[] {
  const areShort = flags.length <= maxFlags && flags.every((flag) => flag.length <= maxFlagLength);
  return areShort ? flags : flags.slice(0, maxFlags).map((flag) => cutText(flag, maxFlagLength));
}

/** Undefined for a date that no Date can hold: servers send what they like. */
function isoDate(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= 8.64e15) ? undefined : new Date(ms).toISOString();
}
