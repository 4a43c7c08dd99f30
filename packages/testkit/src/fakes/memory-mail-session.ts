import {
  type Clock,
  type FetchedMessage,
  fingerprintFields,
  type FlagRow,
  folderRole,
  type FolderStatus,
  type HeaderRow,
  isSyncError,
  type ListedFolder,
  type MailSession,
  type MessageMeta,
  type SessionFeatures,
  type StreamedMessage,
  syncError,
} from "@mailfleet/core";
import type { MemoryFolder, StoredMessage } from "./memory-mail-folder.ts";

export interface MemorySessionOptions {
  readonly folders: () => readonly MemoryFolder[];
  readonly features: SessionFeatures;
  readonly clock: Clock;
  /** Ends the session, as it closes a real connection. */
  readonly signal: AbortSignal;
}

/** A session of the memory mail server: it sees the folders as they are now, as IMAP does, and ends when its open folder becomes another. */
export class MemoryMailSession implements MailSession {
  readonly features: SessionFeatures;
  readonly #options: MemorySessionOptions;
  #open: MemoryFolder | undefined;
  #unwatch: () => void = () => undefined;
  #onMoved: () => void = () => undefined;
  /** Something moved since `open`, or since `idle` told so. */
  #hasMoved = false;
  #isEnded = false;

  constructor(options: MemorySessionOptions) {
    this.#options = options;
    this.features = options.features;
  }

  async listFolders(): Promise<readonly ListedFolder[]> {
    this.#needAlive();
    return this.#options.folders().map(({ path, attributes }) => {
      const role = folderRole({ path, attributes });
      return { path, attributes, selectable: !attributes.includes("noselect"), ...(role !== undefined && { role }) };
    });
  }

  async status(path: string): Promise<FolderStatus> {
    const folder = this.#find(path);
    const unseen = folder.shown.filter(({ flags }) => !flags.includes("\\Seen")).length;
    return { ...numbersOf(folder), unseen, ...(this.features.hasCondStore && { highestModSeq: String(folder.modSeq) }) };
  }

  async open(path: string): Promise<FolderStatus> {
    this.#unwatch();
    this.#open = undefined;
    const folder = this.#find(path);
    const watcher = (change: "moved" | "invalid"): void => {
      if (change === "invalid") this.#isEnded = true;
      this.#hasMoved = true;
      this.#onMoved();
    };
    folder.watchers.add(watcher);
    this.#unwatch = () => void folder.watchers.delete(watcher);
    this.#open = folder;
    this.#hasMoved = false;
    return numbersOf(folder);
  }

  async listUids(low: number, high: number): Promise<readonly number[]> {
    return this.#shown(low, high).map(({ uid }) => uid);
  }

  async describe(uids: readonly number[]): Promise<readonly MessageMeta[]> {
    return this.#wanted(uids).map(({ uid, size, internalDate }) => ({ uid, size, internalDate }));
  }

  async *fetch(uids: readonly number[]): AsyncGenerator<readonly FetchedMessage[], void, void> {
    for (const some of together(this.#wanted(uids).map(({ uid }) => uid))) {
      // As they are when their turn comes: they may be gone by then.
      const there = this.#wanted(some).filter(({ isWithheld }) => !isWithheld);
      if (there.length > 0) yield there.map((message) => whole(message, Uint8Array.from(message.raw)));
    }
  }

  async fetchStream(uid: number): Promise<StreamedMessage | undefined> {
    const [message] = this.#wanted([uid]);
    if (!message || message.isWithheld) return undefined;
    return inPieces(message, () => {
      this.#needAlive();
      return message.isThere;
    });
  }

  async isLongerThan(uid: number, bytes: number): Promise<boolean> {
    const [message] = this.#wanted([uid]);
    return message !== undefined && !message.isWithheld && Math.max(message.size, message.raw.length) > bytes;
  }

  async fetchHead(uid: number, bytes: number): Promise<FetchedMessage | undefined> {
    const [message] = this.#wanted([uid]);
    return message && !message.isWithheld ? whole(message, message.raw.subarray(0, bytes)) : undefined;
  }

  async fetchFlags(low: number, high: number, since?: string): Promise<readonly FlagRow[]> {
    if (since !== undefined && !this.features.hasCondStore) {
      throw syncError("INVARIANT", "This server does not tell what changed since", { layer: "imap" });
    }
    return this.#shown(low, high)
      .filter(({ modSeq }) => since === undefined || modSeq > Number(since))
      .map(({ uid, flags }) => ({ uid, flags }));
  }

  async fetchHeaders(uids: readonly number[]): Promise<readonly HeaderRow[]> {
    return this.#wanted(uids)
      .filter(({ isWithheld }) => !isWithheld)
      .map(({ uid, size, internalDate, flags, raw }) => ({ uid, size, internalDate, flags, header: fingerprintHeader(raw) }));
  }

  async idle(maxMs: number, signal: AbortSignal): Promise<"moved" | "quiet"> {
    this.#needOpen();
    const over = new AbortController();
    const moved = new Promise<"moved">((resolve) => {
      this.#onMoved = () => resolve("moved");
      if (this.#hasMoved) resolve("moved");
    });
    const quiet = this.#options.clock.sleep(maxMs, AbortSignal.any([signal, over.signal])).then(
      () => "quiet" as const,
      () => "quiet" as const,
    );
    const answer = await Promise.race([moved, quiet]);
    over.abort();
    this.#onMoved = () => undefined;
    this.#needAlive();
    if (answer === "moved") this.#hasMoved = false;
    return answer;
  }

  async close(): Promise<void> {
    this.#isEnded = true;
    this.#unwatch();
    this.#onMoved();
  }

  #needAlive(): void {
    throwIfAborted(this.#options.signal);
    if (this.#isEnded) throw syncError("SESSION_CLOSED", "The connection to the mail server ended", { layer: "imap", phase: "command" });
  }

  #needOpen(): MemoryFolder {
    this.#needAlive();
    if (!this.#open) throw syncError("INVARIANT", "A session was asked for messages before a folder was opened", { layer: "imap" });
    return this.#open;
  }

  #find(path: string): MemoryFolder {
    this.#needAlive();
    const folder = this.#options.folders().find((one) => one.path === path && !one.attributes.includes("noselect"));
    if (folder) return folder;
    throw syncError("FOLDER_GONE", `The folder ${path} does not exist any more`, {
      layer: "imap",
      phase: "command",
      folder: path,
      responseStatus: "NO",
    });
  }

  #shown(low: number, high: number): readonly StoredMessage[] {
    return this.#needOpen().shown.filter(({ uid }) => uid >= low && uid <= high);
  }

  #wanted(uids: readonly number[]): readonly StoredMessage[] {
    const wanted = new Set(uids);
    return this.#needOpen().shown.filter(({ uid }) => wanted.has(uid));
  }
}

/** What comes at once: arrays of two, and of one where the number is odd. */
export function together<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / 2) }, (_, at) => all.slice(2 * at, 2 * at + 2));
}

/** What a server sends at once of a message in pieces, kept small so that small messages have several. */
const pieceBytes = 100;

/** @param goesOn false when the server gives no more of the message */
export function inPieces(
  { uid, flags, internalDate, raw }: Omit<FetchedMessage, "bytes"> & { raw: Uint8Array },
  goesOn: () => boolean,
): StreamedMessage {
  let isWhole = false;
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    const size = Math.max(pieceBytes, Math.ceil(raw.length / 100));
    for (let from = 0; from < raw.length; from += size) {
      if (!goesOn()) return;
      yield raw.slice(from, from + size);
    }
    isWhole = true;
  }
  return { uid, flags, ...(internalDate !== undefined && { internalDate }), pieces: pieces(), isWhole: () => isWhole };
}

/** A connection ends with the reason where that is a failure of ours, as INTERRUPTED for any other. */
export function throwIfAborted({ aborted, reason }: AbortSignal): void {
  if (!aborted) return;
  throw isSyncError(reason) ? reason : syncError("INTERRUPTED", "The session was stopped", { layer: "imap" });
}

function numbersOf(folder: MemoryFolder): FolderStatus {
  return { messages: folder.shown.length, uidNext: folder.uidNext, uidValidity: String(folder.uidValidity) };
}

function whole({ uid, flags, internalDate }: StoredMessage, bytes: Uint8Array): FetchedMessage {
  return { uid, flags, internalDate, bytes };
}

/** What HEADER.FIELDS answers: the wanted lines as they stand, and the empty one. Folded lines are not needed by the tests. */
function fingerprintHeader(raw: Uint8Array): Uint8Array {
  const [head = ""] = Buffer.from(raw).toString("latin1").split("\r\n\r\n");
  const wanted = fingerprintFields.map((name) => `${name.toLowerCase()}:`);
  const lines = head.split("\r\n").filter((line) => wanted.some((name) => line.toLowerCase().startsWith(name)));
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
