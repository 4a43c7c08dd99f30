import { expect, test } from "vitest";
import { testCause, testLedger, testMailbox } from "../fleet-fixture.ts";
import { stopText, workLeft } from "./stop-text.ts";

const { checkedAt: _never, ...unseen } = testMailbox("contoso/b@contoso.example", { ledger: testLedger() });

test.each([
  [{ messages: 0, unseen: 0, stopped: 0 }, "Nothing is left to do; the next start goes on from here."],
  [{ messages: 4_870, unseen: 0, stopped: 0 }, "To do 4,870, goes on at the next start."],
  [
    { messages: 4_870, unseen: 12, stopped: 1 },
    "To do 4,870+: 12 mailboxes were not looked at to the end yet; the next start goes on from here.",
  ],
  [{ messages: 0, unseen: 1, stopped: 0 }, "1 mailbox was not looked at to the end yet; the next start goes on from here."],
  [
    { messages: 0, unseen: 0, stopped: 2 },
    "Nothing is left to do but for 2 mailboxes that wait or are parked; the next start goes on from here.",
  ],
  [undefined, "The next start goes on from here."],
])("what is left is said as far as it is known: %j", (left, said) => {
  expect(stopText({ ms: 3_100, finished: 6, cut: 1, left })).toBe(`Stopped in 3.1 s: 6 finished, 1 handed back. ${said}`);
});

test("in the middle of a cold start, what nobody has looked at is not nothing", () => {
  const done = testMailbox("contoso/a@contoso.example");
  expect(workLeft([done, unseen], 60)).toEqual({ messages: 0, unseen: 59, stopped: 0 });
  expect(workLeft([done], 1)).toEqual({ messages: 0, unseen: 0, stopped: 0 });
});

test("a mailbox that is refused is stopped, and not unseen", () => {
  expect(workLeft([{ ...unseen, cause: testCause() }], 1)).toEqual({ messages: 0, unseen: 0, stopped: 1 });
});
