import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cause } from "../cause.ts";
import { stateEndsAt } from "./state-ends-at.ts";
import { type MailboxFacts, stateOf } from "./states.ts";

const now = Date.UTC(2026, 10, 27, 23);
const min = 60_000;
const someTime = fc.integer({ min: now - 30 * min, max: now + 30 * min });
const someCause = fc
  .record({ state: fc.constantFrom("waiting" as const, "parked" as const), nextAt: someTime })
  .map((given): Cause => ({ code: "SERVER_THROTTLED", scope: "mailbox", text: "", since: now - min, tries: 1, ...given }));
const someFacts = fc.record(
  { checkedAt: someTime, cause: someCause, parkedBy: fc.record({ name: fc.constant("anna"), at: someTime }), isSyncing: fc.boolean() },
  { requiredKeys: ["isSyncing"] },
);

test("a state stays until the time that is named for its end, and is another one then", () => {
  fc.assert(
    fc.property(someFacts, fc.integer({ min: 0, max: 60 * min }), (given, laterMs) => {
      const known: MailboxFacts = { tenant: "contoso", address: "a@contoso.example", ...given };
      const asked = { now, freshWithinMs: 10 * min };
      const at = (time: number) => stateOf(known, { ...asked, now: time });
      const endsAt = stateEndsAt(known, asked);
      if (endsAt === Number.POSITIVE_INFINITY) expect(at(now + laterMs)).toBe(at(now));
      else {
        expect(at(endsAt - 1)).toBe(at(now));
        expect(at(endsAt)).not.toBe(at(now));
      }
    }),
  );
});
