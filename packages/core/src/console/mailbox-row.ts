import { mailboxId, type Protocol } from "../ids.ts";
import { type FolderLedger, unaccounted } from "../ledger.ts";
import type { MailboxFacts, StateWord } from "../words/states.ts";
import { stateWords } from "../words/states.ts";

/** What the console knows of one mailbox, and what a row of a list shows. Times are epoch ms by Redis' clock. */
export interface MailboxRow extends MailboxFacts {
  /** Number of the row in this console process: short, so that patches are. Another process (`Frame.process`) numbers anew. */
  readonly row: number;
  readonly protocol: Protocol;
  /** `push`: a connection waits for the server's word on it now. */
  readonly mode: "push" | "poll";
  /** By `stateOf`, when it was read. */
  readonly state: StateWord;
  readonly nextAt?: number;
  /** Id of its cause on the pages, where something stops it. */
  readonly causeId?: string;
  /** Its history is not handed off yet. */
  readonly hasHistory: boolean;
  /** When it last stopped, or was added: the later one. */
  readonly changedAt?: number;
  readonly ledger: FolderLedger;
}

/** One row's news of the last second: number, index in `stateWords`, checked and next check in ms against the patch's `at`; null where there is none. */
export type RowNews = readonly [row: number, state: number, checked: number | null, next: number | null];

/** What differs most seconds, as short as it can be: a fleet of 10,000 stays below 2 kB/s. */
export function rowNews(row: MailboxRow, at: number): RowNews {
  return [
    row.row,
    stateWords.indexOf(row.state),
    row.checkedAt === undefined ? null : row.checkedAt - at,
    row.nextAt === undefined ? null : row.nextAt - at,
  ];
}

/** The row with its news. What news do not carry (cause, ledger) is asked for anew, where the patch says so. */
export function withNews(row: MailboxRow, [, state, checked, next]: RowNews, at: number): MailboxRow {
  const { checkedAt: _checked, nextAt: _next, ...rest } = row;
  const word = stateWords[state] ?? "unknown";
  return {
    ...rest,
    state: word,
    isSyncing: word === "syncing",
    ...(checked !== null && { checkedAt: at + checked }),
    ...(next !== null && { nextAt: at + next }),
  };
}

export type RowMark = "push" | "poll" | "POP3" | "history" | "quarantined" | "unaccounted";

/** Marks beside the state, never instead of it. */
export function rowMarks(row: MailboxRow): readonly RowMark[] {
  return [
    row.mode,
    ...(row.protocol === "pop3" ? (["POP3"] as const) : []),
    ...(row.hasHistory ? (["history"] as const) : []),
    ...(row.ledger.quarantined > 0 ? (["quarantined"] as const) : []),
    ...(unaccounted(row.ledger) === 0 ? [] : (["unaccounted"] as const)),
  ];
}

/** The mailbox's page. */
export function mailboxPath({ tenant, address }: { readonly tenant: string; readonly address: string }): string {
  return `/mailboxes/${encodeURIComponent(tenant)}/${encodeURIComponent(address)}`;
}

/** Names a mailbox in requests. */
export function rowId(row: Pick<MailboxRow, "tenant" | "address">): string {
  return mailboxId(row);
}
