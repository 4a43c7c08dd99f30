import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  type BlobEraser,
  type BlobPointer,
  type BlobStore,
  type Chance,
  type Clock,
  type MailboxRef,
  limits,
  type PieceReader,
} from "@mailfleet/core";
import { asBlobError, unavailable } from "./disk.ts";
import { eraseMailbox, weighMailbox } from "./erase-mailbox.ts";
import { FilePack } from "./file-pack.ts";
import { encodeParts, type IndexLine, segmentName } from "./index-format.ts";
import { boxOf, homeOf, monthOf } from "./mailbox-place.ts";
import { appendIndex, listSegments, type MailboxPlace, readPackIndexes, readSegment } from "./message-index.ts";
import { PackBatch } from "./pack-batch.ts";
import { parseRef } from "./pack-format.ts";

export interface FileStoreOptions {
  /** Root folder; made with mode 0700. */
  readonly dir: string;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** The claim-check store on a file system: one pack per commit, one fsync per pack. */
export function createFileStore(options: FileStoreOptions): BlobStore & PieceReader & BlobEraser {
  return {
    startBatch: (mailbox) => startBatch(options, mailbox),
    read: (pointer) => readBlob(options.dir, pointer),
    readPieces: (pointer) => readBlobPieces(options.dir, pointer),
    indexed: (mailbox) => guarded(() => listSegments(placeOf(options.dir, mailbox))),
    async *readIndex(mailbox, place) {
      try {
        yield* readSegment(placeOf(options.dir, mailbox), place);
      } catch (error) {
        throw asBlobError(error, "read");
      }
    },
    repairIndex: (mailbox) => guarded(() => repairIndex(placeOf(options.dir, mailbox))),
    weigh: (mailbox) => guarded(() => weighMailbox(placeOf(options.dir, mailbox).path)),
    erase: (mailbox) => guarded(() => eraseMailbox(placeOf(options.dir, mailbox).path)),
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
  return { path: join(dir, mailbox.tenant, boxOf(mailbox)), home: homeOf(mailbox) };
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
  if (lost.length > 0) await appendIndex(place, encodeParts(lost, place.home));
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

/** One piece is held at a time. The hash is known at the end only: then the reader is told, in place of the end. */
async function* readBlobPieces(dir: string, pointer: BlobPointer): AsyncGenerator<Uint8Array, void, void> {
  const at = parseRef(pointer.ref);
  if (!at) throw unavailable(`The reference is not one of this store's: ${JSON.stringify(pointer.ref.slice(0, 100))}`);
  let file: FileHandle | undefined;
  try {
    file = await open(join(dir, at.tenant, at.box, at.period, `${at.pack}.pack`), constants.O_RDONLY | constants.O_NOFOLLOW);
    const hash = createHash("sha256");
    let done = 0;
    while (done < at.length) {
      const piece = Buffer.alloc(Math.min(limits.pieceBytes, at.length - done));
      const { bytesRead } = await file.read(piece, 0, piece.length, at.offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
      const read = piece.subarray(0, bytesRead);
      hash.update(read);
      yield read;
    }
    if (done < at.length || hash.digest("hex") !== pointer.sha256) {
      throw unavailable(`The stored bytes of ${pointer.ref} are not the ones that were put there`);
    }
  } catch (error) {
    throw asBlobError(error, "read");
  } finally {
    await file?.close();
  }
}

function startBatch({ dir, clock, chance }: FileStoreOptions, mailbox: MailboxRef): PackBatch {
  const place = placeOf(dir, mailbox);
  const location = { tenant: mailbox.tenant, box: boxOf(mailbox), period: monthOf(clock.now()), pack: chance.uuid().replaceAll("-", "") };
  return new PackBatch(new FilePack(place, location.period, location.pack), place.home, location);
}
