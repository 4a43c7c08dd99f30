import { limits, type MailboxRef } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { describeFleetStore } from "../conformance/fleet-store.ts";
import { fakeClock } from "../fake-clock.ts";
import { seededChance } from "../seeded-chance.ts";
import { createMemoryFleet } from "./memory-fleet.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

describeFleetStore(
  "the memory fleet",
  async () => {
    const clock = fakeClock();
    const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
    return {
      processes: [fleet.process(), fleet.process()],
      register: async (one) => fleet.register(one),
      expireLease: async (one) => fleet.expireLease(one),
      pass: (ms) => clock.advance(ms),
      jobs: async () => fleet.jobs,
      facts: async (one) => fleet.facts(one),
      now: async () => clock.now(),
      ledgers: async (tenant) => ({ tenant: fleet.tenantLedger(tenant), fleet: fleet.fleetLedger() }),
      stored: async (one, folder) => fleet.stored(one, folder),
      overwrite: async (one, folder, text) => fleet.overwrite(one, folder, text),
    };
  },
  { describe, test, expect },
);

describe("a process of the memory fleet", () => {
  test("that lives keeps its lease for as long as it wants, one that died loses it with its time", async () => {
    const clock = fakeClock();
    const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
    fleet.register(mailbox);
    const [first, second] = [fleet.process(), fleet.process()];
    const lease = await first.store.acquire(mailbox, "fresh");
    await clock.advance(10 * limits.leaseMs);
    expect(await second.store.acquire(mailbox, "fresh")).toBeUndefined();
    first.isDead = true;
    await clock.advance(limits.leaseMs + 1);
    expect(await second.store.acquire(mailbox, "fresh")).toBeDefined();
    expect(lease?.signal.aborted).toBe(false);
  });

  test("that slept through its lease is told soon after it wakes, and no sooner", async () => {
    const clock = fakeClock();
    const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
    fleet.register(mailbox);
    const sleeper = fleet.process();
    const lease = await sleeper.store.acquire(mailbox, "fresh");
    sleeper.isAsleep = true;
    await clock.advance(2 * limits.leaseMs);
    sleeper.isAsleep = false;
    expect(lease?.signal.aborted).toBe(false);
    await clock.advance(limits.leaseRenewMs);
    expect(lease?.signal.reason).toMatchObject({ failure: { code: "LEASE_LOST" } });
  });
});
