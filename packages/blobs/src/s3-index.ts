import type { Clock } from "@mailfleet/core";
import { writeFully } from "./disk.ts";
import {
  decodeEntry,
  decodeIndexRecord,
  decodeSegmentHead,
  encodeEntry,
  encodeSegmentHead,
  type IndexLine,
  indexTrailerBytes,
  longestRecordBytes,
  segmentName,
} from "./index-format.ts";
import type { Bucket } from "./s3-bucket.ts";
import { openScratch } from "./scratch-file.ts";

/**
 * What was noted of a mailbox's messages, in a bucket, where nothing is appended to. Each pack ends with the lines of its own messages, so
 * that noting costs no request. A reader that finds many packs writes their lines into one object, the summary; the next one reads
 * that, and the packs behind it. A summary is named by the last pack it holds, so that of several the last is the newest:
 *
 *     TENANT/BOX/202611/PACK.pack
 *     TENANT/BOX/index/202611-PACK.idx
 */
export interface IndexPlace {
  readonly bucket: Bucket;
  /** Key that everything of the mailbox begins with; ends with a slash. */
  readonly root: string;
  /** `pack:tenant/box/`, which its references begin with. */
  readonly home: string;
  readonly scratchDir: string;
  readonly clock: Clock;
}

/** So many packs are read one by one before a reader sums them up: two requests each. */
const sumAbove = 64;
/** A pack that is younger may have a neighbour that is named earlier and comes later. No batch is open for so long. */
const settledMs = 60 * 60_000;
/** Of each pack this much is read first: the lines of 300 messages. */
const endBytes = 64 * 1024;
/** Packs that are read at once. */
const readsAtOnce = 8;

/** Names that sort by time: 12 hex digits of the clock, 4 that count within a millisecond, 16 that are random. */
export function packNames(clock: Clock, uuid: () => string): () => string {
  let last = 0;
  let count = 0;
  return () => {
    const now = Math.max(last, clock.now());
    count = now === last ? count + 1 : 0;
    last = now;
    return now.toString(16).padStart(12, "0") + count.toString(16).padStart(4, "0").slice(-4) + uuid().replaceAll("-", "").slice(-16);
  };
}

/** In the order of noting. @throws SyncError BLOB_UNAVAILABLE */
export async function* readIndexLines(place: IndexPlace): AsyncGenerator<IndexLine, void, void> {
  let summary = await newestSummary(place);
  let packs = await packsBehind(place, summary?.upTo);
  if (packs.length > sumAbove && (await sumUp(place, summary, packs))) {
    summary = await newestSummary(place);
    packs = await packsBehind(place, summary?.upTo);
  }
  if (summary) yield* readSummary(place, summary);
  yield* readPacks(place, packs);
}

interface Summary {
  readonly key: string;
  readonly size: number;
  /** `202611/PACK`. */
  readonly upTo: string;
}

interface PackObject {
  readonly key: string;
  /** `202611/PACK`, which sorts as it was written. */
  readonly name: string;
}

async function newestSummary({ bucket, root }: IndexPlace): Promise<Summary | undefined> {
  let newest: Summary | undefined;
  for await (const { key, size } of bucket.list(`${root}index/`)) {
    const match = /^(\d{6})-([0-9a-f]{32})\.idx$/.exec(key.slice(root.length + 6));
    if (match) newest = { key, size, upTo: `${match[1]}/${match[2]}` };
  }
  return newest;
}

async function packsBehind({ bucket, root }: IndexPlace, upTo: string | undefined): Promise<PackObject[]> {
  const packs: PackObject[] = [];
  // Digits sort before letters, so `index/` comes last and is not reached.
  for await (const { key } of bucket.list(root, upTo === undefined ? undefined : `${root}${upTo}.pack`)) {
    const name = /^(\d{6}\/[0-9a-f]{32})\.pack$/.exec(key.slice(root.length))?.[1];
    if (name === undefined) break;
    packs.push({ key, name });
  }
  return packs;
}

async function* readSummary(place: IndexPlace, { key, size }: Summary): AsyncGenerator<IndexLine, void, void> {
  let head: ReturnType<typeof decodeSegmentHead>;
  for await (const line of linesOf(place.bucket.readRange(key, 0, size))) {
    const found = decodeSegmentHead(line);
    if (found) head = found;
    else {
      const entry = head && decodeEntry(line, place.home);
      if (head && entry) yield { folder: head, entry };
    }
  }
}

/** Packs without lines, of older versions or without messages, give none; a pack that was removed meanwhile neither. */
async function* readPacks(place: IndexPlace, packs: readonly PackObject[]): AsyncGenerator<IndexLine, void, void> {
  for (let at = 0; at < packs.length; at += readsAtOnce) {
    const records = await Promise.all(packs.slice(at, at + readsAtOnce).map(({ key }) => readRecord(place.bucket, key)));
    for (const record of records) if (record !== undefined) yield* decodeIndexRecord(record, place.home);
  }
}

/** The index record is the pack's last: its own length stands at its end, before the line feed that ends every record. */
async function readRecord(bucket: Bucket, key: string): Promise<string | undefined> {
  let end: { readonly bytes: Uint8Array; readonly size: number };
  try {
    end = await bucket.readEnd(key, endBytes);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  const bytes = Buffer.from(end.bytes.buffer, end.bytes.byteOffset, end.bytes.length);
  const match = /^(\d{16})\n\n$/.exec(bytes.subarray(-indexTrailerBytes - 1).toString("latin1"));
  const length = match ? Number(match[1]) : 0;
  if (length < indexTrailerBytes || length > Math.min(longestRecordBytes, end.size - 1)) return undefined;
  if (length < bytes.length) return bytes.subarray(bytes.length - 1 - length, bytes.length - 1 - indexTrailerBytes).toString("utf8");
  const pieces: Uint8Array[] = [];
  for await (const piece of bucket.readRange(key, end.size - 1 - length, length - indexTrailerBytes)) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

/** @returns whether there is a newer summary now */
async function sumUp(place: IndexPlace, before: Summary | undefined, packs: readonly PackObject[]): Promise<boolean> {
  const { bucket, clock, root } = place;
  const latest = packs.findLastIndex(({ name }) => isSettled(name, clock.now()));
  const settled = packs.slice(0, latest + 1);
  const last = settled.at(-1);
  if (last === undefined || settled.length <= sumAbove / 2) return false;
  const file = await openScratch(place.scratchDir);
  try {
    let size = 0;
    let text = "";
    let folder = "";
    const write = async (): Promise<void> => {
      const bytes = Buffer.from(text);
      text = "";
      if (bytes.length > 0) await writeFully(file, [bytes], size);
      size += bytes.length;
    };
    const take = async (line: IndexLine): Promise<void> => {
      const name = segmentName(line.folder);
      if (name !== folder) text += encodeSegmentHead(line.folder);
      folder = name;
      text += encodeEntry(line.entry, place.home);
      if (text.length > writeChars) await write();
    };
    if (before) for await (const line of readSummary(place, before)) await take(line);
    for await (const line of readPacks(place, settled)) await take(line);
    await write();
    const key = `${root}index/${last.name.replace("/", "-")}.idx`;
    await bucket.putLarge(key, size, async (into, at) => (await file.read(into, 0, into.length, at)).bytesRead);
    // The one before stays: somebody may be reading it.
    for await (const { key: old } of bucket.list(`${root}index/`)) if (old !== key && old !== before?.key) await bucket.remove(old);
    return true;
  } finally {
    await file.close();
  }
}

const writeChars = 256 * 1024;

/** Also false for names that tell no time, as a file store gives them: they may come before newer ones. */
function isSettled(name: string, now: number): boolean {
  const at = Number.parseInt(name.slice(7, 19), 16);
  return at > Date.UTC(2026, 0) && at <= now - settledMs;
}

function isGone(error: unknown): boolean {
  const code = (error as { readonly failure?: { readonly facts?: { readonly code?: string } } }).failure?.facts?.code;
  return code === "NoSuchKey" || code === "NotFound" || code === "InvalidRange";
}

async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
