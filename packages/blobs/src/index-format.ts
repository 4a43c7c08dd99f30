import { hash } from "node:crypto";
import {
  type FolderRole,
  type IndexedFolder,
  type IndexEntry,
  type MessagePlace,
  type QuarantineCode,
  quarantineCodes,
} from "@mailfleet/core";

/**
 * What is remembered of each message beside the blobs: a segment for each folder and generation, lines of JSON that are only ever
 * appended; the last line of a UID counts.
 *
 *     {"mailfleet-index":1,"folder":"INBOX","role":"inbox","generation":1,"uidValidity":"14"}
 *     [uid, INTERNALDATE in s or null, size, digest, flags, ref, sha256 in base64url, bytes, Message-ID or null, quarantine code or absent]
 *
 * about 220 bytes a message. Each pack ends with the same lines for its own messages, so that a segment can be made again.
 */
export interface IndexLine {
  readonly folder: IndexedFolder;
  readonly entry: IndexEntry;
}

const roles = new Set<string>(["inbox", "sent", "drafts", "trash", "junk", "archive"] satisfies FolderRole[]);
const codes = new Set<string>(quarantineCodes);

export function segmentName({ folder, generation, uidValidity }: MessagePlace): string {
  return `${hash("sha256", `${uidValidity}\n${folder}`, "hex").slice(0, 32)}-${generation}.seg`;
}

/** Whether lines of both go into one segment. For each line, asking for its name would hash its folder's. */
function isSamePlace(one: MessagePlace, other: MessagePlace): boolean {
  return one.folder === other.folder && one.generation === other.generation && one.uidValidity === other.uidValidity;
}

export function isSegmentName(name: string): boolean {
  return /^[0-9a-f]{32}-\d{1,15}\.seg$/.test(name);
}

export function encodeSegmentHead({ folder, role, generation, uidValidity }: IndexedFolder): string {
  return `${JSON.stringify({ "mailfleet-index": 1, folder, ...(role !== undefined && { role }), generation, uidValidity })}\n`;
}

/** Undefined for any other line. */
export function decodeSegmentHead(line: string): IndexedFolder | undefined {
  const raw = parse(line);
  if (typeof raw !== "object" || raw === null) return undefined;
  const { "mailfleet-index": version, folder, role, generation, uidValidity } = raw as Record<string, unknown>;
  if (version !== 1 || typeof folder !== "string" || typeof uidValidity !== "string" || !isCount(generation)) return undefined;
  return { folder, generation, uidValidity, ...(typeof role === "string" && roles.has(role) && { role: role as FolderRole }) };
}

/** @param home what all references of this mailbox begin with, left out where it fits */
export function encodeEntry(entry: IndexEntry, home: string): string {
  const { uid, internalDate, size, digest, flags, raw, messageId, quarantine } = entry;
  const fields: unknown[] = [
    uid,
    internalDate === undefined ? null : Math.floor(internalDate / 1_000),
    size,
    digest,
    flags,
    raw === undefined ? null : raw.ref.startsWith(home) ? raw.ref.slice(home.length) : raw.ref,
    raw === undefined ? null : Buffer.from(raw.sha256, "hex").toString("base64url"),
    raw?.size ?? 0,
    messageId ?? null,
  ];
  if (quarantine !== undefined) fields.push(quarantine);
  return `${JSON.stringify(fields)}\n`;
}

/** Undefined for a line that is torn or of another version. */
export function decodeEntry(line: string, home: string): IndexEntry | undefined {
  const raw = parse(line);
  if (!Array.isArray(raw)) return undefined;
  const [uid, date, size, digest, flags, ref, sha256, bytes, messageId, quarantine] = raw as unknown[];
  if (!isCount(uid) || !isCount(size) || !isCount(bytes) || typeof digest !== "string" || !isTexts(flags)) return undefined;
  const isQuarantined = typeof quarantine === "string" && codes.has(quarantine);
  return {
    uid,
    size,
    digest,
    flags,
    ...(typeof date === "number" && { internalDate: date * 1_000 }),
    ...(typeof messageId === "string" && { messageId }),
    ...(typeof ref === "string" &&
      typeof sha256 === "string" && {
        raw: { ref: ref.startsWith("pack:") ? ref : home + ref, sha256: Buffer.from(sha256, "base64url").toString("hex"), size: bytes },
      }),
    ...(isQuarantined && { quarantine: quarantine as QuarantineCode }),
  };
}

/** Lines of one folder, written. */
export interface IndexPart {
  readonly folder: IndexedFolder;
  readonly text: string;
}

/** What is noted goes into a pack and into segments: it is written once for both. */
export function encodeParts(lines: readonly IndexLine[], home: string): readonly IndexPart[] {
  const parts: { readonly folder: IndexedFolder; text: string }[] = [];
  for (const { folder, entry } of lines) {
    let part = parts.findLast((one) => isSamePlace(one.folder, folder));
    if (part === undefined) parts.push((part = { folder, text: "" }));
    part.text += encodeEntry(entry, home);
  }
  return parts;
}

/** The lines of a pack's index record, folder by folder; the record ends with its own length in 16 digits, to be found from the file's end. */
export function encodeIndexRecord(parts: readonly IndexPart[]): Buffer {
  const body = Buffer.from(parts.map(({ folder, text }) => encodeSegmentHead(folder) + text).join(""));
  return Buffer.concat([body, Buffer.from(`${String(body.length + indexTrailerBytes).padStart(16, "0")}\n`)]);
}

export const indexTrailerBytes = 17;
/** No index of a commit is larger: 1,000 messages of 300 bytes, ten times over. */
export const longestRecordBytes = 4 * 1024 * 1024;

export function decodeIndexRecord(text: string, home: string): IndexLine[] {
  const lines: IndexLine[] = [];
  let folder: IndexedFolder | undefined;
  for (const line of text.split("\n")) {
    const head = decodeSegmentHead(line);
    if (head) {
      folder = head;
      continue;
    }
    const entry = folder && decodeEntry(line, home);
    if (folder && entry) lines.push({ folder, entry });
  }
  return lines;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
