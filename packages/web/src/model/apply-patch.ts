import { withNews } from "@mailfleet/core/browser";
import type { FleetPatch, FleetSummary, Frame, MailboxRow } from "@mailfleet/core/console";

/** Whether a patch follows on what the page has; if not, the page is loaded anew. */
export function isNext(frame: Pick<Frame, "revision">, patch: Pick<FleetPatch, "from">): boolean {
  return patch.from === frame.revision;
}

export function patchFrame(frame: Frame, { at, revision, summary }: FleetPatch): Frame {
  return {
    ...frame,
    at,
    revision,
    sentence: summary.sentence ?? frame.sentence,
    deadLetters: summary.deadLetters ?? frame.deadLetters,
  };
}

export function patchSummary(summary: FleetSummary, patch: FleetPatch): FleetSummary {
  return { ...summary, ...patch.summary };
}

export interface PatchedRows {
  readonly rows: readonly MailboxRow[];
  /** Numbers of rows that differ from before. */
  readonly changed: ReadonlySet<number>;
  /** Numbers of shown rows that are to be asked for. */
  readonly stale: readonly number[];
  /** Something happened that may move, add or take away rows. */
  readonly mayMove: boolean;
}

/** News for the rows that are shown. Rows that are gone stay until the list is loaded anew: nothing moves under a pointer. */
export function patchRows(rows: readonly MailboxRow[], patch: FleetPatch): PatchedRows {
  const news = new Map(patch.rows.map((one) => [one[0], one]));
  const shown = new Set(rows.map(({ row }) => row));
  const changed = new Set<number>();
  const next = rows.map((row) => {
    const one = news.get(row.row);
    if (one === undefined) return row;
    const after = withNews(row, one, patch.at);
    if (after.state !== row.state || after.checkedAt !== row.checkedAt) changed.add(row.row);
    return after;
  });
  return {
    rows: changed.size === 0 && news.size === 0 ? rows : next,
    changed,
    stale: patch.stale.filter((number) => shown.has(number)),
    mayMove: patch.isMore || patch.rows.length > 0 || patch.stale.length > 0 || patch.gone.some((number) => shown.has(number)),
  };
}

/** Rows with newer ones of the same number in their places. */
export function replaceRows(rows: readonly MailboxRow[], newer: readonly MailboxRow[]): readonly MailboxRow[] {
  const byNumber = new Map(newer.map((row) => [row.row, row]));
  return rows.map((row) => byNumber.get(row.row) ?? row);
}
