import { mailboxId, type MailboxRef } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { describeBreakers } from "../conformance/breakers.ts";
import { fakeClock } from "../fake-clock.ts";
import { seededChance } from "../seeded-chance.ts";
import { createMemoryFleet } from "./memory-fleet.ts";

describeBreakers(
  "the fake",
  async () => {
    const clock = fakeClock();
    const fleet = createMemoryFleet({ clock, chance: seededChance(7) });
    const { store, breakers } = fleet.process();
    return {
      breakers,
      register: async (mailbox: MailboxRef) => fleet.register(mailbox),
      acquire: (mailbox, lane) => store.acquire(mailbox, lane),
      async take() {
        const ids: string[] = [];
        for (let job = fleet.take(); job; job = fleet.take()) ids.push(mailboxId(job.mailbox));
        return ids;
      },
      expireLease: async (mailbox) => fleet.expireLease(mailbox),
      async makeLookDue(tenant) {
        const hold = fleet.breakers.holdOf(tenant);
        if (hold) Object.assign(hold, { canaryUntil: 0, cause: { ...hold.cause, nextAt: 1 } });
      },
      async holdOf(tenant) {
        const hold = fleet.breakers.holdOf(tenant);
        return hold && { id: hold.id, cause: hold.cause };
      },
    };
  },
  { describe, test, expect },
);
