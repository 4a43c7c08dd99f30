import { expect, test } from "vitest";
import type { MailboxRecord } from "@mailfleet/store";
import { testCause, testLedger, testMailbox, testNow } from "../fleet-fixture.ts";
import { watchFirstPass } from "./first-pass.ts";

const startedAt = testNow - 10_000;
const expected = [
  { tenant: "a", address: "x@a.example" },
  { tenant: "a", address: "y@a.example" },
];
const whole = [testMailbox("a/x@a.example"), testMailbox("a/y@a.example")];

function look(records: readonly MailboxRecord[], before: readonly MailboxRecord[] = [], backfill = true) {
  return watchFirstPass({ expected, startedAt, before, backfill }).look(records, testNow);
}

test("a pass is done when every mailbox was checked since the start, with its history and nothing to do", () => {
  expect(look(whole)).toEqual({ finished: 2, parked: 0, waiting: 0, unfinished: 0, isDone: true });
});

const x = whole[0] as MailboxRecord;
test.each<[string, MailboxRecord[]]>([
  ["a mailbox is not registered yet", [x]],
  ["a check is from before the start", [x, testMailbox("a/y@a.example", { checkedAt: startedAt - 1 })]],
  ["history is left", [x, testMailbox("a/y@a.example", { hasHistory: true })]],
  ["messages are to do", [x, testMailbox("a/y@a.example", { ledger: testLedger({ handedOff: 1, toDo: 1 }) })]],
  ["a mailbox waits since just now", [x, testMailbox("a/y@a.example", { cause: testCause() })]],
  ["a mailbox that was added to the tenant is not whole", [...whole, testMailbox("a/z@a.example", { hasHistory: true })]],
])("a pass is not done while %s", (_, records) => {
  expect(look(records).isDone).toBe(false);
});

test("mailboxes of tenants that are not in the configuration do not count", () => {
  expect(look([...whole, testMailbox("gone/z@g.example", { hasHistory: true })]).isDone).toBe(true);
});

test("without backfill only new mail counts", () => {
  const records = [x, testMailbox("a/y@a.example", { hasHistory: true, ledger: testLedger({ toDo: 5 }) })];
  expect(look(records, [], false).isDone).toBe(true);
});

test("a parked mailbox is done with once this run has looked at it, not by what an earlier run found", () => {
  const parked = testMailbox("a/y@a.example", { nextAt: 1, cause: testCause({ code: "MAILBOX_ACCESS_DENIED", state: "parked" }) });
  expect(look([x, parked], [parked])).toMatchObject({ unfinished: 1, isDone: false });
  expect(look([x, { ...parked, nextAt: 2 }], [parked])).toMatchObject({ parked: 1, isDone: true });
});

test("a cause that ends by itself is waited for: a minute, longer when it is about to end, five minutes at most", () => {
  const ends = (at: number): MailboxRecord[] => [x, testMailbox("a/y@a.example", { cause: testCause({ nextAt: at }) })];
  const pass = watchFirstPass({ expected, startedAt, before: [], backfill: true });
  const at = (ms: number, nextIn: number) => pass.look(ends(testNow + ms + nextIn), testNow + ms);
  expect(at(0, 3_600_000).isDone).toBe(false);
  expect(at(60_000, 3_600_000).isDone).toBe(false);
  expect(at(61_000, 30_000).isDone).toBe(false);
  expect(at(61_500, 3_600_000)).toMatchObject({ waiting: 1, isDone: true });
  expect(at(301_000, 30_000)).toMatchObject({ waiting: 1, isDone: true });
});
