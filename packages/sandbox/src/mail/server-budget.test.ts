import { describe, expect, test } from "vitest";
import { FaultBook } from "../faults/fault-book.ts";
import { MailboxCounts } from "./mailbox-counters.ts";
import { type BudgetPlace, ServerBudgets, Spending } from "./server-budget.ts";
import { throttleText } from "./throttled.ts";

const place = { tenant: "contoso", mailbox: "a@contoso.example", protocol: "imap" } as const;

/** Time passes only where somebody sleeps. */
function setUp(params: Record<string, number | boolean | string>) {
  const clock = { now: 0 };
  const faults = new FaultBook({ now: () => clock.now, random: () => () => 0 });
  faults.add({ name: "budget", tenant: "contoso", params });
  const sleep = (ms: number): Promise<void> => {
    clock.now += ms;
    return Promise.resolve();
  };
  const budgets = new ServerBudgets({ faults, now: () => clock.now, sleep });
  const tally = new MailboxCounts().of(place.mailbox);
  const ask = async (verb = "NOOP", at: BudgetPlace = place): Promise<string> => {
    const admitted = await budgets.admit(at, verb, tally);
    if (!(admitted instanceof Spending)) return admitted ? throttleText(admitted) : "free";
    await admitted.pass();
    return "done";
  };
  return { clock, budgets, tally, ask };
}

describe("a budget of server time", () => {
  test("gets slow first, then refuses until the wait is over, and goes on with what was refilled", async () => {
    const { clock, tally, ask } = setUp({
      burstMs: 100,
      rechargeMsPerSecond: 10,
      otherMs: 20,
      delayBelowMs: 50,
      maxDelayMs: 40,
      hintMs: 5_000,
    });
    const slow: number[] = [];
    for (let n = 0; n < 5; n++) {
      const from = clock.now;
      expect(await ask()).toBe("done");
      slow.push(Math.round(clock.now - from));
    }
    expect(slow[0]).toBe(20);
    expect(slow[2]).toBe(20);
    expect(slow[4]).toBeGreaterThan(slow[3] ?? 0);
    expect(tally).toMatchObject({ delays: 2, grantedMs: 100 });
    while ((await ask()) === "done");
    const refusedAt = clock.now;
    expect(await ask()).toBe("Request is throttled. Suggested Backoff Time: 5000 milliseconds");
    clock.now = refusedAt + 4_999;
    expect(await ask()).toBe("Request is throttled. Suggested Backoff Time: 1 milliseconds");
    clock.now = refusedAt + 5_000;
    expect(await ask()).toBe("done");
    expect(tally.refused).toBe(3);
  });

  test("never gives more than the burst and what was refilled, but for the last command", async () => {
    const { clock, tally, ask } = setUp({ burstMs: 1_000, rechargeMsPerSecond: 100, otherMs: 50, hintMs: 1_000, delayBelowMs: 0 });
    while (clock.now < 60_000) if ((await ask()) !== "done") clock.now += 100;
    expect(tally.grantedMs).toBeLessThanOrEqual(1_000 + 100 * (clock.now / 1_000) + 50);
    expect(tally.grantedMs).toBeGreaterThan(5_000);
  });

  test("is one for each mailbox, or one for the tenant", async () => {
    const other = { tenant: "contoso", mailbox: "b@contoso.example", protocol: "imap" } as const;
    const own = setUp({ burstMs: 10, rechargeMsPerSecond: 0, otherMs: 20 });
    expect([await own.ask(), await own.ask(), await own.ask("NOOP", other)]).toEqual([
      "done",
      expect.stringMatching(/^Request is throttled/),
      "done",
    ]);
    const shared = setUp({ burstMs: 10, rechargeMsPerSecond: 0, otherMs: 20, per: "tenant" });
    expect([await shared.ask(), await shared.ask("NOOP", other)]).toEqual(["done", expect.stringMatching(/^Request is throttled/)]);
    expect(await shared.ask("NOOP", { tenant: "fabrikam", mailbox: "x@fabrikam.example", protocol: "imap" })).toBe("free");
  });

  test("takes more for content than for rows, and passes the time only where it is not virtual", async () => {
    for (const virtual of [false, true]) {
      const { clock, budgets, tally } = setUp({ fetchMs: 1, rowMs: 2, messageMs: 30, kilobyteMs: 4, virtual, delayBelowMs: 0 });
      const spending = await budgets.admit(place, "UID FETCH", tally);
      if (!(spending instanceof Spending)) throw new Error("refused");
      expect(spending.chargeMessage(undefined)).toBe(false);
      expect(spending.chargeMessage(2_048)).toBe(!virtual);
      await spending.pass();
      expect(tally.grantedMs).toBe(41);
      expect(clock.now).toBe(virtual ? 0 : 41);
    }
  });
});
