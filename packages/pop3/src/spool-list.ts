import { dealUidls, isUidlOf, type FolderStatus, type SpoolKnown, spoolUidValidity, type UidlBook } from "@mailfleet/core";

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
    const { uids, book, uidValidity } = dealUidls(
      before,
      rows.map(({ uidl }) => uidl),
    );
    this.#numbers = new Map(rows.map(({ number }, at) => [uids[at] ?? 0, number]));
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

/** Asks for the UIDL of one message; undefined when the server refuses. */
export type AskUidl = (number: number) => Promise<string | undefined>;

/**
 * The status of a spool in which nothing came and nothing went, found out by one or two questions whatever its size: as many messages as
 * there should be, and the newest one known is still at the end of the list. As lists run in one direction and UIDLs are never given
 * again, nothing else can have changed then. Undefined where that is not so, or cannot be told.
 */
export async function statusAsKnown(count: number, known: SpoolKnown | undefined, askUidl: AskUidl): Promise<FolderStatus | undefined> {
  if (known === undefined || count === 0 || count !== known.messages) return undefined;
  const isNewest = (uidl: string): boolean => isUidlOf(known.uidls, known.newest, uidl);
  const last = await askUidl(count);
  if (last === undefined) return undefined;
  if (!isNewest(last)) {
    // A list that begins with the newest ends with an older one.
    const first = isOlder(last, known) ? await askUidl(1) : undefined;
    if (first === undefined || !isNewest(first)) return undefined;
  }
  return {
    messages: count,
    uidNext: known.newest + 1,
    uidValidity: known.uidls === undefined ? spoolUidValidity.ownNumbers : spoolUidValidity.dealtNumbers,
    ...(known.uidls !== undefined && { uidls: known.uidls }),
  };
}

function isOlder(uidl: string, { uidls, newest }: SpoolKnown): boolean {
  const { uids, book } = dealUidls(uidls, [uidl]);
  // One that is new to a book gets a number above all others; one that is no number is new to a spool of numbers.
  return (uidls === undefined) === (book === undefined) && (uids[0] ?? newest) < newest;
}
