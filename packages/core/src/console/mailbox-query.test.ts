import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyLedger } from "../ledger.ts";
import { stateWords } from "../words/states.ts";
import {
  ageBuckets,
  everyMailbox,
  type MailboxQuery,
  mailboxQueryParams,
  mailboxSorts,
  readMailboxQuery,
  savedViews,
} from "./mailbox-query.ts";
import { type MailboxRow, rowNews, withNews } from "./mailbox-row.ts";
import { countAges, type Facet, rowFilter, rowOrder, selectRows } from "./select-rows.ts";

const now = Date.UTC(2026, 10, 23, 14, 3);

function row(number: number, address: string, more: Partial<MailboxRow> = {}): MailboxRow {
  return {
    row: number,
    tenant: "contoso",
    address,
    protocol: "imap",
    mode: "poll",
    state: "fresh",
    isSyncing: false,
    hasHistory: false,
    checkedAt: now - 40_000,
    ledger: emptyLedger,
    ...more,
  };
}

const anyQuery: fc.Arbitrary<MailboxQuery> = fc.record(
  {
    states: fc.uniqueArray(fc.constantFrom(...stateWords)),
    tenants: fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,10}$/)),
    causes: fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{4,8}$/)),
    modes: fc.uniqueArray(fc.constantFrom("push" as const, "poll" as const)),
    protocols: fc.uniqueArray(fc.constantFrom("imap" as const, "pop3" as const)),
    search: fc.constantFrom("", "support@contoso.example", "ünïcode", "a,b&c=d"),
    isFirstSync: fc.boolean(),
    changedSince: fc.nat(),
    olderThanMs: fc.nat(),
    youngerThanMs: fc.nat(),
    sort: fc.constantFrom(...mailboxSorts),
    isReversed: fc.boolean(),
  },
  { requiredKeys: ["states", "tenants", "causes", "modes", "protocols", "search", "isFirstSync", "sort", "isReversed"] },
);
const anyRows = fc
  .array(
    fc.record({
      address: fc.stringMatching(/^[a-c]{1,3}@[a-c]\.example$/),
      tenant: fc.constantFrom("contoso", "fabrikam"),
      state: fc.constantFrom(...stateWords),
      mode: fc.constantFrom("push" as const, "poll" as const),
      checkedAt: fc.integer({ min: now - 10 * 3_600_000, max: now }),
      causeId: fc.constantFrom("c7f2", "a10b"),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.map(({ address, ...more }, i) => row(i, address, more)));

test("a query survives its URL, whatever is in it", () => {
  fc.assert(
    fc.property(anyQuery, (query) => {
      const params = new URLSearchParams(Object.fromEntries(mailboxQueryParams(query)));
      expect(readMailboxQuery((name) => new URLSearchParams(params.toString()).get(name))).toEqual(query);
    }),
  );
});

test("what a URL has that no version knows is left out", () => {
  const params = new URLSearchParams("state=parked,gone&sort=colour&mode=fax&older=-3&changed=soon&first=yes");
  expect(readMailboxQuery((name) => params.get(name))).toEqual({ ...everyMailbox, states: ["parked"] });
});

test("a search finds by the beginning of address, domain or tenant, and not from within", () => {
  const box = row(1, "support@contoso.example", { tenant: "north" });
  const finds = (search: string): boolean => rowFilter({ ...everyMailbox, search }, now)(box);
  expect(["supp", "support@con", "contoso", "@contoso", "nor"].map(finds)).toEqual([true, true, true, true, true]);
  expect(["port", "example", "@example", "orth"].map(finds)).toEqual([false, false, false, false]);
});

test("the count of a facet is what choosing it alone would show", () => {
  fc.assert(
    fc.property(anyRows, anyQuery, (rows, given) => {
      const query = { ...given, tenants: [], causes: [], search: "" };
      const { facets } = selectRows(rows, query, now);
      const countOf = (facet: readonly Facet[], value: string): number => facet.find((one) => one.value === value)?.count ?? 0;
      const totalOf = (chosen: Partial<MailboxQuery>): number => selectRows(rows, { ...query, ...chosen }, now).total;
      for (const value of stateWords) expect(totalOf({ states: [value] })).toBe(countOf(facets.states, value));
      for (const value of new Set(rows.map(({ tenant }) => tenant)))
        expect(totalOf({ tenants: [value] })).toBe(countOf(facets.tenants, value));
      for (const value of new Set(rows.flatMap(({ causeId }) => causeId ?? [])))
        expect(totalOf({ causes: [value] })).toBe(countOf(facets.causes, value));
    }),
  );
});

test("the order of a list does not depend on the order in which rows came in", () => {
  fc.assert(
    fc.property(anyRows, fc.constantFrom(...mailboxSorts), fc.boolean(), (rows, sort, isReversed) => {
      const unique = [...new Map(rows.map((one) => [`${one.tenant}/${one.address}`, one])).values()];
      const order = rowOrder({ sort, isReversed });
      expect(unique.toReversed().sort(order)).toEqual([...unique].sort(order));
    }),
  );
});

test("the worst come first, and of those the ones that were checked longest ago", () => {
  const rows = [
    row(1, "calm@contoso.example"),
    row(2, "late@contoso.example", { state: "behind", checkedAt: now - 900_000 }),
    row(3, "later@contoso.example", { state: "behind", checkedAt: now - 1_800_000 }),
    row(4, "stopped@contoso.example", { state: "parked" }),
  ];
  expect(selectRows(rows, everyMailbox, now).rows.map((one) => one.row)).toEqual([4, 3, 2, 1]);
  expect(selectRows(rows, { ...everyMailbox, isReversed: true }, now, 1)).toMatchObject({ rows: [{ row: 1 }], total: 4 });
});

test("every mailbox is in exactly one bar of ages, and the bar's link shows as many", () => {
  fc.assert(
    fc.property(anyRows, (some) => {
      const { checkedAt: _never, ...never } = row(99, "never@contoso.example");
      const rows = [...some, never];
      const counts = countAges(rows, now);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
      for (const [i, { fromMs, toMs }] of ageBuckets.entries()) {
        const query = { ...everyMailbox, olderThanMs: fromMs, ...(toMs !== undefined && { youngerThanMs: toMs }) };
        expect(selectRows(rows, query, now).total).toBe(counts[i]);
      }
    }),
  );
});

test("there are four saved views, and each is a URL", () => {
  const views = savedViews(now);
  expect(
    views.map(
      ({ name, query }) =>
        `${name}: ${mailboxQueryParams(query)
          .map((pair) => pair.join("="))
          .join("&")}`,
    ),
  ).toEqual(["Needs me: state=parked", "Late: state=behind&sort=age", "First sync: first=1", `Changed today: changed=${now}`]);
});

test("a row with its news is the row as it is now", () => {
  fc.assert(
    fc.property(anyRows, fc.constantFrom(...stateWords), fc.option(fc.integer({ min: now - 1_000, max: now })), (rows, state, checked) => {
      for (const before of rows) {
        const { checkedAt: _old, ...rest } = before;
        const after: MailboxRow = {
          ...rest,
          state,
          isSyncing: state === "syncing",
          nextAt: now + 300_000,
          ...(checked !== null && { checkedAt: checked }),
        };
        expect(withNews(before, rowNews(after, now + 7), now + 7)).toEqual(after);
      }
    }),
  );
});
