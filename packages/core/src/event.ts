import type { Lane, Protocol } from "./ids.ts";
import type { JsonPieces } from "./json-pieces.ts";

export const eventSchema = "mailfleet.event/1";

/** Special-use role of a folder (RFC 6154 words, plus inbox); undefined for a user's own folder. */
export type FolderRole = "inbox" | "sent" | "drafts" | "trash" | "junk" | "archive";

/** A claim check: where bytes lie and how to know them. `ref` is opaque to consumers; see the blob store's documentation. */
export interface BlobPointer {
  readonly ref: string;
  /** Lower-case hex over exactly the bytes that `ref` gives. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface MailAddress {
  /** Display name, decoded; empty when there is none. */
  readonly name: string;
  /** addr-spec as written, decoded; empty for a group without members. */
  readonly address: string;
  /** Name of the group (RFC 5322 3.4) the address stands in. */
  readonly group?: string;
}

export interface AttachmentEvent extends BlobPointer {
  readonly filename?: string;
  readonly contentType: string;
  readonly disposition?: string;
  readonly contentId?: string;
}

/** What is read from a message, but for what stands beside it in the blob store. */
export interface MessageFields {
  readonly messageId?: string;
  readonly inReplyTo?: string;
  readonly references: readonly string[];
  readonly subject?: string;
  /** ISO 8601 UTC of the Date header; absent when it is missing or unreadable. */
  readonly date?: string;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly replyTo: readonly MailAddress[];
  readonly sender: readonly MailAddress[];
  /** Every header field in order, name as written, value unfolded but not decoded. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly text?: string;
  readonly html?: string;
}

export interface MessageContent extends MessageFields {
  /** Instead of `text` or `html` when over 64 KB. */
  readonly textRef?: BlobPointer;
  readonly htmlRef?: BlobPointer;
  readonly attachments: readonly AttachmentEvent[];
  /** What was odd about the message: closed set of words, such as `duplicate-from`. */
  readonly defects?: readonly string[];
  /** The whole content as JSON, when it did not fit into the event; the lists here are then cut. */
  readonly overflow?: BlobPointer & { readonly fields: readonly string[] };
}

export interface EventFolder {
  readonly path: string;
  readonly role?: FolderRole;
}

interface EventBase {
  readonly schema: typeof eventSchema;
  readonly key: string;
  readonly tenant: string;
  readonly mailbox: string;
  readonly protocol: Protocol;
  /** ISO 8601 UTC, when mailfleet made the event. */
  readonly at: string;
  readonly lane: Lane;
}

/** Where the message is, on its server: UID and UIDVALIDITY, or over POP3 the UIDL. */
interface PlacedEvent {
  readonly folder: EventFolder;
  readonly uid?: number;
  /** Decimal digits: a UIDVALIDITY needs all 32 bits and JSON readers differ. */
  readonly uidValidity?: string;
  /** Absent for a message that is gone and of which no more than a digest was kept. */
  readonly uidl?: string;
}

interface MessageEventBase extends EventBase, PlacedEvent {
  readonly flags: readonly string[];
  /** ISO 8601 UTC. */
  readonly internalDate?: string;
  /** True for messages handed off again after a folder.reset. */
  readonly resync?: true;
  /** True for messages handed off again by `mailfleet replay`, from what was stored: the key was on the queue before. */
  readonly replayed?: true;
  readonly raw: BlobPointer;
  readonly parser: { readonly name: string; readonly version: string };
}

export interface MessageAdded extends MessageEventBase {
  readonly type: "message.added";
  readonly message: MessageContent;
  /** Present when only part of the message could be read. */
  readonly quarantine?: Quarantine;
}

export interface MessageQuarantined extends Omit<MessageEventBase, "raw"> {
  readonly type: "message.quarantined";
  /** Absent only when the server never delivered the bytes. */
  readonly raw?: BlobPointer;
  readonly quarantine: Quarantine;
}

export interface Quarantine {
  readonly code: QuarantineCode;
  readonly reason: string;
}

export const quarantineCodes = [
  /** Above the limit: its head, or as much as could be read, is kept. */
  "MESSAGE_TOO_LARGE",
  "MESSAGE_UNPARSEABLE",
  /** Listed, and not delivered in several tries. */
  "MESSAGE_UNFETCHABLE",
  /** Exchange cannot convert the item and serves a forged message in its place. */
  "MESSAGE_UNCONVERTIBLE",
  /** A worker died each time it had this message in hand. */
  "MESSAGE_KILLED_WORKER",
] as const;

export type QuarantineCode = (typeof quarantineCodes)[number];

export interface FolderReset extends EventBase {
  readonly type: "folder.reset";
  readonly folder: EventFolder;
  /** Empty where the mailbox is, or was, read over POP3, which has none. */
  readonly uidValidity: string;
  readonly previousUidValidity: string;
  readonly generation: number;
}

export interface MailboxParked extends EventBase {
  readonly type: "mailbox.parked";
  readonly cause: { readonly code: string; readonly reason: string };
}

export interface MailboxResumed extends EventBase {
  readonly type: "mailbox.resumed";
  readonly cause: { readonly code: string };
}

interface MessageChangeBase extends EventBase, PlacedEvent {
  /** As in its header: links a removal with the addition of the same message in another folder. */
  readonly messageId?: string;
}

/** The message that `key` names has these flags now: all of them, not the difference. */
export interface MessageFlags extends MessageChangeBase {
  readonly type: "message.flags";
  readonly flags: readonly string[];
  /** Rises with every change in the folder: of two events about one message the higher one is the later. */
  readonly change: number;
  /** True when the message had been told as removed: the server lists it again. */
  readonly isBack?: true;
}

/** The message that `key` names is no longer in the folder: deleted or moved. */
export interface MessageRemoved extends MessageChangeBase {
  readonly type: "message.removed";
  readonly change: number;
}

/** The message that was known as `previousKey` is `key` from now on; its content is as it was handed off then. */
export interface MessageRekeyed extends MessageChangeBase {
  readonly type: "message.rekeyed";
  readonly previousKey: string;
  readonly flags: readonly string[];
  readonly resync: true;
  /** Where its bytes lie; absent for a message that the server never delivered. */
  readonly raw?: BlobPointer;
}

export type MailEvent =
  | MessageAdded
  | MessageQuarantined
  | MessageFlags
  | MessageRemoved
  | MessageRekeyed
  | FolderReset
  | MailboxParked
  | MailboxResumed;

/** An event as it goes on the queue. What is long in it is serialised as soon as it is made: a text is a fraction of the objects it is made of. */
export interface OutgoingEvent {
  /** Unique for ever: `key`, and for an event that may repeat about one message what tells it from the others. */
  readonly id: string;
  readonly key: string;
  readonly type: MailEvent["type"];
  /**
   * Of a message that was read: around what its parser wrote, which lies in the parser's buffer until that is let go of. Asked for where it
   * is sent, because some of it may be written each time.
   */
  readonly json: JsonPieces;
}

export function outgoing(event: MailEvent): OutgoingEvent {
  return { id: eventId(event), key: event.key, type: event.type, json: [JSON.stringify(event)] };
}

/** What makes an event unique. A message's own event has its key; what is told about it later adds what it tells. */
export function eventId(event: MailEvent): string {
  switch (event.type) {
    case "message.added":
    case "message.quarantined":
    case "folder.reset":
    case "mailbox.parked":
    case "mailbox.resumed":
      return event.key;
    case "message.flags":
      return `${event.key}/flags/${event.change}`;
    case "message.removed":
      return `${event.key}/removed/${event.change}`;
    case "message.rekeyed":
      return `${event.key}/rekeyed`;
  }
}
