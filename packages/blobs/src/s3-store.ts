import { createHash } from "node:crypto";
import {
  type BlobEraser,
  type BlobPointer,
  type BlobStore,
  type Chance,
  type Clock,
  type IndexedFolder,
  type MailboxRef,
  type PieceReader,
  type StoredWeight,
} from "@mailfleet/core";
import { unavailable } from "./disk.ts";
import { segmentName } from "./index-format.ts";
import { boxOf, homeOf, monthOf } from "./mailbox-place.ts";
import { PackBatch } from "./pack-batch.ts";
import { type PackLocation, parseRef } from "./pack-format.ts";
import { type BucketOptions, openBucket } from "./s3-bucket.ts";
import { type IndexPlace, packNames, readIndexLines } from "./s3-index.ts";
import { S3Pack } from "./s3-pack.ts";
import type { S3Place } from "./s3-place.ts";

export interface S3StoreOptions extends BucketOptions {
  readonly place: S3Place;
  /** Folder for what is too large to wait in memory. */
  readonly scratchDir: string;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** One request each: not every server takes a list of keys to delete. */
const removesAtOnce = 16;

/** The claim-check store in an S3 bucket: one object per commit, under the names that the file store gives its packs. */
export function createS3Store({ place, scratchDir, clock, chance, ...options }: S3StoreOptions): BlobStore & PieceReader & BlobEraser {
  const bucket = openBucket(place, options);
  const nextName = packNames(clock, () => chance.uuid());
  const keyOf = ({ tenant, box, period, pack }: PackLocation) => `${place.prefix}${tenant}/${box}/${period}/${pack}.pack`;
  const indexOf = (mailbox: MailboxRef): IndexPlace => ({
    bucket,
    root: `${place.prefix}${mailbox.tenant}/${boxOf(mailbox)}/`,
    home: homeOf(mailbox),
    scratchDir,
    clock,
  });

  async function* readPieces(pointer: BlobPointer): AsyncGenerator<Uint8Array, void, void> {
    const at = parseRef(pointer.ref);
    if (!at) throw unavailable(`The reference is not one of this store's: ${JSON.stringify(pointer.ref.slice(0, 100))}`);
    const hash = createHash("sha256");
    let done = 0;
    for await (const piece of bucket.readRange(keyOf(at), at.offset, at.length)) {
      done += piece.length;
      hash.update(piece);
      yield piece;
    }
    if (done !== at.length || hash.digest("hex") !== pointer.sha256) {
      throw unavailable(`The stored bytes of ${pointer.ref} are not the ones that were put there`);
    }
  }

  async function each(mailbox: MailboxRef, act: (keys: readonly string[]) => Promise<unknown>): Promise<StoredWeight> {
    const { root } = indexOf(mailbox);
    let [files, bytes] = [0, 0];
    let keys: string[] = [];
    for await (const { key, size } of bucket.list(root)) {
      files++;
      bytes += size;
      if (keys.push(key) < removesAtOnce) continue;
      await act(keys);
      keys = [];
    }
    await act(keys);
    return { files, bytes };
  }

  return {
    weigh: (mailbox) => each(mailbox, () => Promise.resolve()),
    // No pack holds blobs of two mailboxes (decision 0002): a mailbox is what its prefix begins.
    async erase(mailbox) {
      const weight = await each(mailbox, (keys) => Promise.all(keys.map((key) => bucket.remove(key))));
      await bucket.abortUploads(indexOf(mailbox).root);
      return weight;
    },
    startBatch(mailbox) {
      const location = { tenant: mailbox.tenant, box: boxOf(mailbox), period: monthOf(clock.now()), pack: nextName() };
      return new PackBatch(new S3Pack(bucket, keyOf(location), scratchDir), homeOf(mailbox), location);
    },
    async read(pointer) {
      const pieces: Uint8Array[] = [];
      for await (const piece of readPieces(pointer)) pieces.push(piece);
      return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
    },
    readPieces,
    async indexed(mailbox) {
      const found = new Map<string, IndexedFolder>();
      for await (const { folder } of readIndexLines(indexOf(mailbox))) found.set(segmentName(folder), folder);
      return [...found.values()];
    },
    async *readIndex(mailbox, messages) {
      const name = segmentName(messages);
      for await (const { folder, entry } of readIndexLines(indexOf(mailbox))) if (segmentName(folder) === name) yield entry;
    },
    // The packs are the index: a summary that was lost is made again by the next reader.
    repairIndex: () => Promise.resolve(0),
  };
}
