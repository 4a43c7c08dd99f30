import { constants } from "node:fs";
import { mkdir, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { IndexedFolder, IndexEntry, MessagePlace } from "@mailfleet/core";
import {
  decodeEntry,
  decodeIndexRecord,
  decodeSegmentHead,
  encodeSegmentHead,
  indexTrailerBytes,
  type IndexLine,
  type IndexPart,
  isSegmentName,
  longestRecordBytes,
  segmentName,
} from "./index-format.ts";

/** Where one mailbox's blobs lie. */
export interface MailboxPlace {
  /** Folder on disk. */
  readonly path: string;
  /** `pack:tenant/box/`, which its references begin with. */
  readonly home: string;
}

const folderName = "index";

/** Appends to the segments. Not synced: the packs, which are, hold the same lines (see `repairIndex`). */
export async function appendIndex(place: MailboxPlace, parts: readonly IndexPart[]): Promise<void> {
  for (const { folder, text } of parts) {
    const path = join(place.path, folderName, segmentName(folder));
    const flags = constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY | constants.O_NOFOLLOW;
    const file = await open(path, flags, 0o600).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      await mkdir(join(place.path, folderName), { recursive: true, mode: 0o700 });
      return open(path, flags, 0o600);
    });
    try {
      const { size } = await file.stat();
      // A line of its own whatever a process that died left of the one before.
      await file.appendFile(size === 0 ? encodeSegmentHead(folder) + text : `\n${text}`);
    } finally {
      await file.close();
    }
  }
}

export async function listSegments(place: MailboxPlace): Promise<IndexedFolder[]> {
  const names = await readdir(join(place.path, folderName)).catch(noneIfMissing);
  const found: IndexedFolder[] = [];
  for (const name of names.filter(isSegmentName)) {
    const file = await open(join(place.path, folderName, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      for await (const line of file.readLines({ autoClose: false })) {
        const head = decodeSegmentHead(line);
        if (head) found.push(head);
        break;
      }
    } finally {
      await file.close();
    }
  }
  return found;
}

export async function* readSegment(place: MailboxPlace, messages: MessagePlace): AsyncGenerator<IndexEntry, void, void> {
  const path = join(place.path, folderName, segmentName(messages));
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return;
  try {
    for await (const line of file.readLines({ autoClose: false })) {
      const entry = decodeEntry(line, place.home);
      if (entry) yield entry;
    }
  } finally {
    await file.close();
  }
}

/** The lines at the end of each pack of the mailbox, oldest first. Packs without any, of older versions, give none. */
export async function* readPackIndexes(place: MailboxPlace): AsyncGenerator<IndexLine, void, void> {
  const periods = (await readdir(place.path).catch(noneIfMissing)).filter((name) => /^\d{6}$/.test(name)).sort();
  for (const period of periods) {
    const names = (await readdir(join(place.path, period)).catch(noneIfMissing)).filter((one) => one.endsWith(".pack"));
    const paths = names.map((name) => join(place.path, period, name));
    const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
    for (const { path } of dated.sort((a, b) => a.at - b.at)) {
      const text = await readRecord(path);
      if (text !== undefined) yield* decodeIndexRecord(text, place.home);
    }
  }
}

/** The index record is the pack's last: its own length stands at its end, before the line feed that ends every record. */
async function readRecord(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    const trailer = Buffer.alloc(indexTrailerBytes);
    const trailerAt = size - 1 - indexTrailerBytes;
    if (trailerAt < 0) return undefined;
    await file.read(trailer, 0, indexTrailerBytes, trailerAt);
    const match = /^(\d{16})\n$/.exec(trailer.toString("latin1"));
    const length = match ? Number(match[1]) : 0;
    if (length < indexTrailerBytes || length > Math.min(longestRecordBytes, size - 1)) return undefined;
    const record = Buffer.alloc(length - indexTrailerBytes);
    await file.read(record, 0, record.length, size - 1 - length);
    return record.toString("utf8");
  } finally {
    await file.close();
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
