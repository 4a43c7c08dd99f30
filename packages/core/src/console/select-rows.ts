import type { Protocol } from "../ids.ts";
import type { StateWord } from "../words/states.ts";
import { ageBuckets, type MailboxQuery, type MailboxSort, rowsOfPage } from "./mailbox-query.ts";
import type { MailboxRow } from "./mailbox-row.ts";

/** A test of one row; made once for a query, run for 10,000 rows. @param at epoch ms by the rows' clock */
export function rowFilter(query: MailboxQuery, at: number): (row: MailboxRow) => boolean {
  const tests: ((row: MailboxRow) => boolean)[] = [];
  const oneOf = <Value>(values: readonly Value[], pick: (row: MailboxRow) => Value | undefined): void => {
    if (values.length === 0) return;
    const wanted = new Set<Value | undefined>(values);
    tests.push((row) => wanted.has(pick(row)));
  };
  oneOf(query.states, (row) => row.state);
  oneOf(query.tenants, (row) => row.tenant);
  oneOf(query.causes, (row) => row.causeId ?? "");
  oneOf(query.modes, (row) => row.mode);
  oneOf(query.protocols, (row) => row.protocol);
  const { search, changedSince, olderThanMs, youngerThanMs } = query;
  if (search !== "") tests.push((row) => isFound(row, search));
  if (query.isFirstSync) tests.push((row) => row.hasHistory || row.checkedAt === undefined);
  if (changedSince !== undefined) tests.push((row) => row.changedAt !== undefined && row.changedAt >= changedSince);
  if (olderThanMs !== undefined) tests.push((row) => ageOf(row, at) >= olderThanMs);
  if (youngerThanMs !== undefined) tests.push((row) => ageOf(row, at) < youngerThanMs);
  return (row) => tests.every((test) => test(row));
}

function isFound({ address, tenant }: MailboxRow, search: string): boolean {
  if (address.startsWith(search) || tenant.startsWith(search)) return true;
  const domain = address.indexOf("@") + 1;
  return address.startsWith(search, search.startsWith("@") ? domain - 1 : domain);
}

function ageOf({ checkedAt }: Pick<MailboxRow, "address" | "checkedAt">, at: number): number {
  return checkedAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, at - checkedAt);
}

/** Worst first: what a person must act on, then what is late, then what moves. */
const stateRank: Readonly<Record<StateWord, number>> = {
  parked: 0,
  behind: 1,
  unknown: 2,
  waiting: 3,
  "parked by operator": 4,
  new: 5,
  syncing: 6,
  fresh: 7,
};

/** Total and stable: equals are in the order of their addresses, so that a page does not depend on how rows came in. */
export function rowOrder({ sort, isReversed }: Pick<MailboxQuery, "sort" | "isReversed">): (a: MailboxRow, b: MailboxRow) => number {
  const by = comparers[sort];
  const sign = isReversed ? -1 : 1;
  return (a, b) => sign * by(a, b) || words(a.address, b.address) || words(a.tenant, b.tenant);
}

const comparers: Readonly<Record<MailboxSort, (a: MailboxRow, b: MailboxRow) => number>> = {
  state: (a, b) => stateRank[a.state] - stateRank[b.state] || (a.checkedAt ?? 0) - (b.checkedAt ?? 0),
  // The longest ago first.
  age: (a, b) => (a.checkedAt ?? 0) - (b.checkedAt ?? 0),
  next: (a, b) => times(a.nextAt, b.nextAt),
  address: () => 0,
  tenant: (a, b) => words(a.tenant, b.tenant),
  todo: (a, b) => b.ledger.toDo - a.ledger.toDo,
};

function words(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function times(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  return a - b;
}

export interface Facet<Value extends string = string> {
  readonly value: Value;
  readonly count: number;
}

/** How many mailboxes each choice would show: each facet counts with all other facets applied, not with itself. */
export interface Facets {
  readonly states: readonly Facet<StateWord>[];
  readonly tenants: readonly Facet[];
  readonly causes: readonly Facet[];
  readonly modes: readonly Facet<MailboxRow["mode"]>[];
  readonly protocols: readonly Facet<Protocol>[];
}

/** A page of a list. */
export interface SelectedRows {
  readonly rows: readonly MailboxRow[];
  /** All that fit, shown or not. */
  readonly total: number;
  readonly facets: Facets;
}

/** Facets of a fleet with many tenants stay readable: the largest ones. */
const mostFacets = 200;

/** Filters, counts and sorts; 10,000 rows take a few ms. @param at epoch ms by the rows' clock @param count rows at most */
export function selectRows(rows: Iterable<MailboxRow>, query: MailboxQuery, at: number, count: number = rowsOfPage): SelectedRows {
  const all = [...rows];
  const fits = rowFilter(query, at);
  const found = all.filter(fits);
  const countBy = <Value extends string>(without: Partial<MailboxQuery>, pick: (row: MailboxRow) => Value | undefined): Facet<Value>[] => {
    const passes = rowFilter({ ...query, ...without }, at);
    const counts = new Map<Value, number>();
    for (const row of all) {
      const value = pick(row);
      if (value !== undefined && passes(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts]
      .map(([value, n]) => ({ value, count: n }))
      .sort((a, b) => b.count - a.count || words(a.value, b.value))
      .slice(0, mostFacets);
  };
  return {
    rows: found.sort(rowOrder(query)).slice(0, count),
    total: found.length,
    facets: {
      states: countBy({ states: [] }, (row) => row.state),
      tenants: countBy({ tenants: [] }, (row) => row.tenant),
      causes: countBy({ causes: [] }, (row) => row.causeId),
      modes: countBy({ modes: [] }, (row) => row.mode),
      protocols: countBy({ protocols: [] }, (row) => row.protocol),
    },
  };
}

/** How many mailboxes were checked how long ago, in the order of {@link ageBuckets}; never checked counts as longest. */
export function countAges(rows: Iterable<Pick<MailboxRow, "address" | "checkedAt">>, at: number): readonly number[] {
  const counts = ageBuckets.map(() => 0);
  for (const row of rows) {
    const age = ageOf(row, at);
    let index = ageBuckets.length - 1;
    while (index > 0 && age < (ageBuckets[index]?.fromMs ?? 0)) index -= 1;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
