import type { MailboxRow } from "@mailfleet/core/console";
import { keyOf } from "./frozen-order.ts";

/** Chosen rows by key: they stay chosen when the list moves, and when their facts change. */
export class Chosen {
  readonly keys: ReadonlySet<string>;
  /** The row that was clicked last: Shift chooses from there. */
  readonly anchor: string | undefined;

  constructor(keys: ReadonlySet<string> = new Set(), anchor?: string) {
    this.keys = keys;
    this.anchor = anchor;
  }

  toggle(rows: readonly MailboxRow[], row: MailboxRow, isChosen: boolean, isRange: boolean): Chosen {
    const keys = new Set(this.keys);
    for (const key of isRange ? rangeOf(rows, this.anchor, keyOf(row)) : [keyOf(row)]) {
      if (isChosen) keys.add(key);
      else keys.delete(key);
    }
    return new Chosen(keys, keyOf(row));
  }

  toggleAll(rows: readonly MailboxRow[], isChosen: boolean): Chosen {
    const keys = new Set(this.keys);
    for (const row of rows) {
      if (isChosen) keys.add(keyOf(row));
      else keys.delete(keyOf(row));
    }
    return new Chosen(keys);
  }
}

function rangeOf(rows: readonly MailboxRow[], from: string | undefined, to: string): readonly string[] {
  const keys = rows.map(keyOf);
  const a = from === undefined ? -1 : keys.indexOf(from);
  const b = keys.indexOf(to);
  return a === -1 || b === -1 ? [to] : keys.slice(Math.min(a, b), Math.max(a, b) + 1);
}
