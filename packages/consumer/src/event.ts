/**
 * The events of mailfleet's `messages` queue, version `mailfleet.event/1`. Within this version fields and types are added, never changed
 * or removed; code that reads events must let fields pass that it does not know.
 */
export type MailfleetEvent =
  | MessageAdded
  | MessageQuarantined
  | MessageFlags
  | MessageRemoved
  | MessageRekeyed
  | FolderReset
  | MailboxParked
  | MailboxResumed;

export type EventType = MailfleetEvent["type"];

/** The events of some types. */
export type EventOf<Type extends EventType> = Extract<MailfleetEvent, { readonly type: Type }>;

/** Bytes that lie in the blob store, and how to read them. The methods are not part of the event's JSON. */
export interface Blob {
  /** Names the bytes in the store. */
  readonly ref: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes as a stream. Their hash is known at the end only: where it is not the right one the stream ends with a {@link BlobError} in
   * place of its end, so do not act on a stream before it ended. Open it again to read again.
   */
  open(): ReadableStream<Uint8Array>;
  /** The bytes at once, verified. @throws BlobError, also where there are more than `maxBytes` (default 64 MB) */
  bytes(maxBytes?: number): Promise<Uint8Array>;
}

export interface Address {
  /** Display name, decoded; empty when there is none. */
  readonly name: string;
  /** As written; empty for a group without members. */
  readonly address: string;
  /** Name of the group (RFC 5322 3.4) it stands in. */
  readonly group?: string;
}

export interface Attachment extends Blob {
  /** The sender's words, never a path: use `safeFileName` for one. */
  readonly filename?: string;
  readonly contentType: string;
  readonly disposition?: string;
  /** Without angle brackets, as in `cid:` links. */
  readonly contentId?: string;
}

export interface Message {
  readonly messageId?: string;
  readonly inReplyTo?: string;
  readonly references: readonly string[];
  readonly subject?: string;
  /** ISO 8601 UTC, of the Date field; absent when missing or unreadable. */
  readonly date?: string;
  readonly from: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly sender: readonly Address[];
  /** Every field in order: name as written, value unfolded and not decoded. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Up to 64 KB; longer texts are in `textRef`. */
  readonly text?: string;
  /** As the sender wrote it: never trust it. Up to 64 KB; longer ones are in `htmlRef`. */
  readonly html?: string;
  readonly textRef?: Blob;
  readonly htmlRef?: Blob;
  readonly attachments: readonly Attachment[];
  /** What was odd about the message, as words of a set that may grow. */
  readonly defects?: readonly string[];
  /** The whole message as JSON, when it did not fit into the event; `fields` names what is cut here. */
  readonly overflow?: Blob & { readonly fields: readonly string[] };
}

export interface Folder {
  readonly path: string;
  readonly role?: "inbox" | "sent" | "drafts" | "trash" | "junk" | "archive";
}

interface Common {
  readonly schema: "mailfleet.event/1";
  /** Names the message for ever: the same message in its folder always has the same key, no other has it. */
  readonly key: string;
  readonly tenant: string;
  readonly mailbox: string;
  readonly protocol: "imap" | "pop3";
  /** ISO 8601 UTC, when the event was made. */
  readonly at: string;
  /** `backfill` is history, found when the mailbox was first read. */
  readonly lane: "fresh" | "backfill";
}

interface Placed {
  readonly folder: Folder;
  readonly uid?: number;
  /** Decimal digits. */
  readonly uidValidity?: string;
  /** POP3 only. */
  readonly uidl?: string;
}

interface Handed extends Common, Placed {
  readonly flags: readonly string[];
  /** ISO 8601 UTC. */
  readonly internalDate?: string;
  /** Handed off again after a `folder.reset`. */
  readonly resync?: true;
  /** Handed off again by an operator: the key came before. */
  readonly replayed?: true;
  readonly parser: { readonly name: string; readonly version: string };
}

export interface Quarantine {
  /** A word of a set that may grow. */
  readonly code: string;
  readonly reason: string;
}

export interface MessageAdded extends Handed {
  readonly type: "message.added";
  /** The message as the server gave it. */
  readonly raw: Blob;
  readonly message: Message;
  /** Present when only part of the message could be read. */
  readonly quarantine?: Quarantine;
}

export interface MessageQuarantined extends Handed {
  readonly type: "message.quarantined";
  /** Absent only when the server never delivered the bytes. */
  readonly raw?: Blob;
  readonly quarantine: Quarantine;
}

export interface MessageFlags extends Common, Placed {
  readonly type: "message.flags";
  readonly messageId?: string;
  /** All of them, not the difference. */
  readonly flags: readonly string[];
  /** Of two events about one message the one with the higher number is the later. */
  readonly change: number;
  /** The message had been told as removed, and is listed again. */
  readonly isBack?: true;
}

export interface MessageRemoved extends Common, Placed {
  readonly type: "message.removed";
  readonly messageId?: string;
  readonly change: number;
}

export interface MessageRekeyed extends Common, Placed {
  readonly type: "message.rekeyed";
  /** The message that was known by it is `key` from now on; its content did not change. */
  readonly previousKey: string;
  readonly messageId?: string;
  readonly flags: readonly string[];
  readonly resync: true;
  readonly raw?: Blob;
}

export interface FolderReset extends Common {
  readonly type: "folder.reset";
  readonly folder: Folder;
  readonly uidValidity: string;
  readonly previousUidValidity: string;
  readonly generation: number;
}

export interface MailboxParked extends Common {
  readonly type: "mailbox.parked";
  readonly cause: { readonly code: string; readonly reason: string };
}

export interface MailboxResumed extends Common {
  readonly type: "mailbox.resumed";
  readonly cause: { readonly code: string };
}

/** What tells an event from every other, also from a later one about the same message. The id to remember for "done already". */
export function eventId(event: MailfleetEvent): string {
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
