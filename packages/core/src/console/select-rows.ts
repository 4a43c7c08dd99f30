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

/**
 * Filters, counts and sorts in one pass; 10,000 rows take a few ms. A row that fits all choices but those of one facet counts in that one.
 * @param at epoch ms by the rows' clock @param count rows at most
 */
export function selectRows(rows: Iterable<MailboxRow>, query: MailboxQuery, at: number, count: number = rowsOfPage): SelectedRows {
  const states = new FacetCounts(query.states, (row) => row.state);
  const tenants = new FacetCounts(query.tenants, (row) => row.tenant);
  const causes = new FacetCounts(query.causes, (row) => row.causeId);
  const modes = new FacetCounts(query.modes, (row) => row.mode);
  const protocols = new FacetCounts(query.protocols, (row) => row.protocol);
  const all: readonly FacetCounts<string>[] = [states, tenants, causes, modes, protocols];
  const fits = rowFilter({ ...query, states: [], tenants: [], causes: [], modes: [], protocols: [] }, at);
  const found: MailboxRow[] = [];
  for (const row of rows) {
    if (!fits(row)) continue;
    let misses = 0;
    let missed: FacetCounts<string> = states;
    for (const facet of all) {
      if (facet.has(row)) continue;
      misses += 1;
      missed = facet;
    }
    if (misses === 1) missed.add(row);
    if (misses > 0) continue;
    found.push(row);
    for (const facet of all) facet.add(row);
  }
  return {
    rows: found.sort(rowOrder(query)).slice(0, count),
    total: found.length,
    facets: {
      states: states.largest(),
      tenants: tenants.largest(),
      causes: causes.largest(),
      modes: modes.largest(),
      protocols: protocols.largest(),
    },
  };
}

/** The choices of one facet, and how many rows each of its values has. */
class FacetCounts<Value extends string> {
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #pick: (row: MailboxRow) => Value | undefined;
  readonly #counts = new Map<Value, number>();

  constructor(values: readonly string[], pick: (row: MailboxRow) => Value | undefined) {
    this.#wanted = values.length === 0 ? undefined : new Set(values);
    this.#pick = pick;
  }

  has(row: MailboxRow): boolean {
    return this.#wanted === undefined || this.#wanted.has(this.#pick(row) ?? "");
  }

  add(row: MailboxRow): void {
    const value = this.#pick(row);
    if (value !== undefined) this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  largest(): Facet<Value>[] {
    return [...this.#counts]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || words(a.value, b.value))
      .slice(0, mostFacets);
  }
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
