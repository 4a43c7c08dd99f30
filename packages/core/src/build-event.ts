import { cleanJson } from "./clean-value.ts";
import { cutFlags, cutQuarantine, isoDate } from "./event-members.ts";
import { eventSchema } from "./event.ts";
import type { BlobPointer, EventFolder, MessageQuarantined, OutgoingEvent, Quarantine } from "./event.ts";
import type { Lane, MailboxRef } from "./ids.ts";
import { MessageEvents } from "./message-events.ts";
import type { BlobKind } from "./ports.ts";
import { nameInPlace, type UidlBook } from "./uidl-book.ts";
import type { WrittenMessage } from "./written-message.ts";

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

/** The event of one message that was read: see {@link MessageEvents}. */
export function writeMessageEvent(input: MessageEventInput): OutgoingEvent {
  return new MessageEvents(input, (kind, _key, bytes, sha256) => input.putBlob(kind, bytes, sha256)).write(input);
}

/** The event of a message that was set aside. */
export function buildQuarantinedEvent(input: QuarantinedEventInput): MessageQuarantined {
  return JSON.parse(cleanJson(factsOf(input))) as MessageQuarantined;
}

/** JSON leaves out what is undefined. */
function factsOf(input: QuarantinedEventInput) {
  const { mailbox, quarantine } = input;
  return {
    schema: eventSchema,
    type: "message.quarantined",
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
    quarantine: cutQuarantine(quarantine),
  };
}
