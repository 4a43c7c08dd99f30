import { createHash, type Hash, hash } from "node:crypto";
import {
  type BlobBatch,
  type BlobKind,
  type BlobPointer,
  type BlobWriter,
  type IndexedFolder,
  type IndexEntry,
  syncError,
} from "@mailfleet/core";
import { asBlobError } from "./disk.ts";
import { encodeIndexRecord, encodeParts, type IndexLine } from "./index-format.ts";
import { encodeHead, formatRef, headRoom, type PackLocation, packMagic, packRef, padHead, parseRef } from "./pack-format.ts";
import type { PackTarget } from "./pack-target.ts";

/** Buffered bytes that are written out before the flush, so that a batch does not hold its mail twice. */
const spillBytes = 1024 * 1024;
const lineFeed = Uint8Array.of(0x0a);
/** One piece of a blob that is read back. */
const readBytes = 256 * 1024;

/** A blob that comes in pieces, between its start and its end. */
interface OpenRecord {
  readonly kind: BlobKind;
  readonly key: string;
  readonly headAt: number;
  readonly bodyAt: number;
  readonly hash: Hash;
}

/** The blobs of one commit: one pack, made durable once. */
export class PackBatch implements BlobBatch {
  readonly #pack: string;
  /** What the references to its blobs begin with. */
  readonly #ref: string;
  readonly #target: PackTarget;
  readonly #home: string;
  readonly #notes: IndexLine[] = [];
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #offset = 0;
  #open: OpenRecord | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** @param home what all references of the mailbox begin with */
  constructor(target: PackTarget, home: string, location: PackLocation) {
    this.#pack = location.pack;
    this.#ref = packRef(location);
    this.#target = target;
    this.#home = home;
  }

  note(folder: IndexedFolder, entry: IndexEntry): void {
    this.#notes.push({ folder, entry });
  }

  put(kind: BlobKind | "index", key: string, bytes: Uint8Array, sha256 = hash("sha256", bytes, "hex")): BlobPointer {
    this.#begin();
    this.#append(encodeHead({ kind, key, size: bytes.length, sha256 }));
    const offset = this.#offset;
    this.#append(bytes);
    this.#append(lineFeed);
    if (this.#buffered >= spillBytes) this.#spill();
    return this.#pointer(offset, bytes.length, sha256);
  }

  open(kind: BlobKind, key: string): BlobWriter {
    this.#begin();
    const headAt = this.#offset;
    // Written once size and hash are known; until then there is no record, and nothing refers to the pack.
    this.#append(Buffer.alloc(headRoom(kind, key), " "));
    const record: OpenRecord = { kind, key, headAt, bodyAt: this.#offset, hash: createHash("sha256") };
    this.#open = record;
    return {
      write: (piece) => this.#writePiece(record, piece),
      end: () => this.#endRecord(record),
      giveUp: () => this.#giveUpRecord(record),
    };
  }

  async *readBack(pointer: BlobPointer): AsyncGenerator<Uint8Array, void, void> {
    const at = parseRef(pointer.ref);
    if (at?.pack !== this.#pack) throw syncError("INVARIANT", "A blob was read back from another batch", { layer: "blobs" });
    await this.#settle();
    try {
      for (let done = 0; done < at.length;) {
        const piece = Buffer.allocUnsafeSlow(Math.min(readBytes, at.length - done));
        const bytesRead = await this.#target.read(piece, at.offset + done);
        if (bytesRead === 0) throw Object.assign(new Error("short file"), { code: "ESHORT" });
        done += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } catch (error) {
      throw asBlobError(error, "read");
    }
  }

  async flush(): Promise<void> {
    const parts = encodeParts(this.#notes, this.#home);
    if (parts.length > 0) this.put("index", "", encodeIndexRecord(parts));
    if (this.#offset === 0) return;
    await this.#written();
    const rest = this.#chunks;
    const position = this.#offset - this.#buffered;
    this.#chunks = [];
    this.#buffered = 0;
    try {
      await this.#target.seal(rest, position, parts);
    } catch (error) {
      throw asBlobError(error, "write");
    }
  }

  async discard(): Promise<void> {
    this.#chunks = [];
    this.#open = undefined;
    await this.#writing;
    if (this.#offset > 0) await this.#target.remove();
  }

  async #writePiece(record: OpenRecord, piece: Uint8Array): Promise<void> {
    this.#need(record);
    record.hash.update(piece);
    this.#append(piece);
    if (this.#buffered >= spillBytes) await this.#settle();
  }

  async #endRecord(record: OpenRecord): Promise<BlobPointer> {
    this.#need(record);
    const { kind, key, headAt, bodyAt } = record;
    const size = this.#offset - bodyAt;
    const sha256 = record.hash.digest("hex");
    this.#append(lineFeed);
    await this.#settle();
    try {
      await this.#target.write([padHead({ kind, key, size, sha256 })], headAt);
    } catch (error) {
      throw asBlobError((this.#failure = error), "write");
    }
    this.#open = undefined;
    return this.#pointer(bodyAt, size, sha256);
  }

  async #giveUpRecord(record: OpenRecord): Promise<void> {
    this.#need(record);
    await this.#settle();
    try {
      await this.#target.truncate(record.headAt);
    } catch (error) {
      throw asBlobError((this.#failure = error), "write");
    }
    this.#offset = record.headAt;
    this.#open = undefined;
  }

  #need(record: OpenRecord): void {
    if (this.#open !== record) throw syncError("INVARIANT", "A blob that was ended or given up was written to", { layer: "blobs" });
  }

  #begin(): void {
    if (this.#open) throw syncError("INVARIANT", "A blob was begun before the one that comes in pieces had ended", { layer: "blobs" });
    if (this.#offset === 0) this.#append(Buffer.from(packMagic));
  }

  #pointer(offset: number, length: number, sha256: string): BlobPointer {
    return { ref: formatRef(this.#ref, offset, length), sha256, size: length };
  }

  #append(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#buffered += bytes.length;
    this.#offset += bytes.length;
  }

  /** Everything appended is written out. @throws SyncError */
  async #settle(): Promise<void> {
    this.#spill();
    await this.#written();
  }

  /** What was spilled is written out. @throws SyncError */
  async #written(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw asBlobError(this.#failure, "write");
  }

  #spill(): void {
    const chunks = this.#chunks;
    const position = this.#offset - this.#buffered;
    this.#chunks = [];
    this.#buffered = 0;
    if (chunks.length === 0) return;
    this.#writing = this.#writing.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        await this.#target.write(chunks, position);
      } catch (error) {
        this.#failure = error;
      }
    });
  }
}
