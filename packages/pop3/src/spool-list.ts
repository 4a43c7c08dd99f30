import { dealUidls, isUidlOf, type FolderStatus, type SpoolKnown, spoolUidValidity, type UidlBook, uidOfUidl } from "@mailfleet/core";

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
  readonly #numbers = new Map<number, number>();
  readonly #uidsByNumber = new Map<number, number>();

  /**
   * @param rows as the server lists them, which need not be oldest first
   * @param count by STAT: more than there are rows where the server hides items from its lists
   */
  constructor(rows: readonly SpoolRow[], count: number, before: UidlBook | undefined) {
    const { uids, book, uidValidity } = dealUidls(
      before,
      rows.map(({ uidl }) => uidl),
    );
    for (let at = 0; at < rows.length; at++) {
      const { number } = rows[at] as SpoolRow;
      const uid = uids[at] as number;
      this.#numbers.set(uid, number);
      this.#uidsByNumber.set(number, uid);
    }
    this.uids = uids.toSorted((a, b) => a - b);
    const uidNext = (this.uids.at(-1) ?? 0) + 1;
    this.status = { messages: count, uidNext, uidValidity, ...(book !== undefined && { uidls: book }), order: uids };
  }

  numberOf(uid: number): number | undefined {
    return this.#numbers.get(uid);
  }

  /** Those of the UIDs that are in the list, each once, in the given order. */
  pick(uids: readonly number[]): readonly { readonly uid: number; readonly number: number }[] {
    const picked: { readonly uid: number; readonly number: number }[] = [];
    for (const uid of new Set(uids)) {
      const number = this.#numbers.get(uid);
      if (number !== undefined) picked.push({ uid, number });
    }
    return picked;
  }

  uidOf(number: number): number | undefined {
    return this.#uidsByNumber.get(number);
  }
}

/** Asks for the UIDL of one message; undefined when the server refuses. */
export type AskUidl = (number: number) => Promise<string | undefined>;

/**
 * The status of a spool in which nothing came and nothing went, found out by two questions whatever its size: as many messages as there
 * should be, the newest known one at one end of the list, and an older known one at the other. As lists run in one direction, oldest or
 * newest first, nothing else can have changed then, unless a UIDL was given again. (The newest at the end alone would not do: in a list
 * that begins with the newest, all that stood behind it may be gone, and as many be new before it.) Where the newest stood at neither end,
 * both ends are as they were. Undefined where that is not so.
 */
export async function statusAsKnown(count: number, known: SpoolKnown | undefined, askUidl: AskUidl): Promise<FolderStatus | undefined> {
  if (known === undefined || count === 0 || count !== known.messages) return undefined;
  const last = await askUidl(count);
  if (last === undefined || !isKnown(last, known)) return undefined;
  const first = count === 1 ? last : await askUidl(1);
  if (first === undefined || !isKnown(first, known)) return undefined;
  const isSame = (uid: number, uidl: string): boolean => isUidlOf(known.uidls, uid, uidl);
  const areEnds = known.ends
    ? isSame(known.ends[0], first) && isSame(known.ends[1], last)
    : isSame(known.newest, first) || isSame(known.newest, last);
  if (!areEnds) return undefined;
  return {
    messages: count,
    uidNext: known.newest + 1,
    uidValidity: known.uidls === undefined ? spoolUidValidity.ownNumbers : spoolUidValidity.dealtNumbers,
    ...(known.uidls !== undefined && { uidls: known.uidls }),
  };
}

/** Whether it was listed before, or could have been: one that is not above what was. */
function isKnown(uidl: string, { uidls, newest }: SpoolKnown): boolean {
  const uid = uidOfUidl(uidls, uidl);
  return uid !== undefined && uid <= newest;
}
