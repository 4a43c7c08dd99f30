import { maxUid } from "./uid-set.ts";

/**
 * The numbers that UIDLs were dealt where they are not numbers themselves: UID n belongs to the UIDL at n - 1. Grows only; kept with the
 * checkpoint, and written by the same commits.
 */
export interface UidlBook {
  /** In the order of dealing, which is the server's order, oldest first; "" for one that is forgotten. */
  readonly uidls: readonly string[];
}

/** What a spool's list means in UIDs. */
export interface DealtUidls {
  /** One for each UIDL of the list, in its order. */
  readonly uids: readonly number[];
  /** Undefined where every UIDL is its own number. */
  readonly book: UidlBook | undefined;
  readonly uidValidity: string;
}

/** A spool has no UIDVALIDITY; one stands for each way to number its messages, so that a change of the way is a reset. */
export const spoolUidValidity = { ownNumbers: "1", dealtNumbers: "2" } as const;

/**
 * Numbers for the UIDLs of a spool (RFC 1939 section 7: 1 to 70 characters from 0x21 to 0x7E, unique within the spool). Exchange's are
 * the decimal IMAP ids of the INBOX, and are kept as they are; a mailbox that holds or held one other, as items from before 2007 and
 * Dovecot's are, gets numbers in the order of its list.
 *
 * @param book what was dealt before
 */
export function dealUidls(book: UidlBook | undefined, listed: readonly string[]): DealtUidls {
  if (book === undefined) {
    const numbers = listed.map(ownNumber);
    if (numbers.every((number) => number !== undefined)) return { uids: numbers, book, uidValidity: spoolUidValidity.ownNumbers };
  }
  const known = new Map<string, number>();
  for (const [at, uidl] of (book?.uidls ?? []).entries()) if (uidl !== "") known.set(uidl, at + 1);
  const added: string[] = [];
  const dealt = book?.uidls.length ?? 0;
  const uids = listed.map((uidl) => {
    const before = known.get(uidl);
    if (before !== undefined) return before;
    added.push(uidl);
    known.set(uidl, dealt + added.length);
    return dealt + added.length;
  });
  const grown = book !== undefined && added.length === 0 ? book : { uidls: [...(book?.uidls ?? []), ...added] };
  return { uids, book: grown, uidValidity: spoolUidValidity.dealtNumbers };
}

/** The inverse for one UID; undefined for one that was not dealt or is forgotten. */
export function uidlOf(book: UidlBook | undefined, uid: number): string | undefined {
  if (book === undefined) return String(uid);
  const uidl = book.uidls[uid - 1];
  return uidl === "" ? undefined : uidl;
}

/** Written as this number is, and below the highest UID: UIDNEXT, one above, must be a UID as well. */
function ownNumber(uidl: string): number | undefined {
  if (!/^[1-9]\d{0,9}$/.test(uidl)) return undefined;
  const number = Number(uidl);
  return number < maxUid ? number : undefined;
}
