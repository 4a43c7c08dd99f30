import { mailboxId } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { describePushLeases } from "../conformance/push-leases.ts";
import { fakeClock } from "../fake-clock.ts";
import { seededChance } from "../seeded-chance.ts";
import { createMemoryPushLeases } from "./memory-push-leases.ts";

describePushLeases(
  "the memory fake",
  async () => {
    const clock = fakeClock(Date.now());
    const leases = createMemoryPushLeases(clock, seededChance(7));
    return {
      leases: [leases, leases],
      register: async (mailboxes) => {
        for (const mailbox of mailboxes) leases.mailboxes.set(mailboxId(mailbox), mailbox);
      },
      setCause: async (mailbox, cause) => {
        if (cause) leases.causes.set(mailboxId(mailbox), cause);
        else leases.causes.delete(mailboxId(mailbox));
      },
      endPlace: async (place) => leases.endPlace(place),
      pass: (ms) => clock.advance(ms),
    };
  },
  { describe, test, expect },
);
