import { createHash } from "node:crypto";
import {
  type BlobBatch,
  type BlobEraser,
  type BlobPointer,
  type BlobStore,
  type IndexedFolder,
  type IndexEntry,
  mailboxId,
  type MailboxRef,
  type MessagePlace,
  syncError,
} from "@mailfleet/core";

export interface MemoryBlobStore extends BlobStore, BlobEraser {
  /** Loses what was noted and keeps the packs: a power loss, or index files that somebody deleted. */
  loseIndex(mailbox: MailboxRef): void;
  /** Whether the pointer's bytes are on stable storage, unchanged. */
  isDurable(pointer: BlobPointer): boolean;
  /** Packs that were flushed and not discarded. */
  readonly packs: number;
}

/** Small, so that small blobs come in several pieces too. */
const pieceBytes = 64;

interface Note {
  readonly folder: IndexedFolder;
  readonly entry: IndexEntry;
}

interface Pack {
  readonly box: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly notes: readonly Note[];
}

/**
 * The blob store in this process' memory: what was put is there once it was flushed, and gone when the batch was given up. Passes the
 * conformance suite that runs against the file store.
 */
export function createMemoryBlobStore(): MemoryBlobStore {
  const packs = new Map<number, Pack>();
  const index = new Map<string, Note[]>();
  let serial = 0;

  const find = ({ ref, sha256 }: BlobPointer): Uint8Array | undefined => {
    const match = /^memory:(\d+)\/(\d+)$/.exec(ref);
    const bytes = match ? packs.get(Number(match[1]))?.blobs.get(ref) : undefined;
    return bytes !== undefined && hashOf(bytes) === sha256 ? bytes : undefined;
  };

  function startBatch(mailbox: MailboxRef): BlobBatch {
    const box = mailboxId(mailbox);
    const at = ++serial;
    const blobs = new Map<string, Uint8Array>();
    const notes: Note[] = [];
    let isWriting = false;
    const needFree = (): void => {
      if (isWriting) throw new Error("a blob is being written in pieces");
    };
    const keep = (bytes: Uint8Array): BlobPointer => {
      const ref = `memory:${at}/${blobs.size}`;
      blobs.set(ref, bytes);
      return { ref, sha256: hashOf(bytes), size: bytes.length };
    };
    return {
      put(_kind, _key, bytes) {
        needFree();
        return keep(bytes);
      },
      open() {
        needFree();
        isWriting = true;
        const pieces: Uint8Array[] = [];
        return {
          write: async (piece) => void pieces.push(Uint8Array.from(piece)),
          async end() {
            isWriting = false;
            return keep(Buffer.concat(pieces));
          },
          async giveUp() {
            isWriting = false;
          },
        };
      },
      async *readBack({ ref }) {
        const bytes = blobs.get(ref);
        if (!bytes) throw syncError("BLOB_UNAVAILABLE", `Nothing was written as ${ref}`, { layer: "blobs" });
        for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.slice(from, from + pieceBytes);
      },
      note: (folder, entry) => void notes.push({ folder, entry }),
      async flush() {
        if (blobs.size === 0 && notes.length === 0) return;
        // Copied, as to a disk, and no sooner: whoever put it lets go of it after this.
        for (const [ref, bytes] of blobs) blobs.set(ref, Buffer.from(bytes));
        packs.set(at, { box, blobs, notes });
        index.set(box, [...(index.get(box) ?? []), ...notes]);
      },
      async discard() {
        packs.delete(at);
      },
    };
  }

  return {
    startBatch,
    async read(pointer) {
      const bytes = find(pointer);
      if (!bytes) throw syncError("BLOB_UNAVAILABLE", `Nothing is stored as ${pointer.ref}`, { layer: "blobs" });
      return bytes;
    },
    async indexed(mailbox) {
      const found = new Map<string, IndexedFolder>();
      for (const { folder } of index.get(mailboxId(mailbox)) ?? []) {
        const name = placeName(folder);
        if (!found.has(name)) found.set(name, folder);
      }
      return [...found.values()];
    },
    async *readIndex(mailbox, place) {
      for (const note of [...(index.get(mailboxId(mailbox)) ?? [])]) {
        if (placeName(note.folder) === placeName(place)) yield note.entry;
      }
    },
    async repairIndex(mailbox) {
      const box = mailboxId(mailbox);
      const notes = index.get(box) ?? [];
      const nameOf = ({ folder, entry }: Note): string => `${entry.uid} ${placeName(folder)}`;
      const known = new Set(notes.map(nameOf));
      const lost = [...packs.values()].filter((pack) => pack.box === box).flatMap((pack) => pack.notes);
      const restored = lost.filter((note) => !known.has(nameOf(note)) && known.add(nameOf(note)));
      index.set(box, [...notes, ...restored]);
      return restored.length;
    },
    async weigh(mailbox) {
      const own = [...packs.values()].filter((pack) => pack.box === mailboxId(mailbox));
      const blobs = own.flatMap((pack) => [...pack.blobs.values()]);
      return { files: own.length, bytes: blobs.reduce((sum, bytes) => sum + bytes.length, 0) };
    },
    async erase(mailbox) {
      const weight = await this.weigh(mailbox);
      for (const [at, { box }] of packs) if (box === mailboxId(mailbox)) packs.delete(at);
      index.delete(mailboxId(mailbox));
      return weight;
    },
    loseIndex: (mailbox) => void index.delete(mailboxId(mailbox)),
    isDurable: (pointer) => find(pointer) !== undefined,
    get packs() {
      return packs.size;
    },
  };
}

function placeName({ folder, generation, uidValidity }: MessagePlace): string {
  return `${generation} ${uidValidity} ${folder}`;
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
