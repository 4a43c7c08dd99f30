import type { FolderCheckpoint } from "./checkpoint.ts";
import type { IndexEntry } from "./fingerprint.ts";
import type { FlagRow } from "./flag-sets.ts";
import type { BlobPointer, FolderRole, MailEvent, MessageFields, OutgoingEvent } from "./event.ts";
import type { Lane, MailboxRef, MessagePlace, Protocol } from "./ids.ts";
import type { HandNote } from "./in-hand.ts";
import type { FolderLedger } from "./ledger.ts";
import type { Listing, LookRequest } from "./listing.ts";
import type { Cause } from "./cause.ts";
import type { AccessToken } from "./token-ports.ts";
import type { Pace } from "./pace.ts";
import type { MailRhythm } from "./poll-interval.ts";
import type { TenantHold } from "./tenant-hold.ts";
import type { SpoolKnown, UidlBook } from "./uidl-book.ts";
import type { WrittenResult } from "./written-message.ts";

/** Wall clock and monotonic clock, both in ms. Everything that waits or compares times gets one. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Resolves after `ms`, or rejects with `signal.reason` when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** SHA-256 of a text as UTF-8, its first 128 bits as 22 characters of base64url. */
export type Digest = (text: string) => string;

/** Randomness and ids. */
export interface Chance {
  /** 0 <= x < 1. */
  random(): number;
  uuid(): string;
}

/** Fields are data, the message is a constant string. Implementations redact. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A folder as the server lists it. */
export interface ListedFolder {
  /** Decoded from modified UTF-7, `/` between levels whatever the server uses. */
  readonly path: string;
  readonly role?: FolderRole;
  /** False for \Noselect and \NonExistent. */
  readonly selectable: boolean;
  /** Attributes as sent, without the backslash, lower case. */
  readonly attributes: readonly string[];
  /** The name as the server writes it, where it is not what modified UTF-7 makes of the path. */
  readonly wireName?: string;
}

/** STATUS or EXAMINE. `uidValidity` in decimal digits. */
export interface FolderStatus {
  readonly messages: number;
  readonly uidNext: number;
  readonly uidValidity: string;
  /** Messages without \Seen: by STATUS only. */
  readonly unseen?: number;
  /** HIGHESTMODSEQ in decimal digits: by STATUS, and only where the server has CONDSTORE (RFC 7162). */
  readonly highestModSeq?: string;
  /** The numbers of a spool's messages, with those that were dealt by this listing; absent where UIDLs are numbers themselves. */
  readonly uidls?: UidlBook;
  /** The UIDs of a spool as the server lists them, oldest or newest first; absent where its list was not asked for. */
  readonly order?: readonly number[];
}

export interface MessageMeta {
  readonly uid: number;
  /** RFC822.SIZE: on Exchange an estimate, for planning only. */
  readonly size: number;
  /** Epoch ms. */
  readonly internalDate?: number;
}

/** A message's flags, dates and the fields of `fingerprintFields`, without its body. */
export interface HeaderRow extends MessageMeta {
  readonly flags: readonly string[];
  /** The answer to BODY.PEEK[HEADER.FIELDS (...)]. */
  readonly header: Uint8Array;
}

/** What this server can do; the flow goes without what it cannot. */
export interface SessionFeatures {
  /** False for a spool: no flags, no folders but INBOX. */
  readonly hasFlags: boolean;
  /** `fetchFlags` takes `since`. */
  readonly hasCondStore: boolean;
  readonly hasIdle: boolean;
}

export interface FetchedMessage {
  readonly uid: number;
  readonly flags: readonly string[];
  /** Epoch ms. */
  readonly internalDate?: number;
  /** Of whoever takes the message, who may let go of them. */
  readonly bytes: Uint8Array;
  /** How, where others lie in the same buffer, which goes with the last of them: called once, or not at all. Absent: by `letGo`. */
  readonly letGo?: () => void;
}

/** A message in pieces. */
export interface StreamedMessage {
  readonly uid: number;
  readonly flags: readonly string[];
  /** Epoch ms. */
  readonly internalDate?: number;
  /** In order; a piece is easy to hold. Taken once; may be left early, and the session can be used on then. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** True once the pieces ended because the message does, not because the server gave no more. */
  isWhole(): boolean;
}

export interface MailSource {
  /**
   * Connects, logs in and proves access by one command.
   * @param known of the INBOX of a mailbox that is read as a spool; without it, a spool is numbered as if it were new
   * @throws SyncError of scope session, mailbox or tenant
   */
  open(mailbox: MailboxRef, token: AccessToken, signal: AbortSignal, known?: SpoolKnown): Promise<MailSession>;
  /**
   * The folders' numbers, in the order of the request, as `status` of a session tells them, by a connection that is made for nothing else
   * and proves access as `open` does. Undefined where this source has no shorter way than a session, such as for a spool; so is the method.
   * @throws SyncError of any scope
   */
  look?(mailbox: MailboxRef, token: AccessToken, signal: AbortSignal, request: LookRequest): Promise<readonly FolderStatus[] | undefined>;
}

/** One authenticated connection. Every method throws SyncError; a refusal is never an empty answer. Not for concurrent calls. */
export interface MailSession {
  listFolders(): Promise<readonly ListedFolder[]>;
  /** @throws SyncError FOLDER_GONE */
  status(path: string): Promise<FolderStatus>;
  /** EXAMINE: read-only, marks nothing as read. */
  open(path: string): Promise<FolderStatus>;
  /** The UIDs that exist in the open folder from `low` to `high`, ascending, both ends included. */
  listUids(low: number, high: number): Promise<readonly number[]>;
  /** Sizes of the given UIDs, ascending; UIDs that vanished are absent. */
  describe(uids: readonly number[]): Promise<readonly MessageMeta[]>;
  /**
   * Whole messages, each requested UID at most once, in the server's order; what the server withholds is absent. An array is what has come
   * by the time it is asked for, one message at least: nobody waits for a second one, and how messages are divided means nothing.
   */
  fetch(uids: readonly number[]): AsyncIterable<readonly FetchedMessage[]>;
  /**
   * One message of any size, within this session: the next one may get it rendered anew, with other bytes. Undefined when the server
   * withholds it. No other call before the last piece was taken or left. A spool has to read over what is left, and gives the session up
   * where that is too much.
   */
  fetchStream(uid: number): Promise<StreamedMessage | undefined>;
  /**
   * Whether one message has more than `bytes` bytes, whatever size was announced. False for one that the server withholds, and on a spool,
   * which cannot tell without sending it: there its pieces do.
   */
  isLongerThan(uid: number, bytes: number): Promise<boolean>;
  /** The first `bytes` bytes of one message; of a spool's no more than the header. */
  fetchHead(uid: number, bytes: number): Promise<FetchedMessage | undefined>;
  /**
   * Flags of the messages from `low` to `high` in the open folder, any order, each at most once. A message that is not in the answer may
   * exist all the same. @param since a HIGHESTMODSEQ: only what changed after it; for servers with `hasCondStore`
   */
  fetchFlags(low: number, high: number, since?: string): Promise<readonly FlagRow[]>;
  /** Fingerprint fields of the given UIDs, any order; UIDs that vanished are absent. */
  fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]>;
  /**
   * Waits for the open folder to move, by IDLE: `moved` when something came, went or changed flags, `quiet` after `maxMs` or when
   * `signal` aborts. The session can be used on afterwards. For servers with `hasIdle`.
   */
  idle(maxMs: number, signal: AbortSignal): Promise<"moved" | "quiet">;
  readonly features: SessionFeatures;
  /** Never throws. */
  close(): Promise<void>;
}

/** What a record in the blob store is. */
export type BlobKind = "raw" | "attachment" | "text" | "html" | "overflow";

export interface BlobStore {
  /** A new, empty batch; nothing is written before the first put. */
  startBatch(mailbox: MailboxRef): BlobBatch;
  /** @throws SyncError BLOB_UNAVAILABLE when missing or not what the hash says */
  read(pointer: BlobPointer): Promise<Uint8Array>;
  /** The folders and generations of which something was noted, any order. @throws SyncError BLOB_UNAVAILABLE */
  indexed(mailbox: MailboxRef): Promise<readonly IndexedFolder[]>;
  /**
   * What was noted of one folder's generation, in the order of noting: a UID can come more than once, the last entry counts.
   * Entries of batches that were flushed and never committed are among them. @throws SyncError BLOB_UNAVAILABLE
   */
  readIndex(mailbox: MailboxRef, place: MessagePlace): AsyncIterable<IndexEntry>;
  /**
   * Notes again what the packs know and the index does not: after a power loss, or when index files were lost.
   * @returns how many entries were restored. @throws SyncError BLOB_UNAVAILABLE
   */
  repairIndex(mailbox: MailboxRef): Promise<number>;
}

/** What index entries belong to. */
export interface IndexedFolder extends MessagePlace {
  readonly role?: FolderRole;
}

/** The blobs of one commit. Pointers are known at once, durable only after `flush`. */
export interface BlobBatch {
  /** @param key the message's key, so that the store can be read without Redis. @param sha256 of the bytes, where it is known */
  put(kind: BlobKind, key: string, bytes: Uint8Array, sha256?: string): BlobPointer;
  /** A blob that comes in pieces. Until it has ended or was given up, nothing else is put or opened. */
  open(kind: BlobKind, key: string): BlobWriter;
  /** What a writer of this batch has written, in pieces. @throws SyncError BLOB_UNAVAILABLE */
  readBack(pointer: BlobPointer): AsyncIterable<Uint8Array>;
  /** Remembers a message beside the blobs; as durable as they are. */
  note(folder: IndexedFolder, entry: IndexEntry): void;
  /** Resolves when everything put is on stable storage. @throws SyncError BLOB_UNAVAILABLE or BLOB_STORE_FULL */
  flush(): Promise<void>;
  /** Forgets the batch and removes what was written of it. Never throws. */
  discard(): Promise<void>;
}

export interface BlobWriter {
  /** Resolves when the next piece may come: the disk holds the server back. @throws SyncError BLOB_UNAVAILABLE or BLOB_STORE_FULL */
  write(piece: Uint8Array): Promise<void>;
  /** The blob is what was written; as durable as its batch. */
  end(): Promise<BlobPointer>;
  /** Nothing is left of it. */
  giveUp(): Promise<void>;
}

/** What a MIME parser found. Bytes of bodies and attachments are handed over, not copied. */
export interface ParsedMessage extends MessageFields {
  readonly attachments: readonly ParsedAttachment[];
  readonly defects: readonly string[];
}

export interface ParsedAttachment {
  readonly filename?: string;
  readonly contentType: string;
  readonly disposition?: string;
  readonly contentId?: string;
  /** Of a streamed message: where it was kept. */
  readonly content: Uint8Array | BlobPointer;
}

export type ParseResult<Message = ParsedMessage> =
  /** `cut`: a sentence for an operator about what was left out. */
  | { readonly ok: true; readonly message: Message; readonly cut?: string }
  /** `reason` is a sentence for an operator; what could be read of the head comes along where possible. */
  | { readonly ok: false; readonly reason: string };

export interface MimeParser {
  readonly name: string;
  readonly version: string;
  /**
   * Never rejects for anything a message does. The bytes stay usable by the caller.
   * @param isUrgent before all that wait and are not
   */
  parse(bytes: Uint8Array, isUrgent?: boolean): Promise<WrittenResult>;
  /**
   * A message that is too large to hold: a few pieces at a time are. Attachments go to writers of `keep`, one after the other.
   * Rejects only with what `source` or a writer rejected with.
   */
  parseStream(source: MessageSource, keep: () => BlobWriter): Promise<WrittenResult>;
}

/** Bytes that lie elsewhere. */
export interface MessageSource {
  readonly size: number;
  /** From the first byte; called again for another try. The pieces are handed over. */
  open(): AsyncIterable<Uint8Array>;
}

/** The right to work on one mailbox. `token` is a rising number and a random part, compared as a whole. */
export interface Lease {
  readonly mailbox: MailboxRef;
  readonly token: string;
  readonly lane: Lane;
  /** What was stored of the mailbox when the lease was taken: read in the same step. */
  readonly found: MailboxState;
  /** The tenant is held, and this session finds out whether it still has to be. */
  readonly canary?: TenantHold;
  /** Aborts with a SyncError LEASE_LOST when the lease is lost or could not be renewed in time. */
  readonly signal: AbortSignal;
  /** False once the lease is lost, or its last renewal is too old by the monotonic clock: also where no timer could fire yet (F03). */
  isHeld(): boolean;
  /** Stops renewing; the lease then ends by itself. Called once the session is settled or given up. */
  stop(): void;
}

/** What a finished session leaves behind, written together with the lease's release. */
export interface Settlement {
  /** True when the server's lists were compared and everything new was handed off. */
  readonly checked: boolean;
  /** True once the mailbox answered a command after login. */
  readonly opened: boolean;
  /** When the fresh lane looks again, ms from now. */
  readonly freshDueInMs: number;
  /** When the backfill lane goes on, ms from now; undefined when the history is complete or backfill is off. */
  readonly backfillDueInMs?: number;
  /** What stops the mailbox, or undefined when nothing does. */
  readonly cause?: Cause;
  /** mailbox.parked or mailbox.resumed, added in the same script. */
  readonly events: readonly MailEvent[];
  /** How fast its server lets the mailbox be read; undefined where nothing is learned, and what was is forgotten. */
  readonly pace?: Pace;
  /** Which folders there are, for polls that need not ask; undefined where the next session has to, and what was known is forgotten. */
  readonly listing?: Listing;
  /** When mail comes; undefined where that is as it was. */
  readonly rhythm?: MailRhythm;
}

/** What is stored of a mailbox when a session begins. */
export interface MailboxState {
  readonly folders: ReadonlyMap<string, StoredCheckpoint>;
  /** By which the mailbox is registered now: who was told another one before he got the lease comes late. Absent for one that is not. */
  readonly protocol?: Protocol;
  readonly cause?: Cause;
  /** True once a session reached the mailbox. */
  readonly opened: boolean;
  /** What a session that died left in hand, and who is suspected. */
  readonly hand: HandNote;
  /** What earlier sessions learned of the server's speed. */
  readonly pace?: Pace;
  /** What the last session knew of the server's folders. */
  readonly listing?: Listing;
  /** Epoch ms by Redis' clock: when the fresh lane was to look again. A session that begins before was asked for. */
  readonly nextAt?: number;
  /** When mail comes, as earlier polls showed. */
  readonly rhythm?: MailRhythm;
  /** A worker holds an IDLE connection to it, or is about to. */
  readonly isPushed?: boolean;
}

export interface StoredCheckpoint {
  readonly version: number;
  /** Undefined when what is stored cannot be read: CHECKPOINT_CORRUPT, that folder only. */
  readonly checkpoint: FolderCheckpoint | undefined;
  /** A newer version of mailfleet wrote it: `checkpoint` is then undefined, and this version leaves the mailbox alone (F36). */
  readonly isNewer?: true;
  readonly ledger: FolderLedger;
}

/** One atomic step of one folder: events, checkpoint and ledger together or not at all (docs/decisions/0001-one-script-for-the-commit.md). */
export interface Commit {
  /** Unique; a commit that is sent again under the same id is recognised as done (F04). */
  readonly id: string;
  readonly lease: Lease;
  readonly folder: string;
  /** 0 when the folder has no checkpoint yet. */
  readonly expectedVersion: number;
  readonly checkpoint: FolderCheckpoint;
  readonly ledger: FolderLedger;
  readonly events: readonly OutgoingEvent[];
  /** W3C Trace Context that consumers of the events go on under; absent where the job is not traced. */
  readonly traceparent?: string;
}

export type CommitResult =
  | { readonly kind: "applied"; readonly version: number; readonly isPoked: boolean }
  /** The lease belongs to somebody else by now: stop at once. */
  | { readonly kind: "fenced" }
  /** Redis holds another version than this session read: reload. */
  | { readonly kind: "stale" };

/** Reads and reserves; writing what counts is the hand-off's business. */
export interface MailboxStore {
  /**
   * Undefined when somebody else works on the mailbox, which is then poked if `lane` is fresh; and when its tenant is held and this is
   * not the canary: the mailbox is due again as soon as the tenant goes on.
   */
  acquire(mailbox: MailboxRef, lane: Lane): Promise<Lease | undefined>;
  load(mailbox: MailboxRef): Promise<MailboxState>;
  /** Replaces what is in hand and who is suspected; a commit or settlement empties the hand. False when the lease is lost. */
  noteInHand(lease: Lease, note: HandNote): Promise<boolean>;
}

/** The only door to the `messages` queue: one script each, all or nothing. */
export interface HandOff {
  commit(commit: Commit): Promise<CommitResult>;
  /** Writes the settlement and releases the lease. False when the lease was lost: nothing was written. */
  settle(lease: Lease, settlement: Settlement): Promise<boolean>;
}

/** Tells a session whether it must end. */
export interface SliceGate {
  /**
   * At a batch's border: true once consumers are so far behind that the lane must stop; the answer takes longer the nearer that is, which
   * slows the lane. At a slice's border also when other mailboxes wait for the slot. A guest, who works for the lane in a slot of
   * another one, must stop as soon as the lane is slowed, and never waits.
   */
  shouldYield(lane: Lane, border: "batch" | "slice" | "guest"): Promise<boolean>;
  /** True once the worker drains: the session ends at the next batch border. */
  isDraining(): boolean;
}
