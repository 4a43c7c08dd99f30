import {
  type Cause,
  formatCount,
  formatCounted,
  formatDuration,
  formatIn,
  guessHistory,
  type HistoryGuess,
  type MailboxRef,
  type OperatorPark,
  type PlannedFolder,
  type PlannedWork,
  protocolNames,
  shellWord,
  stripControls,
} from "@mailfleet/core";
import { type Column, renderTable, tabbed } from "./table.ts";

/** What a plan is told from. */
export interface PlanFacts {
  readonly mailbox: MailboxRef;
  /** In the order of a session. */
  readonly folders: readonly PlannedFolder[];
  readonly notMail: readonly string[];
  /** Why it stands still, where it does. */
  readonly cause?: Cause;
  readonly parkedBy?: OperatorPark;
  /** Epoch ms of the next look; absent for a mailbox that no producer has seen yet. */
  readonly nextAt?: number;
  /** Epoch ms by Redis' clock. */
  readonly now: number;
  readonly slice: { readonly messages: number; readonly seconds: number };
  /** What the server is taken to give. */
  readonly messagesPerSecond: number;
  /** What printed commands need besides. */
  readonly options: string;
}

const words: Readonly<Record<PlannedWork, string>> = {
  "first sight": "first sight: what is there is history",
  fresh: "new mail",
  history: "history goes on",
  reset: "begins again: the server dealt its UIDs anew",
  compare: "flags and removals are compared",
  nothing: "nothing moved",
  unreadable: "begins again: what is stored of it cannot be read",
  newer: "left alone: a newer version of mailfleet wrote it",
  excluded: "left out by sync.folders",
};

const columns: readonly Column[] = [
  { title: "Order", align: "right" },
  { title: "Folder" },
  { title: "What" },
  { title: "New", align: "right" },
  { title: "History", align: "right" },
  { title: "On the server", align: "right" },
];

export interface PlanText {
  readonly head: string;
  readonly table: readonly string[];
  /** What is behind the table: what comes first, how long it takes, when it begins or why it does not. */
  readonly sentences: readonly string[];
}

/** A plan in words. @param width of the terminal; undefined in a pipe, where the table has tabs and whole values */
export function planText(facts: PlanFacts, width: number | undefined): PlanText {
  const { mailbox, folders, notMail } = facts;
  const count = width === undefined ? String : formatCount;
  let order = 0;
  const rows = folders.map(({ path, work, fresh, history, messages }) => [
    work === "excluded" || work === "newer" ? "-" : String(++order),
    stripControls(path),
    words[work],
    count(fresh),
    count(history),
    count(messages),
  ]);
  const others = notMail.length === 0 ? [] : [`Not mail: ${notMail.map(stripControls).join(", ")}`];
  return {
    head: `${mailbox.address} (${mailbox.tenant}), over ${protocolNames[mailbox.protocol]}: what the next session would do. Nothing is written.`,
    table: width === undefined ? tabbed(columns, rows) : renderTable(columns, rows, width),
    sentences: [...others, workSentence(facts), whenSentence(facts)],
  };
}

export function planJson(facts: PlanFacts): object {
  const { mailbox, folders, notMail, nextAt, cause, parkedBy, messagesPerSecond } = facts;
  const { fresh, history } = sums(folders);
  return {
    schema: "mailfleet.plan/1",
    ...mailbox,
    folders,
    notMail,
    fresh,
    history,
    guess: { messagesPerSecond, ...guessOf(facts) },
    ...(nextAt !== undefined && { nextAt: new Date(nextAt).toISOString() }),
    ...(cause && { cause: cause.code }),
    ...(parkedBy && { parkedBy: parkedBy.name }),
  };
}

function sums(folders: readonly PlannedFolder[]): { readonly fresh: number; readonly history: number } {
  const sum = (pick: (folder: PlannedFolder) => number): number => folders.reduce((all, folder) => all + pick(folder), 0);
  return { fresh: sum(({ fresh }) => fresh), history: sum(({ history }) => history) };
}

function guessOf({ folders, slice, messagesPerSecond }: PlanFacts): HistoryGuess {
  return guessHistory(sums(folders).history, slice, messagesPerSecond);
}

function workSentence(facts: PlanFacts): string {
  const { fresh, history } = sums(facts.folders);
  if (fresh + history === 0) {
    const isCompared = facts.folders.some(({ work }) => work === "compare");
    return isCompared
      ? "No new mail and no history: flags and removals are compared."
      : "Nothing to do: the poll ends after the numbers of the folders.";
  }
  const news = fresh === 0 ? "No new mail." : `New mail first: ${formatCounted(fresh, "message")} at most, in the order of their UIDs.`;
  if (history === 0) return news;
  const { turns, seconds } = guessOf(facts);
  const speed = `${formatCount(facts.messagesPerSecond)} messages/s`;
  return `${news} Then history, newest first: ${formatCounted(history, "message")} in ${formatCounted(turns, "turn")}, ${formatDuration(seconds * 1_000)} if the server gives ${speed}.`;
}

function whenSentence({ mailbox, cause, parkedBy, nextAt, now, options }: PlanFacts): string {
  const command = `npx mailfleet mailboxes resume ${shellWord(mailbox.address)}${options}`;
  if (parkedBy) return `Parked by ${stripControls(parkedBy.name)}, so nothing of it happens until somebody resumes it: ${command}`;
  if (cause?.state === "parked") return `Parked (${cause.code}), so nothing of it happens until that is mended; then: ${command}`;
  if (nextAt === undefined) return "No producer has seen this mailbox yet: it begins when one runs.";
  const when = nextAt <= now ? "It is due now." : `Next look ${formatIn(nextAt, now)}`;
  return nextAt <= now ? when : `${when}; at once: ${command}`;
}
