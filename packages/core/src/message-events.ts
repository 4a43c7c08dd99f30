import type { MessageEventFacts } from "./build-event.ts";
import { cleanJson } from "./clean-value.ts";
import { eventSchema, outgoing } from "./event.ts";
import type { BlobPointer, MessageAdded, OutgoingEvent, Quarantine } from "./event.ts";
import { cutFlags, cutQuarantine, isoDate } from "./event-members.ts";
import { fitEvent } from "./fit-event.ts";
import { isJsonLonger, joinJson, type JsonPieces } from "./json-pieces.ts";
import { limits } from "./limits.ts";
import type { BlobBatch, BlobKind } from "./ports.ts";
import { nameInPlace } from "./uidl-book.ts";
import { spliceMessage, type WrittenMessage } from "./written-message.ts";

/** What all events of messages that are read together say. */
export type SharedFacts = Pick<
  MessageEventFacts,
  "mailbox" | "folder" | "uidValidity" | "uidls" | "lane" | "isResync" | "isReplayed" | "parser"
>;

/** What is said of one message. */
export interface OwnFacts extends Pick<MessageEventFacts, "uid" | "key" | "at" | "flags"> {
  /** Epoch ms. */
  readonly internalDate?: number | undefined;
  readonly raw: BlobPointer;
  readonly message: WrittenMessage;
  /** Why the message was not read whole. */
  readonly quarantine?: Quarantine | undefined;
}

const type = "message.added";

/** UTF-16 units of an event's own members, beside its key, its reference and its flags: names, hash, dates, UIDL, reason. */
const unitsOfOthers = 2_000;
/** JSON spells a unit with up to six bytes. */
const mostBytesPerUnit = 6;

/**
 * The events of messages that were read together. Bodies over `limits.inlineBodyBytes` and all attachments go to the blob store; an event
 * as JSON never exceeds `limits.eventBytes` and holds neither U+0000 nor a lone surrogate. What all of them say is written once.
 */
export class MessageEvents {
  readonly #frame: Frame;
  readonly #put: BlobBatch["put"];

  /** @param put keeps bytes with the messages' commit, under a message's key */
  constructor(shared: SharedFacts, put: BlobBatch["put"]) {
    this.#frame = new Frame(shared);
    this.#put = put;
  }

  write(own: OwnFacts): OutgoingEvent {
    const { key, message } = own;
    const putBlob = (kind: BlobKind, bytes: Uint8Array, sha256?: string): BlobPointer => this.#put(kind, key, bytes, sha256);
    const event = new MessageEvent(this.#frame, own, message.gaps.length === 0 ? [message.json] : spliceMessage(message, putBlob));
    if (event.mostBytes <= limits.eventBytes) return event;
    const { json } = event;
    return isJsonLonger(json, limits.eventBytes) ? outgoing(fitEvent(JSON.parse(joinJson(json)) as MessageAdded, putBlob)) : event;
  }
}

/** The message is written already; what stands around it is as long as many a message, and is written when it is sent. */
class MessageEvent implements OutgoingEvent {
  readonly type = type;
  readonly key: string;
  readonly #frame: Frame;
  readonly #own: OwnFacts;
  readonly #message: JsonPieces;

  constructor(frame: Frame, own: OwnFacts, message: JsonPieces) {
    this.key = own.key;
    this.#frame = frame;
    this.#own = own;
    this.#message = message;
  }

  get id(): string {
    return this.key;
  }

  get json(): JsonPieces {
    return [this.#frame.before(this.#own), ...this.#message, "}"];
  }

  /** Not more than so many in UTF-8. */
  get mostBytes(): number {
    let bytes = this.#frame.mostBytes(this.#own);
    for (const piece of this.#message) bytes += typeof piece === "string" ? piece.length * mostBytesPerUnit : piece.length;
    return bytes;
  }
}

/** An event's JSON up to its message. Of what is undefined there is no member. */
class Frame {
  readonly #shared: SharedFacts;
  readonly #afterKey: string;
  readonly #afterTime: string;
  readonly #beforeRaw: string;
  readonly #afterRaw: string;

  constructor(shared: SharedFacts) {
    this.#shared = shared;
    const { mailbox, lane, folder, isResync, isReplayed, parser } = shared;
    this.#afterKey = membersOf({ tenant: mailbox.tenant, mailbox: mailbox.address, protocol: mailbox.protocol });
    this.#afterTime = membersOf({ lane, folder });
    this.#beforeRaw = membersOf({ resync: isResync || undefined, replayed: isReplayed });
    this.#afterRaw = membersOf({ parser });
  }

  before(own: OwnFacts): string {
    const { uid, key, at, flags, internalDate, raw, quarantine } = own;
    const place = membersOf(nameInPlace(this.#shared, uid, this.#shared.uidls));
    const date = isoDate(internalDate);
    const said =
      `${opening}${cleanJson([key]).slice(1, -1)}${this.#afterKey},"at":"${new Date(at).toISOString()}"${this.#afterTime}${place}` +
      `,"flags":${flags.length === 0 ? "[]" : cleanJson(cutFlags(flags))}${date === undefined ? "" : `,"internalDate":"${date}"`}` +
      `${this.#beforeRaw},"raw":${cleanJson(raw)}${this.#afterRaw}`;
    return quarantine === undefined ? `${said},"message":` : `${said}${membersOf({ quarantine: cutQuarantine(quarantine) })},"message":`;
  }

  mostBytes({ key, flags, raw }: OwnFacts): number {
    let units = this.#afterKey.length + this.#afterTime.length + this.#afterRaw.length + key.length + raw.ref.length + unitsOfOthers;
    for (const flag of flags) units += flag.length + 3;
    return units * mostBytesPerUnit;
  }
}

const opening = `{"schema":"${eventSchema}","type":"${type}","key":`;

/** As they stand behind others, each with its comma. */
function membersOf(value: object): string {
  const json = cleanJson(value);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}
