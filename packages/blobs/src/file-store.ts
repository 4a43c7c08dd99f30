import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type BlobBatch,
  type BlobKind,
  type BlobPointer,
  type BlobStore,
  type Chance,
  type Clock,
  type IndexedFolder,
  type IndexEntry,
  type MailboxRef,
  mailboxId,
  syncError,
} from "@mailfleet/core";
import { encodeIndexRecord, type IndexLine, segmentName } from "./index-format.ts";
import { appendIndex, listSegments, type MailboxPlace, readPackIndexes, readSegment } from "./message-index.ts";
import { encodeHead, formatRef, packMagic, parseRef } from "./pack-format.ts";

export interface FileStoreOptions {
  /** Root folder; made with mode 0700. */
  readonly dir: string;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** Buffered bytes that are written out before the flush, so that a batch does not hold its mail twice. */
const spillBytes = 1024 * 1024;

/** The claim-check store on a file system: one pack per commit, one fsync per pack. */
export function createFileStore(options: FileStoreOptions): BlobStore {
  return {
    startBatch: (mailbox) => new PackBatch(options, mailbox),
    read: (pointer) => readBlob(options.dir, pointer),
    indexed: (mailbox) => guarded(() => listSegments(placeOf(options.dir, mailbox))),
    async *readIndex(mailbox, place) {
      try {
        yield* readSegment(placeOf(options.dir, mailbox), place);
      } catch (error) {
        throw asBlobError(error, "read");
      }
    },
    repairIndex: (mailbox) => guarded(() => repairIndex(placeOf(options.dir, mailbox))),
  };
}

async function guarded<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw asBlobError(error, "read");
  }
}

function placeOf(dir: string, mailbox: MailboxRef): MailboxPlace {
  const box = boxOf(mailbox);
  return { path: join(dir, mailbox.tenant, box), home: `pack:${mailbox.tenant}/${box}/` };
}

function boxOf(mailbox: MailboxRef): string {
  return createHash("sha256").update(mailboxId(mailbox)).digest("hex").slice(0, 32);
}

/** Restores entries that only the packs have. What the segments have is newer or the same: it is left alone. */
async function repairIndex(place: MailboxPlace): Promise<number> {
  const known = new Map<string, Set<number>>();
  const lost: IndexLine[] = [];
  for await (const line of readPackIndexes(place)) {
    const name = segmentName(line.folder);
    let uids = known.get(name);
    if (!uids) {
      known.set(name, (uids = new Set()));
      for await (const { uid } of readSegment(place, line.folder)) uids.add(uid);
    }
    // Of several packs with one message, as after a worker that died before its commit, the last counts: all are noted, in order.
    if (!uids.has(line.entry.uid)) lost.push(line);
  }
  if (lost.length > 0) await appendIndex(place, lost);
  return lost.length;
}

async function readBlob(dir: string, pointer: BlobPointer): Promise<Uint8Array> {
  const at = parseRef(pointer.ref);
  if (!at) throw unavailable(`The reference is not one of this store's: ${JSON.stringify(pointer.ref.slice(0, 100))}`);
  const path = join(dir, at.tenant, at.box, at.period, `${at.pack}.pack`);
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const bytes = Buffer.alloc(at.length);
    let filled = 0;
    while (filled < at.length) {
      const { bytesRead } = await file.read(bytes, filled, at.length - filled, at.offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled < at.length || createHash("sha256").update(bytes).digest("hex") !== pointer.sha256) {
      throw unavailable(`The stored bytes of ${pointer.ref} are not the ones that were put there`);
    }
    return bytes;
  } catch (error) {
    throw asBlobError(error, "read");
  } finally {
    await file?.close();
  }
}

class PackBatch implements BlobBatch {
  readonly #location: { tenant: string; box: string; period: string; pack: string };
  readonly #folder: string;
  readonly #place: MailboxPlace;
  readonly #notes: IndexLine[] = [];
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #offset = 0;
  #file: Promise<FileHandle> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #isFlushed = false;

  constructor(options: FileStoreOptions, mailbox: MailboxRef) {
    const box = boxOf(mailbox);
    const period = new Date(options.clock.now()).toISOString().slice(0, 7).replace("-", "");
    const pack = options.chance.uuid().replaceAll("-", "");
    this.#location = { tenant: mailbox.tenant, box, period, pack };
    this.#place = placeOf(options.dir, mailbox);
    this.#folder = join(this.#place.path, period);
  }

  note(folder: IndexedFolder, entry: IndexEntry): void {
    this.#notes.push({ folder, entry });
  }

  put(kind: BlobKind | "index", key: string, bytes: Uint8Array): BlobPointer {
    if (this.#offset === 0) this.#append(Buffer.from(packMagic));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    this.#append(encodeHead({ kind, key, size: bytes.length, sha256 }));
    const offset = this.#offset;
    this.#append(bytes);
    this.#append(Buffer.from("\n"));
    if (this.#buffered >= spillBytes) this.#spill();
    return { ref: formatRef({ ...this.#location, offset, length: bytes.length }), sha256, size: bytes.length };
  }

  async flush(): Promise<void> {
    if (this.#notes.length > 0) this.put("index", "", encodeIndexRecord(this.#notes, this.#place.home));
    if (this.#offset === 0) return;
    this.#spill();
    await this.#writing;
    if (this.#failure !== undefined) throw asBlobError(this.#failure, "write");
    try {
      const file = await (this.#file as Promise<FileHandle>);
      await file.datasync();
      await file.close();
      this.#file = undefined;
      await rename(this.#path("tmp"), this.#path("pack"));
      await syncFolder(this.#folder);
      this.#isFlushed = true;
      if (this.#notes.length > 0) await appendIndex(this.#place, this.#notes);
    } catch (error) {
      throw asBlobError(error, "write");
    }
  }

  async discard(): Promise<void> {
    this.#chunks = [];
    await this.#writing;
    try {
      await (await this.#file)?.close();
    } catch {
      // A handle that cannot be closed has nothing left to lose: the file is removed next.
    }
    this.#file = undefined;
    if (this.#offset > 0) await rm(this.#path(this.#isFlushed ? "pack" : "tmp"), { force: true }).catch(() => undefined);
  }

  #path(ending: "tmp" | "pack"): string {
    return join(this.#folder, `${this.#location.pack}.${ending}`);
  }

  #append(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#buffered += bytes.length;
    this.#offset += bytes.length;
  }

  #spill(): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#buffered = 0;
    if (chunks.length === 0) return;
    this.#writing = this.#writing.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        this.#file ??= this.#create();
        await writeFully(await this.#file, chunks);
      } catch (error) {
        this.#failure = error;
      }
    });
  }

  async #create(): Promise<FileHandle> {
    await makeFolder(this.#folder);
    return open(this.#path("tmp"), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
  }
}

/** writev may write less than it was given, above all on a disk that fills up. */
async function writeFully(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await file.writev(chunks);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length;) done += (await file.write(rest, done)).bytesWritten;
}

/** A folder is durable only once its parent is synced: all that are new, up to the one that was there. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(folder)); at.length >= top.length; at = dirname(at)) {
    await syncFolder(at);
    if (at === top) return;
  }
}

/** The new name is durable only once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const fullDiskCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function asBlobError(error: unknown, verb: "read" | "write"): Error {
  if (error instanceof Error && error.name === "SyncError") return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
  if (fullDiskCodes.has(code)) {
    return syncError("BLOB_STORE_FULL", `The disk of the blob store is full (${code}). No message is lost: nothing was committed.`, {
      layer: "blobs",
      code,
    });
  }
  return unavailable(`The blob store cannot ${verb} (${code}). No message is lost: nothing was committed.`, code);
}

function unavailable(message: string, code?: string): Error {
  return syncError("BLOB_UNAVAILABLE", message, { layer: "blobs", ...(code !== undefined && { code }) });
}
