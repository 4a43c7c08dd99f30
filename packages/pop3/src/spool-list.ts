import { dealUidls, uidlOf, type FolderStatus, type SpoolKnown, spoolUidValidity, type UidlBook } from "@mailfleet/core";

/** One message of a session's list. */
export interface SpoolRow {
  /** 1 is the first of this session. */
  readonly number: number;
  readonly uidl: string;
}

/** A session's list in UIDs. Numbers are good for this session alone, UIDs for ever. */
export class SpoolList {
  readonly status: FolderStatus;
  /** Ascending. */
  readonly uids: readonly number[];
  readonly #numbers: ReadonlyMap<number, number>;
  #uidsByNumber: ReadonlyMap<number, number> | undefined;

  /** @param rows as the server lists them, which need not be oldest first */
  constructor(rows: readonly SpoolRow[], before: UidlBook | undefined) {
    const ordered = isNewestFirst(rows, before) ? rows.toReversed() : rows;
    const { uids, book, uidValidity } = dealUidls(
      before,
      ordered.map(({ uidl }) => uidl),
    );
    this.#numbers = new Map(ordered.map(({ number }, at) => [uids[at] ?? 0, number]));
    this.uids = uids.toSorted((a, b) => a - b);
    const uidNext = (this.uids.at(-1) ?? 0) + 1;
    this.status = { messages: rows.length, uidNext, uidValidity, ...(book !== undefined && { uidls: book }) };
  }

  numberOf(uid: number): number | undefined {
    return this.#numbers.get(uid);
  }

  /** Those of the UIDs that are in the list, each once, in the given order. */
  pick(uids: readonly number[]): readonly { readonly uid: number; readonly number: number }[] {
    return [...new Set(uids)].flatMap((uid) => {
      const number = this.#numbers.get(uid);
      return number === undefined ? [] : [{ uid, number }];
    });
  }

  uidOf(number: number): number | undefined {
    this.#uidsByNumber ??= new Map([...this.#numbers].map(([uid, of]) => [of, uid]));
    return this.#uidsByNumber.get(number);
  }
}

/**
 * Whether a list runs from the newest to the oldest, as Exchange on premises can be told to: by UIDLs that are numbers, or by what was
 * dealt before. New messages are dealt their numbers in the order in which they came.
 */
function isNewestFirst(rows: readonly SpoolRow[], before: UidlBook | undefined): boolean {
  const first = rows.at(0);
  const last = rows.at(-1);
  if (first === undefined || last === undefined || first === last) return false;
  if (isDecimal(first.uidl) && isDecimal(last.uidl)) return BigInt(first.uidl) > BigInt(last.uidl);
  if (before === undefined) return false;
  const dealt = new Map(before.uidls.map((uidl, at) => [uidl, at]));
  const known = rows.flatMap(({ uidl }) => dealt.get(uidl) ?? []);
  return known.length > 1 && (known.at(0) ?? 0) > (known.at(-1) ?? 0);
}

function isDecimal(uidl: string): boolean {
  return /^\d{1,70}$/.test(uidl);
}

/** Asks for the UIDL of one message; undefined when the server refuses. */
export type AskUidl = (number: number) => Promise<string | undefined>;

/**
 * The status of a spool in which nothing came and nothing went, found out by one or two questions whatever its size: as many messages as
 * there should be, and the newest one known is still at the end of the list. As lists run in one direction and UIDLs are never given
 * again, nothing else can have changed then. Undefined where that is not so, or cannot be told.
 */
export async function statusAsKnown(count: number, known: SpoolKnown | undefined, askUidl: AskUidl): Promise<FolderStatus | undefined> {
  if (known === undefined || count === 0 || count !== known.messages) return undefined;
  const newest = uidlOf(known.uidls, known.newest);
  if (newest === undefined) return undefined;
  const last = await askUidl(count);
  if (last === undefined) return undefined;
  if (last !== newest) {
    // A list that runs from newest to oldest ends with an older one, and begins with the newest.
    const uid = knownUid(known.uidls, last);
    if (uid === undefined || uid >= known.newest || (await askUidl(1)) !== newest) return undefined;
  }
  return {
    messages: count,
    uidNext: known.newest + 1,
    uidValidity: known.uidls === undefined ? spoolUidValidity.ownNumbers : spoolUidValidity.dealtNumbers,
    ...(known.uidls !== undefined && { uidls: known.uidls }),
  };
}

function knownUid(book: UidlBook | undefined, uidl: string): number | undefined {
  if (book !== undefined) return book.uidls.indexOf(uidl) + 1 || undefined;
  const { uids, book: dealt } = dealUidls(undefined, [uidl]);
  return dealt === undefined ? uids[0] : undefined;
}
