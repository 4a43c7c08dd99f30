import { type Protocol } from "../ids.ts";
import { canonicalAddress } from "../ids.ts";
import { type StateWord, stateWords } from "../words/states.ts";
import type { MailboxRow } from "./mailbox-row.ts";

export const mailboxSorts = ["state", "age", "next", "address", "tenant", "todo"] as const;

export type MailboxSort = (typeof mailboxSorts)[number];

/** Which mailboxes, in which order: the whole state of the list, as its URL has it. Empty lists mean any. */
export interface MailboxQuery {
  readonly states: readonly StateWord[];
  readonly tenants: readonly string[];
  /** Ids of causes. */
  readonly causes: readonly string[];
  readonly modes: readonly MailboxRow["mode"][];
  readonly protocols: readonly Protocol[];
  /** Beginning of an address, of its domain or of a tenant's alias; canonical. */
  readonly search: string;
  /** Those whose history is not done, and those that have never been checked. */
  readonly isFirstSync: boolean;
  /** Stopped or added since this epoch ms. */
  readonly changedSince?: number;
  /** Last check at least and less than so many ms ago; `never` counts as longer than any. */
  readonly olderThanMs?: number;
  readonly youngerThanMs?: number;
  readonly sort: MailboxSort;
  readonly isReversed: boolean;
}

export const everyMailbox: MailboxQuery = {
  states: [],
  tenants: [],
  causes: [],
  modes: [],
  protocols: [],
  search: "",
  isFirstSync: false,
  sort: "state",
  isReversed: false,
};

/** Rows of a page; more are asked for, a page at a time. */
export const rowsOfPage = 100;
const longestSearch = 200;
const mostValues = 200;

/** Names in URLs: `parked by operator` has spaces. */
const stateSlugs = new Map<string, StateWord>(stateWords.map((word) => [word.replaceAll(" ", "-"), word]));

/**
 * Reads the query of `/mailboxes?state=parked,behind&tenant=…&cause=…&mode=push&protocol=pop3&q=…&sort=-age&first=1&changed=EPOCHMS&older=MS&younger=MS`.
 * What it does not know is left out: a bookmark of another version still shows a list.
 * @param get of URLSearchParams
 */
export function readMailboxQuery(get: (name: string) => string | null): MailboxQuery {
  const list = (name: string): string[] =>
    (get(name) ?? "")
      .split(",")
      .filter((value) => value !== "")
      .slice(0, mostValues);
  const number = (name: string): number | undefined => {
    const value = Number(get(name) ?? "");
    return get(name) !== null && get(name) !== "" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const sort = get("sort") ?? "";
  const isReversed = sort.startsWith("-");
  const changedSince = number("changed");
  const olderThanMs = number("older");
  const youngerThanMs = number("younger");
  return {
    states: list("state").flatMap((slug) => stateSlugs.get(slug) ?? []),
    tenants: list("tenant"),
    causes: list("cause"),
    modes: list("mode").filter((mode) => mode === "push" || mode === "poll"),
    protocols: list("protocol").filter((protocol) => protocol === "imap" || protocol === "pop3"),
    search: canonicalAddress((get("q") ?? "").slice(0, longestSearch)),
    isFirstSync: get("first") === "1",
    ...(changedSince !== undefined && { changedSince }),
    ...(olderThanMs !== undefined && { olderThanMs }),
    ...(youngerThanMs !== undefined && { youngerThanMs }),
    sort: mailboxSorts.find((word) => word === (isReversed ? sort.slice(1) : sort)) ?? "state",
    isReversed,
  };
}

/** The inverse of {@link readMailboxQuery}: names and values for URLSearchParams, without what is as usual. */
export function mailboxQueryParams(query: MailboxQuery): (readonly [name: string, value: string])[] {
  const all: (readonly [string, string])[] = [
    ["state", query.states.map((word) => word.replaceAll(" ", "-")).join(",")],
    ["tenant", query.tenants.join(",")],
    ["cause", query.causes.join(",")],
    ["mode", query.modes.join(",")],
    ["protocol", query.protocols.join(",")],
    ["q", query.search],
    ["first", query.isFirstSync ? "1" : ""],
    ["changed", query.changedSince?.toString() ?? ""],
    ["older", query.olderThanMs?.toString() ?? ""],
    ["younger", query.youngerThanMs?.toString() ?? ""],
    ["sort", query.sort === "state" && !query.isReversed ? "" : `${query.isReversed ? "-" : ""}${query.sort}`],
  ];
  return all.filter(([, value]) => value !== "");
}

/** The saved views that every console has. @param today epoch ms of the viewer's midnight */
export function savedViews(today: number): readonly { readonly name: string; readonly query: MailboxQuery }[] {
  return [
    { name: "Needs me", query: { ...everyMailbox, states: ["parked"] } },
    { name: "Late", query: { ...everyMailbox, states: ["behind"], sort: "age" } },
    { name: "First sync", query: { ...everyMailbox, isFirstSync: true } },
    { name: "Changed today", query: { ...everyMailbox, changedSince: today } },
  ];
}

const minute = 60_000;
const hour = 60 * minute;

/** Of the bars of "last checked", each a link to its list. `toMs` absent: no end. */
export const ageBuckets: readonly { readonly label: string; readonly fromMs: number; readonly toMs?: number }[] = [
  { label: "<1 min", fromMs: 0, toMs: minute },
  { label: "1-5 min", fromMs: minute, toMs: 5 * minute },
  { label: "5-10 min", fromMs: 5 * minute, toMs: 10 * minute },
  { label: "10-60 min", fromMs: 10 * minute, toMs: hour },
  { label: "1-6 h", fromMs: hour, toMs: 6 * hour },
  { label: "more", fromMs: 6 * hour },
];
