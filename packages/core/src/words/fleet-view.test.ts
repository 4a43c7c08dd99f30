import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cause } from "../cause.ts";
import { type FolderLedger, sumLedgers } from "../ledger.ts";
import { viewFleet, type ViewedMailbox } from "./fleet-view.ts";
import { countStates, stateOf } from "./states.ts";

const now = Date.UTC(2026, 10, 27, 23);
const min = 60_000;
const freshWithinMs = 10 * min;
const someTime = fc.integer({ min: now - 30 * min, max: now });
const count = fc.nat(1_000);
const someCause = fc
  .record({ state: fc.constantFrom("waiting" as const, "parked" as const), nextAt: someTime })
  .map((given): Cause => ({ code: "SERVER_THROTTLED", scope: "mailbox", text: "", since: now - min, tries: 1, ...given }));
const someMailbox: fc.Arbitrary<ViewedMailbox> = fc.record(
  {
    tenant: fc.constantFrom("contoso", "fabrikam", "litware"),
    address: fc.constantFrom("a@x.example", "b@x.example"),
    protocol: fc.constantFrom("imap" as const, "pop3" as const),
    checkedAt: someTime,
    cause: someCause,
    parkedBy: fc.record({ name: fc.constant("anna"), at: someTime }),
    isSyncing: fc.boolean(),
    ledger: fc.record<FolderLedger>({ listed: count, handedOff: count, excluded: count, quarantined: count, toDo: count }),
  },
  { requiredKeys: ["tenant", "address", "protocol", "isSyncing", "ledger"] },
);

test("a fleet's sums are those of its tenants, and a tenant's those of its mailboxes", () => {
  fc.assert(
    fc.property(fc.array(someMailbox, { maxLength: 40 }), (all) => {
      const view = viewFleet(all, now, freshWithinMs);
      const statesOf = (some: readonly ViewedMailbox[]) => countStates(some.map((one) => stateOf(one, { now, freshWithinMs })));
      expect(view.mailboxes).toBe(all.length);
      expect(view.states).toEqual(statesOf(all));
      expect(view.ledger).toEqual(sumLedgers(all.map(({ ledger }) => ledger)));
      expect(view.tenants.map(({ alias }) => alias)).toEqual([...new Set(all.map(({ tenant }) => tenant))]);
      for (const { alias, ...sums } of view.tenants) {
        const some = all.filter(({ tenant }) => tenant === alias);
        const checks = some.flatMap(({ checkedAt }) => checkedAt ?? []);
        expect(sums).toEqual({
          mailboxes: some.length,
          pop3: some.filter(({ protocol }) => protocol === "pop3").length,
          states: statesOf(some),
          ledger: sumLedgers(some.map(({ ledger }) => ledger)),
          isCounted: some.every(({ checkedAt, cause }) => checkedAt !== undefined || cause !== undefined),
          ...(checks.length > 0 && { oldestCheck: Math.min(...checks) }),
        });
      }
      const running = all.filter(({ cause, parkedBy }) => cause === undefined && parkedBy === undefined);
      const checks = running.flatMap(({ checkedAt }) => checkedAt ?? []);
      expect(view.oldestCheck).toBe(checks.length > 0 ? Math.min(...checks) : undefined);
      const stopped = all.filter(({ cause, parkedBy }) => cause !== undefined && parkedBy === undefined);
      expect(view.causes.reduce((sum, { mailboxCount }) => sum + mailboxCount, 0)).toBe(stopped.length);
    }),
  );
});
