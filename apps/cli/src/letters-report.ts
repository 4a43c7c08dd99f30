import {
  causeWords,
  formatAgo,
  formatCount,
  type LetterCause,
  lettersSentence,
  ownerWords,
  shortCauseId,
  stripControls,
} from "@mailfleet/core";
import type { LetterList } from "./letter-list.ts";
import { type Column, renderTable, tabbed } from "./table.ts";

const columns: readonly Column[] = [
  { title: "Cause" },
  { title: "Letters", align: "right" },
  { title: "Since" },
  { title: "Whose" },
  { title: "What" },
];

/** The screen of `dead-letters list`. @param options what the command needs besides to reach the same fleet */
export function listReport(list: LetterList, now: number, width: number, options: string): string[] {
  const { letters, causes } = list;
  if (letters === 0) return [lettersSentence(0, 0)];
  const rows = causes.map((cause) => [
    shortCauseId(cause.fullId, causes),
    formatCount(cause.letters),
    cause.since === undefined ? "-" : formatAgo(cause.since, now),
    ownerWords(cause.owner),
    stripControls(causeWords(cause)),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(columns[i]?.title.length ?? 0, ...rows.map((row) => row[i]?.length ?? 0)));
  // The last column is cut, never left out: without the words the rest says nothing.
  const room = Math.max(20, width - 2 - widths.reduce((sum, one) => sum + one + 2, 0));
  const cut = rows.map((row) => row.map((text, i) => (i === 4 && text.length > room ? `${text.slice(0, room - 1)}…` : text)));
  const [first] = causes;
  const table = renderTable(columns, cut, width - 2).map((line) => `  ${line}`);
  const mended =
    first === undefined
      ? []
      : [`When a cause is mended: npx mailfleet dead-letters replay --cause ${shortCauseId(first.fullId, causes)} --dry-run${options}`];
  return [lettersSentence(letters, causes.length), ...table, ...mended];
}

export function listPiped({ causes }: LetterList): string[] {
  const rows = causes.map((cause) => [
    shortCauseId(cause.fullId, causes),
    String(cause.letters),
    cause.since === undefined ? "" : new Date(cause.since).toISOString(),
    ownerWords(cause.owner),
    stripControls(causeWords(cause)),
  ]);
  return tabbed(columns, rows);
}

export function listJson({ at, letters, causes }: LetterList): object {
  return {
    schema: "mailfleet.dead-letters/1",
    at: new Date(at).toISOString(),
    letters,
    causes: causes.map((cause) => causeJson(cause, causes)),
  };
}

export function causeJson(cause: LetterCause, all: readonly LetterCause[]): object {
  const { owner, letters, since, latest, leastTries, mostTries, text } = cause;
  return {
    id: shortCauseId(cause.fullId, all),
    letters,
    owner,
    what: text,
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(latest !== undefined && { latest: new Date(latest).toISOString() }),
    ...(leastTries !== undefined && { leastTries }),
    ...(mostTries !== undefined && { mostTries }),
  };
}
