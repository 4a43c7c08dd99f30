import type { MessagePlace } from "./ids.ts";
import { countUids, maxUid, nthUid, type UidSet } from "./uid-set.ts";
import { digestMark, hashUidl } from "./uidl-hash.ts";

/**
 * The numbers that UIDLs were dealt where they are not numbers themselves: UID n belongs to the entry at n - 1. Grows only; kept with the
 * checkpoint, and written by the same commits.
 */
export interface UidlBook {
  /**
   * In the order of dealing, which is the server's order, oldest first: the UIDL itself; "" for one that is forgotten; a digest in its
   * place where a checkpoint had no room for the text (see uidl-codec.ts).
   */
  readonly uidls: readonly string[];
}

/** What is known of a spool before it is opened. */
export interface SpoolKnown {
  /** What was dealt before; undefined where UIDLs are numbers themselves, and for a spool that is new. */
  readonly uidls: UidlBook | undefined;
  /** The highest UID that was ever seen, and how many messages there should be now: what is still so need not be listed again. */
  readonly newest: number;
  readonly messages: number;
  /** The UIDs at the two ends of the list, where the newest is at neither. */
  readonly ends?: readonly [first: number, last: number];
}

/** What a spool's list means in UIDs. */
export interface DealtUidls {
  /** One for each UIDL of the list, in its order; no two are the same. */
  readonly uids: readonly number[];
  /** Undefined where every UIDL is its own number. */
  readonly book: UidlBook | undefined;
  readonly uidValidity: string;
}

/**
 * A spool has no UIDVALIDITY; one stands for each way to number its messages, so that a change of the way is a reset. No server's own can
 * be one of these: they are no digits. A UIDVALIDITY of 1 or 14 is one that Exchange has given.
 */
export const spoolUidValidity = { ownNumbers: "uidl", dealtNumbers: "dealt" } as const;

/** Whether a status, a checkpoint or a place is of a mailbox that is, or was, read as a spool. */
export function isOfSpool({ uidValidity }: { readonly uidValidity: string }): boolean {
  return uidValidity === spoolUidValidity.ownNumbers || uidValidity === spoolUidValidity.dealtNumbers;
}

/** Between a UIDL that a list repeats and which repetition it is: no UIDL holds it. */
const repeatMark = "\u0001";

/**
 * Numbers for the UIDLs of a spool (RFC 1939 section 7: 1 to 70 characters from 0x21 to 0x7E, unique within the spool). Exchange's are
 * the decimal IMAP ids of the INBOX, and are kept as they are; a mailbox that holds or held one other, as items from before 2007 and
 * Dovecot's are, gets numbers in the order of its list. A list that shows what is new first is taken for one that begins with the newest
 * (a setting of Exchange's). A UIDL that the list repeats names as many messages: each gets a number of its own.
 *
 * @param book what was dealt before
 */
export function dealUidls(book: UidlBook | undefined, listed: readonly string[]): DealtUidls {
  if (book === undefined) {
    const numbers = ownNumbers(listed);
    if (numbers !== undefined) return { uids: numbers, book, uidValidity: spoolUidValidity.ownNumbers };
  }
  const before = book?.uidls ?? [];
  // Nearly always the list begins as the book does, and no two of that are the same.
  let same = 0;
  while (same < listed.length && listed[same] === before[same]) same++;
  const names = same === listed.length ? listed : withoutRepeats(listed);
  const uids = knownNumbers(before, names, same);
  const added = deal(uids, names, before.length, isNewestFirst(uids, listed));
  return { uids, book: withAll(book, uids, names, added), uidValidity: spoolUidValidity.dealtNumbers };
}

/** The inverse for one UID; undefined for one that was not dealt, is forgotten, or of which only a digest is kept and no list was seen. */
export function uidlOf(book: UidlBook | undefined, uid: number): string | undefined {
  if (book === undefined) return String(uid);
  const entry = book.uidls[uid - 1];
  if (entry === undefined || entry === "" || entry.startsWith(digestMark)) return undefined;
  const repeat = entry.indexOf(repeatMark);
  return repeat === -1 ? entry : entry.slice(0, repeat);
}

/** So many are forgotten together: each time the whole book is written anew. */
const forgottenAtOnce = 1_000;

/**
 * A book that forgets the oldest of many removed messages: a mailbox that is emptied every day would else remember all it ever held. One
 * that comes back after that is taken for a new message. The same book where nothing is to be forgotten.
 *
 * @param removed UIDs of messages that were told as removed
 * @param kept how many of them are remembered at least
 */
export function forgetRemoved(book: UidlBook, removed: UidSet, kept: number): UidlBook {
  const count = Math.floor((countUids(removed) - kept) / forgottenAtOnce) * forgottenAtOnce;
  if (count <= 0) return book;
  const last = nthUid(removed, count);
  if (book.uidls[last - 1] === "") return book;
  const uidls = [...book.uidls];
  for (const [low, high] of removed) for (let uid = low; uid <= Math.min(high, last); uid++) if (uid <= uidls.length) uidls[uid - 1] = "";
  return { uidls };
}

/** Whether a UIDL is the one of a UID, also where only a digest of it is kept: for asking the server about one message. */
export function isUidlOf(book: UidlBook | undefined, uid: number, uidl: string): boolean {
  const known = uidlOf(book, uid);
  return known === undefined ? book?.uidls[uid - 1] === hashUidl(uidl) : known === uidl;
}

/** The UID of a UIDL; undefined for one that would be dealt a number now. For few: a list is {@link dealUidls}'. */
export function uidOfUidl(book: UidlBook | undefined, uidl: string): number | undefined {
  if (book === undefined) return ownNumber(uidl);
  const at = book.uidls.indexOf(uidl);
  const uid = (at === -1 ? book.uidls.indexOf(hashUidl(uidl)) : at) + 1;
  return uid === 0 ? undefined : uid;
}

/** What an event says of where its message is, beside its key: on a server with UIDs these, on a spool the UIDL, as far as it is known. */
export function nameInPlace(
  place: Pick<MessagePlace, "uidValidity">,
  uid: number,
  book: UidlBook | undefined,
): { readonly uid: number; readonly uidValidity: string } | { readonly uidl?: string } {
  if (!isOfSpool(place)) return { uid, uidValidity: place.uidValidity };
  // What an earlier way of numbering dealt is known no more; its own numbers are.
  const uidl = place.uidValidity === spoolUidValidity.ownNumbers ? String(uid) : book && uidlOf(book, uid);
  return uidl === undefined ? {} : { uidl };
}

/** The number that a UIDL is written as; undefined for any other. Below the highest UID: UIDNEXT, one above, must be a UID as well. */
export function ownNumber(uidl: string): number | undefined {
  if (!/^[1-9]\d{0,9}$/.test(uidl)) return undefined;
  const number = Number(uidl);
  return number < maxUid ? number : undefined;
}

/** Undefined unless each is a number and none is there twice. */
function ownNumbers(listed: readonly string[]): readonly number[] | undefined {
  const numbers: number[] = [];
  let isRising = true;
  for (const uidl of listed) {
    const number = ownNumber(uidl);
    if (number === undefined) return undefined;
    isRising &&= number > (numbers.at(-1) ?? 0);
    numbers.push(number);
  }
  return isRising || new Set(numbers).size === numbers.length ? numbers : undefined;
}

/** The list itself, nearly always. */
function withoutRepeats(listed: readonly string[]): readonly string[] {
  if (new Set(listed).size === listed.length) return listed;
  const seen = new Map<string, number>();
  return listed.map((uidl) => {
    const times = (seen.get(uidl) ?? 0) + 1;
    seen.set(uidl, times);
    return times === 1 ? uidl : `${uidl}${repeatMark}${times}`;
  });
}

/** The numbers of those that were dealt before; 0 for the others. */
function knownNumbers(before: readonly string[], names: readonly string[], same: number): number[] {
  const uids = names.map((_, at) => (at < same ? at + 1 : 0));
  if (same === names.length || same === before.length) return uids;
  const byName = new Map<string, number>();
  const byDigest = new Map<string, number>();
  for (let entry = same; entry < before.length; entry++) {
    const name = before[entry] as string;
    if (name !== "") (name.startsWith(digestMark) ? byDigest : byName).set(name, entry + 1);
  }
  if (byName.size > 0) for (let at = same; at < names.length; at++) uids[at] = byName.get(names[at] as string) ?? 0;
  if (byDigest.size > 0) findByDigest(byDigest, names, uids, before.length);
  return uids;
}

/** Two of one list with the same digest are both taken for new: one that is handed off again is better than one that never is. */
function findByDigest(byDigest: ReadonlyMap<string, number>, names: readonly string[], uids: number[], dealt: number): void {
  /** By UID: the place in the list that has it, from 1. */
  const takenBy = new Uint32Array(dealt + 1);
  for (let at = 0; at < names.length; at++) {
    const uid = uids[at] === 0 ? byDigest.get(hashUidl(names[at] as string)) : undefined;
    if (uid === undefined) continue;
    const other = takenBy[uid] as number;
    if (other === 0) {
      takenBy[uid] = at + 1;
      uids[at] = uid;
    } else uids[other - 1] = 0;
  }
}

function isNewestFirst(uids: readonly number[], listed: readonly string[]): boolean {
  const first = uids.findIndex((uid) => uid !== 0);
  if (first !== -1) return uids[0] === 0 && uids.at(-1) !== 0;
  // Nothing is known: those that are numbers tell.
  const numbers = listed.map(ownNumber).filter((number) => number !== undefined);
  return numbers.length > 1 && numbers.every((number, at) => at === 0 || number < (numbers[at - 1] as number));
}

/** @returns the names that were added, in the order of their numbers */
function deal(uids: number[], names: readonly string[], dealt: number, isReversed: boolean): readonly string[] {
  const added: string[] = [];
  for (let step = 0; step < uids.length; step++) {
    const at = isReversed ? uids.length - 1 - step : step;
    if (uids[at] !== 0) continue;
    added.push(names[at] as string);
    uids[at] = dealt + added.length;
  }
  return added;
}

/** The same book where nothing is added and nothing is learned. */
function withAll(book: UidlBook | undefined, uids: readonly number[], names: readonly string[], added: readonly string[]): UidlBook {
  const before = book?.uidls ?? [];
  let grown: string[] | undefined = added.length > 0 || book === undefined ? [...before, ...added] : undefined;
  for (let at = 0; at < uids.length; at++) {
    const place = (uids[at] as number) - 1;
    // Places that are not there are looked for long: of a list that is all new each is one.
    if (place >= before.length || !(before[place] as string).startsWith(digestMark)) continue;
    grown ??= [...before];
    grown[place] = names[at] as string;
  }
  return grown === undefined ? (book as UidlBook) : { uidls: grown };
}
