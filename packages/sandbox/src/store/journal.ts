import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writevSync } from "node:fs";
import { crc32 } from "node:zlib";

/** One change after the start of the world. Bytes of a message stand behind its entry in the file. */
export type JournalEntry =
  | {
      readonly type: "deliver";
      readonly address: string;
      readonly folder: string;
      readonly uid: number;
      readonly flags: number;
      readonly internalDate: number;
      readonly trickle?: true;
    }
  | {
      readonly type: "plant";
      readonly address: string;
      readonly folder: string;
      readonly uid: number;
      readonly flags: number;
      readonly internalDate: number;
    }
  | { readonly type: "flags"; readonly address: string; readonly folder: string; readonly uid: number; readonly flags: number }
  | { readonly type: "expunge" | "restore"; readonly address: string; readonly folder: string; readonly uids: readonly number[] }
  | { readonly type: "reset"; readonly address: string; readonly folder: string; readonly uidValidity: number }
  | { readonly type: "create" | "delete"; readonly address: string; readonly folder: string; readonly uidValidity: number }
  | { readonly type: "rename"; readonly address: string; readonly folder: string; readonly to: string };

/** Where a delivered message's bytes stand in the journal's file. */
export interface BodyPlace {
  readonly offset: number;
  readonly length: number;
}

/** Two lengths and a checksum before each record: entry bytes, body bytes, CRC-32 of both. */
const headBytes = 12;
const maxEntryBytes = 16 * 1024 * 1024;

/**
 * Append-only file of changes. A record is whole or it is not there: a torn last one (killed while writing, disk full) is cut off at the next
 * opening. No fsync: it has to outlive the process, not the machine.
 */
export class Journal {
  readonly #fd: number;
  #end: number;

  private constructor(fd: number, end: number) {
    this.#fd = fd;
    this.#end = end;
  }

  /** Reads every whole record in order, then stands ready to append. */
  static open(path: string, replay: (entry: JournalEntry, body: BodyPlace) => void): Journal {
    const fd = openSync(path, "a+", 0o600);
    const size = fstatSync(fd).size;
    let at = 0;
    const head = Buffer.alloc(headBytes);
    while (at + headBytes <= size) {
      readAt(fd, head, at);
      const entryLength = head.readUInt32LE(0);
      const bodyLength = head.readUInt32LE(4);
      const end = at + headBytes + entryLength + bodyLength;
      // Zeros are what some file systems leave behind after a crash; their checksum would be right.
      if (entryLength === 0 || entryLength > maxEntryBytes || end > size) break;
      const record = Buffer.alloc(entryLength + bodyLength);
      readAt(fd, record, at + headBytes);
      if (crc32(record) !== head.readUInt32LE(8)) break;
      const entry = JSON.parse(record.toString("utf8", 0, entryLength)) as JournalEntry;
      replay(entry, { offset: at + headBytes + entryLength, length: bodyLength });
      at = end;
    }
    if (at < size) ftruncateSync(fd, at);
    return new Journal(fd, at);
  }

  /** @throws the system's error, with nothing of the record left behind */
  append(entry: JournalEntry, body: Buffer = noBytes): BodyPlace {
    const text = Buffer.from(JSON.stringify(entry));
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(text.length, 0);
    head.writeUInt32LE(body.length, 4);
    head.writeUInt32LE(crc32(body, crc32(text)), 8);
    const total = headBytes + text.length + body.length;
    let written = 0;
    try {
      written = writevSync(this.#fd, body.length > 0 ? [head, text, body] : [head, text]);
    } finally {
      if (written !== total) ftruncateSync(this.#fd, this.#end);
    }
    if (written !== total) throw new Error("the sandbox could not write its journal whole: the disk may be full");
    const place = { offset: this.#end + headBytes + text.length, length: body.length };
    this.#end += total;
    return place;
  }

  read(place: BodyPlace): Buffer {
    const body = Buffer.alloc(place.length);
    readAt(this.#fd, body, place.offset);
    return body;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const noBytes = Buffer.alloc(0);

function readAt(fd: number, into: Buffer, position: number): void {
  let at = 0;
  while (at < into.length) {
    const read = readSync(fd, into, at, into.length - at, position + at);
    if (read === 0) throw new Error("the sandbox's journal ended early");
    at += read;
  }
}
