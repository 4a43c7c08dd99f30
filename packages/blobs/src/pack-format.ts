import type { BlobKind } from "@mailfleet/core";

/**
 * A pack holds the blobs of one commit, one after the other, in one append-only file:
 *
 *     mailfleet-pack/1 LF
 *     {"kind":"raw","key":"…","size":5120,"sha256":"…"} LF   <- record head, JSON
 *     5120 bytes                                              <- what a pointer names
 *     LF
 *
 * so that a pack can be read without Redis, and by anything that reads lines and bytes.
 */
export const packMagic = "mailfleet-pack/1\n";

export interface RecordHead {
  readonly kind: BlobKind | "index";
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** Where a pack lies, below the store's root. */
export interface PackLocation {
  readonly tenant: string;
  readonly box: string;
  readonly period: string;
  readonly pack: string;
}

/** Where a blob lies: its pack, offset and length in bytes. */
export interface BlobLocation extends PackLocation {
  readonly offset: number;
  readonly length: number;
}

// Only hex, digits and a tenant alias ever reach the file system (T45, T63).
const refPattern = /^pack:([a-z0-9][a-z0-9-]{0,62})\/([0-9a-f]{32})\/(\d{6})\/([0-9a-f]{32})@(\d{1,15})\+(\d{1,15})$/;

/** What all references into one pack begin with. */
export function packRef({ tenant, box, period, pack }: PackLocation): string {
  return `pack:${tenant}/${box}/${period}/${pack}@`;
}

/** @param pack from {@link packRef} */
export function formatRef(pack: string, offset: number, length: number): string {
  return `${pack}${offset}+${length}`;
}

/** Undefined for anything {@link formatRef} does not write. */
export function parseRef(ref: string): BlobLocation | undefined {
  const match = refPattern.exec(ref);
  if (!match) return undefined;
  const [, tenant, box, period, pack, offset, length] = match as unknown as [string, string, string, string, string, string, string];
  return { tenant, box, period, pack, offset: Number(offset), length: Number(length) };
}

export function encodeHead({ kind, key, size, sha256 }: RecordHead): Buffer {
  return Buffer.from(`{"kind":"${kind}","key":${JSON.stringify(key)},"size":${size},"sha256":"${sha256}"}\n`);
}

/** Digits of the largest size that a reference can name. */
const sizeDigits = 15;
const noHash = "0".repeat(64);

/** Bytes that are kept free for the head of a blob whose size is not known yet. */
export function headRoom(kind: RecordHead["kind"], key: string): number {
  return encodeHead({ kind, key, size: 10 ** sizeDigits - 1, sha256: noHash }).length;
}

/** The head, with spaces up to the room kept for it: JSON allows them behind the closing brace. */
export function padHead(head: RecordHead): Buffer {
  const room = Buffer.alloc(headRoom(head.kind, head.key), " ");
  const bytes = encodeHead(head);
  bytes.copy(room, 0, 0, bytes.length - 1);
  room[room.length - 1] = 0x0a;
  return room;
}
