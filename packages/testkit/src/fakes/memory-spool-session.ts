import {
  type DealtUidls,
  dealUidls,
  type FetchedMessage,
  type FlagRow,
  type FolderStatus,
  type HeaderRow,
  isUidlOf,
  type ListedFolder,
  type MailSession,
  type MessageMeta,
  type SessionFeatures,
  type SpoolKnown,
  spoolUidValidity,
  type StreamedMessage,
  syncError,
} from "@mailfleet/core";
import { inPieces, throwIfAborted, together } from "./memory-mail-session.ts";
import type { MemoryFolder, StoredMessage } from "./memory-mail-folder.ts";
import { inOneBuffer } from "./one-buffer.ts";

export interface SpoolShape {
  /** What the message of a UID is called; its decimal digits when not given. */
  readonly uidlOf?: (uid: number) => string;
  /** The count tells hidden messages too, which the list leaves out. */
  readonly countsHidden?: boolean;
  /** The list begins with the newest, as a setting of Exchange's has it. */
  readonly isNewestFirst?: boolean;
}

/**
 * The same mailbox as a spool, as POP3 shows it: the INBOX alone, as it was when the session began; no flags, no dates, no UIDVALIDITY.
 * UIDLs are decimal numbers, as Exchange's are, or whatever `uidlOf` makes of a UID.
 */
export class MemorySpoolSession implements MailSession {
  readonly features: SessionFeatures = { hasFlags: false, hasCondStore: false, hasIdle: false };
  readonly #messages: readonly StoredMessage[];
  readonly #dealt: DealtUidls;
  readonly #signal: AbortSignal;
  /** By STAT. */
  readonly #count: number;
  /** What is said until the whole list is asked for; undefined where that is asked for at once. */
  #asKnown: FolderStatus | undefined;
  #isEnded = false;
  #isOpen = false;

  constructor(inbox: MemoryFolder, signal: AbortSignal, known: SpoolKnown | undefined, shape: SpoolShape) {
    const { uidlOf = String, countsHidden = false, isNewestFirst = false } = shape;
    const shown = isNewestFirst ? inbox.shown.toReversed() : [...inbox.shown];
    this.#dealt = dealUidls(
      known?.uidls,
      shown.map(({ uid }) => uidlOf(uid)),
    );
    // Under the numbers that their UIDLs were dealt.
    this.#messages = shown.map((message, at) => ({ ...message, uid: this.#dealt.uids[at] ?? 0 })).sort((a, b) => a.uid - b.uid);
    this.#signal = signal;
    this.#count = countsHidden ? inbox.messages.length : shown.length;
    this.#asKnown = statusAsKnown(
      shown.map(({ uid }) => uidlOf(uid)),
      this.#count,
      known,
    );
  }

  async listFolders(): Promise<readonly ListedFolder[]> {
    this.#needAlive();
    return [{ path: "INBOX", role: "inbox", attributes: [], selectable: true }];
  }

  async status(path: string): Promise<FolderStatus> {
    this.#needAlive();
    if (path !== "INBOX")
      throw syncError("FOLDER_GONE", "A spool has no folder but INBOX", { layer: "pop3", phase: "command", folder: path });
    if (this.#asKnown) return this.#asKnown;
    const { book, uidValidity, uids } = this.#dealt;
    const uidNext = (this.#messages.at(-1)?.uid ?? 0) + 1;
    return { messages: this.#count, uidNext, uidValidity, ...(book && { uidls: book }), order: uids };
  }

  async open(path: string): Promise<FolderStatus> {
    this.#isOpen = false;
    this.#needAlive();
    this.#asKnown = undefined;
    const status = await this.status(path);
    this.#isOpen = true;
    return status;
  }

  async listUids(low: number, high: number): Promise<readonly number[]> {
    this.#needOpen();
    return this.#messages.map(({ uid }) => uid).filter((uid) => uid >= low && uid <= high);
  }

  async describe(uids: readonly number[]): Promise<readonly MessageMeta[]> {
    return this.#wanted(uids).map(({ uid, size }) => ({ uid, size }));
  }

  async *fetch(uids: readonly number[]): AsyncGenerator<readonly FetchedMessage[], void, void> {
    const given = this.#wanted(uids).filter(({ isWithheld }) => !isWithheld);
    for (const some of together(given)) {
      this.#needAlive();
      yield inOneBuffer(some.map(({ uid, raw }) => ({ uid, flags: [], bytes: raw })));
    }
  }

  async fetchStream(uid: number): Promise<StreamedMessage | undefined> {
    const [message] = this.#wanted([uid]);
    if (!message || message.isWithheld) return undefined;
    return inPieces({ uid, flags: [], raw: message.raw }, () => {
      this.#needAlive();
      return true;
    });
  }

  async isLongerThan(uid: number, bytes: number): Promise<boolean> {
    const [message] = this.#wanted([uid]);
    return message !== undefined && !message.isWithheld && Math.max(message.size, message.raw.length) > bytes;
  }

  async fetchHead(uid: number, bytes: number): Promise<FetchedMessage | undefined> {
    const [message] = this.#wanted([uid]);
    return message && !message.isWithheld ? { uid, flags: [], bytes: message.raw.subarray(0, bytes) } : undefined;
  }

  async fetchFlags(): Promise<readonly FlagRow[]> {
    this.#needOpen();
    throw syncError("INVARIANT", "A spool has no flags", { layer: "pop3" });
  }

  async fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]> {
    return this.#wanted(uids)
      .filter(({ isWithheld }) => !isWithheld)
      .map(({ uid, size, raw }) => ({ uid, size, flags: [], header: headerOf(raw) }));
  }

  async idle(): Promise<"moved" | "quiet"> {
    this.#needOpen();
    throw syncError("INVARIANT", "A spool cannot be waited on", { layer: "pop3" });
  }

  async close(): Promise<void> {
    this.#isEnded = true;
  }

  #needAlive(): void {
    throwIfAborted(this.#signal);
    if (this.#isEnded) throw syncError("SESSION_CLOSED", "The connection to the mail server ended", { layer: "pop3", phase: "command" });
  }

  #needOpen(): void {
    this.#needAlive();
    if (!this.#isOpen) throw syncError("INVARIANT", "no folder is open", { layer: "pop3" });
  }

  #wanted(uids: readonly number[]): readonly StoredMessage[] {
    this.#needOpen();
    const wanted = new Set(uids);
    return this.#messages.filter(({ uid }) => wanted.has(uid));
  }
}

/** As a session does that asks for the two ends of the list alone: what changed between them does not show. */
function statusAsKnown(listed: readonly string[], count: number, known: SpoolKnown | undefined): FolderStatus | undefined {
  if (known === undefined || listed.length === 0 || count !== known.messages) return undefined;
  const { uidls, newest, ends: before } = known;
  const ends = [listed[0] as string, listed.at(-1) as string];
  const isOld = (uidl: string): boolean => {
    const { uids, book } = dealUidls(uidls, [uidl]);
    return (uidls === undefined) === (book === undefined) && (uids[0] as number) <= newest;
  };
  if (!ends.every(isOld)) return undefined;
  const areEnds = before
    ? ends.every((uidl, at) => isUidlOf(uidls, before[at] as number, uidl))
    : ends.some((uidl) => isUidlOf(uidls, newest, uidl));
  if (!areEnds) return undefined;
  const uidValidity = uidls ? spoolUidValidity.dealtNumbers : spoolUidValidity.ownNumbers;
  return { messages: count, uidNext: newest + 1, uidValidity, ...(uidls && { uidls }) };
}

/** What TOP n 0 gives. */
function headerOf(raw: Uint8Array): Uint8Array {
  const end = Buffer.from(raw).indexOf("\r\n\r\n");
  return end === -1 ? raw : raw.subarray(0, end + 4);
}
