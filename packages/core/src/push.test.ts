import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cause } from "./cause.ts";
import type { MailboxRef } from "./ids.ts";
import { pushChooser, pushShare, pushWait } from "./push.ts";

const box = (address: string, protocol: MailboxRef["protocol"] = "imap"): MailboxRef => ({ tenant: "contoso", address, protocol });

describe("which mailboxes are pushed", () => {
  test.each([
    ["none", []],
    ["all", ["support@contoso.com", "vip-1@contoso.com", "sales@fabrikam.com"]],
    [["Support@contoso.com"], ["support@contoso.com"]],
    [
      ["vip-*@contoso.com", "*@fabrikam.com"],
      ["vip-1@contoso.com", "sales@fabrikam.com"],
    ],
    [["*"], ["support@contoso.com", "vip-1@contoso.com", "sales@fabrikam.com"]],
    [["support"], []],
  ] as const)("%j", (choice, expected) => {
    const isChosen = pushChooser(choice);
    const mailboxes = ["support@contoso.com", "vip-1@contoso.com", "sales@fabrikam.com"];
    expect(mailboxes.filter((address) => isChosen(box(address)))).toEqual(expected);
    expect(mailboxes.some((address) => isChosen(box(address, "pop3")))).toBe(false);
  });
});

describe("the share of a worker", () => {
  test.each([
    [10, [100], 100, 10],
    [10, [100, 100], 100, 5],
    [10, [100, 100, 100], 100, 4],
    [10, [2, 100], 2, 2],
    [10, [2, 100], 100, 8],
    [1_000, [5, 5], 5, 5],
    [0, [5, 5], 5, 0],
  ])("of %i mailboxes among %j, with a budget of %i, is %i", (chosen, budgets, budget, share) => {
    expect(pushShare(chosen, budgets, budget)).toBe(share);
  });

  test("covers all that the budgets can, exceeds none, and differs only where a budget ends", () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.array(fc.nat(600), { minLength: 1, maxLength: 12 }), (chosen, budgets) => {
        const shares = budgets.map((budget) => pushShare(chosen, budgets, budget));
        const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
        expect(sum(shares)).toBeGreaterThanOrEqual(Math.min(chosen, sum(budgets)));
        expect(sum(shares)).toBeLessThan(chosen + budgets.length);
        for (const [i, share] of shares.entries()) expect(share).toBeLessThanOrEqual(budgets[i] ?? 0);
        expect(new Set(shares.filter((share, i) => share < (budgets[i] ?? 0))).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("never asks a worker to give while nobody has room: then two more have fewer by two at least", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 6 }), (spare, held) => {
        const chosen = held.reduce((sum, one) => sum + one, 0);
        const budgets = held.map(() => 500 + spare);
        for (const mine of held) {
          if (mine > pushShare(chosen, budgets, 500 + spare)) expect(Math.min(...held)).toBeLessThanOrEqual(mine - 2);
        }
      }),
    );
  });
});

describe("a cause and push", () => {
  const now = 1_000_000;
  const cause = (more: Partial<Cause>): Cause => ({
    code: "SESSION_CLOSED",
    scope: "session",
    text: "",
    since: now - 1,
    tries: 1,
    nextAt: now + 5_000,
    state: "waiting",
    ...more,
  });

  test.each<[string, Cause | undefined, number | undefined, number | undefined]>([
    ["no cause", undefined, undefined, undefined],
    ["a folder that is refused", cause({ code: "COMMAND_REFUSED", scope: "folder" }), undefined, undefined],
    ["a connection that broke", cause({}), 5_000, undefined],
    ["a server that asked for quiet", cause({ code: "SERVER_THROTTLED", scope: "mailbox" }), 5_000, 5_000],
    ["a parked mailbox", cause({ code: "MAILBOX_ACCESS_DENIED", scope: "mailbox", state: "parked" }), 5_000, 5_000],
    ["a folder that parked the mailbox", cause({ code: "COMMAND_REFUSED", scope: "folder", state: "parked" }), 5_000, 5_000],
    ["a time that is over", cause({ nextAt: now - 5 }), 0, undefined],
  ])("%s", (_, given, unconnected, connected) => {
    expect(pushWait(given, now, false)).toBe(unconnected);
    expect(pushWait(given, now, true)).toBe(connected);
  });
});
