import { latin1, walkHeaderLines } from "./header-lines.ts";
import { hasUid, type UidSet } from "./uid-set.ts";
import type { QuarantineCode } from "./event.ts";
import type { BlobPointer } from "./event.ts";

/**
 * The header fields that tell a message from another whatever its UID: what FETCH asks for after a reset, a few hundred bytes.
 * Not `Received` (a kilobyte or more), nothing that Exchange makes anew when it renders a message (boundaries, encodings).
 */
export const fingerprintFields = ["Message-ID", "Date", "From", "Subject"] as const;

/** How much of a raw message is searched for its header's end. */
export const fingerprintScanBytes = 64 * 1024;
/** Longer ids are cut: RFC 5322 lines end at 998. */
const maxMessageIdLength = 998;

/** What is remembered of a message beside the blobs, to know it again under another UID and to hand it off again without the server. */
export interface IndexEntry {
  readonly uid: number;
  /** Epoch ms. */
  readonly internalDate?: number;
  /** RFC822.SIZE as the server estimated it; 0 when it did not say. */
  readonly size: number;
  /** As in the header, cut at 998 characters. */
  readonly messageId?: string;
  /** Of the fingerprint's text. */
  readonly digest: string;
  readonly flags: readonly string[];
  /** Absent when the server never delivered the bytes. */
  readonly raw?: BlobPointer;
  readonly quarantine?: QuarantineCode;
}

/** A message as the header batch of a resync shows it. */
export interface SeenMessage {
  readonly uid: number;
  readonly internalDate?: number;
  readonly size: number;
  readonly messageId?: string;
  readonly digest: string;
  /** Its header has none of the fields. */
  readonly isBare?: true;
}

/** An old message, in the order of `previous` of the checkpoint. */
export interface KnownMessage {
  /** Index into the checkpoint's `previous`. */
  readonly generationAt: number;
  readonly entry: IndexEntry;
}

export interface Fingerprint {
  readonly messageId?: string;
  /** Canonical: white space folded, so that another rendering of the same header reads the same. */
  readonly text: string;
}

/** What is to be known of a message's bytes besides what they say, found by who reads them anyway. */
export interface RawFacts {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly fingerprint: Fingerprint;
  /** As `isPlaceholder` tells. */
  readonly isPlaceholder: boolean;
}

/** From raw bytes, or from the answer to a fetch of {@link fingerprintFields}; the first field of each name counts. */
export function fingerprintOf(bytes: Uint8Array): Fingerprint {
  const values: (string | undefined)[] = [];
  let place: number | undefined;
  let value = "";
  const keep = (): void => {
    if (place !== undefined) values[place] ??= value;
    place = undefined;
  };
  walkHeaderLines(bytes, fingerprintScanBytes, (from, stop) => {
    const first = bytes[from] as number;
    if (first === space || first === tab) {
      if (place !== undefined) value += ` ${latin1(bytes, from, stop)}`;
      return false;
    }
    keep();
    if (wantedLetters[first] !== 1) return false;
    const line = latin1(bytes, from, stop);
    const colon = line.indexOf(":");
    place = colon > 0 ? fingerprintPlace(line.slice(0, colon)) : undefined;
    value = line.slice(colon + 1);
    return false;
  });
  keep();
  return fingerprintOfValues(values);
}

/** Where a field stands in {@link fingerprintFields}, by its name as written; undefined for any other field. */
export function fingerprintPlace(name: string): number | undefined {
  return places.get(name.trimEnd().toLowerCase());
}

/**
 * {@link fingerprintOf} a header that was split before, at most {@link fingerprintScanBytes} long.
 * @param values of the first field of each name, by its place; bytes as Latin-1, folding included
 */
export function fingerprintOfValues(values: readonly (string | undefined)[]): Fingerprint {
  const [id = "", date = "", from = "", subject = ""] = fingerprintFields.map((_, place) => canonical(values[place] ?? ""));
  const messageId = id.slice(0, maxMessageIdLength);
  return { ...(messageId !== "" && { messageId }), text: `${id}\n${date}\n${from}\n${subject}` };
}

/** What folding leaves behind, and what else is more than a single space. */
const unevenSpace = /[^\S ]|\0| {2}/;

function canonical(value: string): string {
  return (unevenSpace.test(value) ? value.replace(/[\s\0]+/g, " ") : value).trim();
}

const [space, tab] = [32, 9];
/** 1 at the first letters of the fields, in both cases. */
const wantedLetters = new Uint8Array(256);
for (const field of fingerprintFields) for (const letter of [field.toLowerCase(), field]) wantedLetters[letter.charCodeAt(0)] = 1;
const places: ReadonlyMap<string, number> = new Map(fingerprintFields.map((field, place) => [field.toLowerCase(), place]));

/** Old messages by fingerprint, each given out once: two equal copies are found again as two. */
export class KnownMessages {
  readonly #byDigest = new Map<string, KnownMessage[]>();

  add(known: KnownMessage): void {
    const list = this.#byDigest.get(known.entry.digest);
    if (list) list.push(known);
    else this.#byDigest.set(known.entry.digest, [known]);
  }

  /**
   * The old message that this is, taken out; undefined for one that was never handed off. Message-ID, INTERNALDATE and header must
   * agree. After a migration that did not keep INTERNALDATE the size must agree in its place, and the candidate must be the only one.
   * Where one side has no date, as a spool has none, see {@link undated}.
   *
   * @param numberBefore the number that the message had there, if the way of numbering stayed
   */
  take(seen: SeenMessage, numberBefore: (known: KnownMessage) => number | undefined = () => undefined): KnownMessage | undefined {
    const list = (this.#byDigest.get(seen.digest) ?? []).filter(({ entry }) => entry.messageId === seen.messageId);
    const exact = list.find(({ entry }) => entry.internalDate !== undefined && sameSecond(entry.internalDate, seen.internalDate));
    if (exact) return this.#remove(seen.digest, exact);
    const without = list.filter(({ entry }) => entry.internalDate === undefined || seen.internalDate === undefined);
    const same = without.find((known) => known.entry.uid === numberBefore(known)) ?? undated(seen, without);
    if (same) return this.#remove(seen.digest, same);
    const [only, another] = list;
    const isSure =
      only !== undefined && another === undefined && seen.messageId !== undefined && only.entry.size === seen.size && seen.size > 0;
    return isSure ? this.#remove(seen.digest, only) : undefined;
  }

  /** As {@link take}, of those that were told as removed: a copy that was only delivered again must not pass for one of them. */
  takeSure(seen: SeenMessage): KnownMessage | undefined {
    if (seen.isBare === true) return undefined;
    const found = this.#byDigest.get(seen.digest)?.find(({ entry: { messageId, internalDate, size } }) => {
      if (messageId !== seen.messageId) return false;
      if (internalDate !== undefined && seen.internalDate !== undefined) return sameSecond(internalDate, seen.internalDate);
      return size > 0 && size === seen.size;
    });
    return found && this.#remove(seen.digest, found);
  }

  #remove(digest: string, known: KnownMessage): KnownMessage {
    const rest = (this.#byDigest.get(digest) ?? []).filter((one) => one !== known);
    if (rest.length > 0) this.#byDigest.set(digest, rest);
    else this.#byDigest.delete(digest);
    return known;
  }
}

/**
 * Among messages with this header the one that it is, without a date to tell them apart: one of the same size; else the only one; else one
 * of several that are alike, or the nearest in size, so that as many copies are found again as there were. A header that says nothing at
 * all is many messages': then the size must agree.
 */
function undated(seen: SeenMessage, list: readonly KnownMessage[]): KnownMessage | undefined {
  const equal = list.find(({ entry }) => entry.size === seen.size && seen.size > 0);
  if (equal !== undefined || seen.isBare === true) return equal;
  const away = ({ entry }: KnownMessage): number => Math.abs(entry.size - seen.size);
  return list.reduce<KnownMessage | undefined>((best, one) => (best === undefined || away(one) < away(best) ? one : best), undefined);
}

/** IMAP's INTERNALDATE has no fractions. */
function sameSecond(a: number, b: number | undefined): boolean {
  return b !== undefined && Math.floor(a / 1_000) === Math.floor(b / 1_000);
}

/** Whether an entry is still to be found again. */
export function isLeft(left: UidSet, entry: IndexEntry): boolean {
  return hasUid(left, entry.uid);
}
