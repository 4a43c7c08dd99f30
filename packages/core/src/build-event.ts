import { cleaned } from "./clean-value.ts";
import { eventSchema, outgoing } from "./event.ts";
import type { BlobPointer, EventFolder, MessageAdded, MessageQuarantined, OutgoingEvent, Quarantine } from "./event.ts";
import { fitEvent } from "./fit-event.ts";
import type { Lane, MailboxRef } from "./ids.ts";
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
  const { key, message, parser, quarantine, putBlob } = input;
  const facts = { schema: eventSchema, type: "message.added" as const, ...factsOf(input), raw: input.raw };
  const end = { parser, ...(quarantine !== undefined && { quarantine: cutQuarantine(quarantine) }) };
  const before = `${JSON.stringify(facts).slice(0, -1)},"message":`;
  const json = spliceMessage(before, message, `,${JSON.stringify(end).slice(1)}`, putBlob);
  if (json.length > limits.eventBytes) return outgoing(fitEvent(JSON.parse(new TextDecoder().decode(json)) as MessageAdded, putBlob));
  return { id: key, key, type: facts.type, json };
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
