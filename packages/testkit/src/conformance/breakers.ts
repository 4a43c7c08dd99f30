import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import { type Breakers, type HoldOrder, type Lane, type Lease, mailboxId, type MailboxRef, type TenantHold } from "@mailfleet/core";

/** An empty fleet for one test. */
export interface BreakersHarness {
  readonly breakers: Breakers;
  register(mailbox: MailboxRef): Promise<void>;
  acquire(mailbox: MailboxRef, lane: Lane): Promise<Lease | undefined>;
  /** Ids that a producer takes now of the fresh lane. */
  take(): Promise<readonly string[]>;
  expireLease(mailbox: MailboxRef): Promise<void>;
  /** Makes the next look at the tenant due now, and its canary's time over. */
  makeLookDue(tenant: string): Promise<void>;
  holdOf(tenant: string): Promise<TenantHold | undefined>;
}

type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

const box = (name: string, tenant = "contoso"): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });
const [a, b, c] = [box("a"), box("b"), box("c")];
const dead: HoldOrder = {
  ...{ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", text: "expired", state: "parked" },
  ...{ tries: 1, inMs: 3_600_000, isSame: false },
};
const throttled: HoldOrder = { ...dead, code: "SERVER_THROTTLED", scope: "mailbox", text: "slow", state: "waiting", inMs: 60_000 };

/** How tenants are held and let go, in Redis and in the fake. */
export function describeBreakers(name: string, open: () => Promise<BreakersHarness>, { describe, test, expect }: Vitest): void {
  const openWith = async (): Promise<BreakersHarness & { lease: Lease }> => {
    const harness = await open();
    for (const one of [a, b, c]) await harness.register(one);
    return { ...harness, lease: await must(harness.acquire(a, "fresh")) };
  };

  describe(`${name} holds a tenant`, () => {
    test("so that none of its mailboxes is taken or begun, while other tenants go on", async () => {
      const harness = await openWith();
      await harness.register(box("x", "fabrikam"));
      expect(await harness.breakers.hold(harness.lease, dead)).toBe(true);
      expect(await harness.holdOf("contoso")).toMatchObject({ cause: { code: dead.code, text: "expired", state: "parked", tries: 1 } });
      expect(await harness.take()).toEqual([mailboxId(box("x", "fabrikam"))]);
      expect(await harness.acquire(b, "fresh")).toBeUndefined();
      expect(await harness.acquire(c, "backfill")).toBeUndefined();
      harness.lease.stop();
    });

    test("once, also when the order is sent again, or comes from others who met the same", async () => {
      const harness = await openWith();
      const other = await must(harness.acquire(b, "fresh"));
      await harness.breakers.hold(harness.lease, dead);
      const before = await harness.holdOf("contoso");
      expect(await harness.breakers.hold(harness.lease, { ...dead, text: "again", inMs: 1 })).toBe(true);
      expect(await harness.breakers.hold(other, { ...dead, text: "other", inMs: 1 })).toBe(true);
      expect(await harness.holdOf("contoso")).toEqual(before);
      for (const lease of [harness.lease, other]) lease.stop();
    });

    test("for nobody whose lease is lost", async () => {
      const harness = await openWith();
      await harness.expireLease(a);
      expect(await harness.breakers.hold(harness.lease, dead)).toBe(false);
      expect(await harness.holdOf("contoso")).toBeUndefined();
      harness.lease.stop();
    });

    test("longer for the same reason, and parked where it only waited; never the other way", async () => {
      const harness = await openWith();
      const [second, third] = [await must(harness.acquire(b, "fresh")), await must(harness.acquire(c, "fresh"))];
      await harness.breakers.hold(harness.lease, throttled);
      const short = await harness.holdOf("contoso");
      await harness.breakers.hold(second, { ...throttled, inMs: 600_000 });
      const long = await harness.holdOf("contoso");
      expect((long?.cause.nextAt ?? 0) - (short?.cause.nextAt ?? 0)).toBeGreaterThan(500_000);
      await harness.breakers.hold(third, dead);
      const parked = await harness.holdOf("contoso");
      expect(parked).toMatchObject({ id: short?.id, cause: { code: dead.code, state: "parked" } });
      const late = { ...second, token: "9:other" } as Lease;
      expect(await harness.breakers.hold(late, throttled)).toBe(false);
      expect(await harness.holdOf("contoso")).toEqual(parked);
      for (const lease of [harness.lease, second, third]) lease.stop();
    });
  });

  describe(`${name} looks at a held tenant`, () => {
    const withCanary = async (): Promise<BreakersHarness & { canary: Lease }> => {
      const harness = await openWith();
      await harness.breakers.hold(harness.lease, dead);
      harness.lease.stop();
      await harness.expireLease(a);
      await harness.makeLookDue("contoso");
      const taken = await harness.take();
      expect(taken).toHaveLength(1);
      const mailbox = [a, b, c].find((one) => mailboxId(one) === taken[0]) as MailboxRef;
      return { ...harness, canary: await must(harness.acquire(mailbox, "fresh")) };
    };

    test("through one canary at a time, which knows what it is", async () => {
      const harness = await withCanary();
      expect(harness.canary.canary).toEqual(await harness.holdOf("contoso"));
      expect(await harness.take()).toEqual([]);
      for (const one of [a, b, c]) expect(await harness.acquire(one, "fresh")).toBeUndefined();
      harness.canary.stop();
    });

    test("and lets it go as soon as the canary opened", async () => {
      const harness = await withCanary();
      await harness.breakers.opened(harness.canary, false);
      expect(await harness.holdOf("contoso")).toBeUndefined();
      // Its logins begin with an empty bucket, which fills within the same millisecond or the next.
      let taken = await harness.take();
      while (taken.length === 0) taken = await harness.take();
      harness.canary.stop();
    });

    test("and lets it go when the canary met something else, once", async () => {
      const harness = await withCanary();
      await harness.breakers.release(harness.canary);
      expect(await harness.holdOf("contoso")).toBeUndefined();
      await harness.breakers.release(harness.canary);
      const other = [a, b].find((one) => mailboxId(one) !== mailboxId(harness.canary.mailbox)) as MailboxRef;
      const next = await must(harness.acquire(other, "fresh"));
      await harness.breakers.hold(next, dead);
      await harness.breakers.release(harness.canary);
      await harness.breakers.opened(harness.canary, true);
      expect(await harness.holdOf("contoso")).toBeDefined();
      for (const lease of [harness.canary, next]) lease.stop();
    });

    test("and later again when it failed, with the same beginning", async () => {
      const harness = await withCanary();
      const before = await harness.holdOf("contoso");
      expect(await harness.breakers.hold(harness.canary, { ...dead, tries: 2, isSame: true })).toBe(true);
      const after = await harness.holdOf("contoso");
      expect(after).toMatchObject({ id: before?.id, cause: { tries: 2, since: before?.cause.since } });
      expect(after?.cause.nextAt).toBeGreaterThan(before?.cause.nextAt ?? 0);
      expect(await harness.take()).toEqual([]);
      harness.canary.stop();
    });

    test("not through one who opened before the hold", async () => {
      const harness = await openWith();
      const early = await must(harness.acquire(b, "fresh"));
      await harness.breakers.hold(harness.lease, dead);
      await harness.breakers.opened(early, true);
      expect(await harness.holdOf("contoso")).toBeDefined();
      for (const lease of [harness.lease, early]) lease.stop();
    });
  });

  describe(`${name} compares neighbours`, () => {
    test("by distinct mailboxes that were refused since any of the tenant opened", async () => {
      const harness = await openWith();
      await harness.breakers.refused(a, "login", false);
      await harness.breakers.refused(a, "login", false);
      await harness.breakers.refused(b, "access", false);
      expect(await harness.breakers.refused(c, "login", false)).toMatchObject({
        mailboxes: 3,
        refused: { login: 2, access: 1, reach: 0, throttle: 0 },
        openedLately: 0,
        others: { active: 0, down: 0, open: 0 },
      });
      await harness.breakers.opened(harness.lease, true);
      const view = await harness.breakers.refused(b, "reach", false);
      expect(view).toMatchObject({ refused: { login: 0, access: 0, reach: 1 }, openedLately: 1 });
      expect(view.openedAgoMs).toBeLessThan(5_000);
      harness.lease.stop();
    });

    test("and other tenants, those that opened before and are refused together with it", async () => {
      const harness = await openWith();
      for (const tenant of ["fabrikam", "northwind"]) {
        await harness.register(box("x", tenant));
        const lease = await must(harness.acquire(box("x", tenant), "fresh"));
        await harness.breakers.opened(lease, true);
        lease.stop();
      }
      await harness.breakers.refused(box("x", "fabrikam"), "login", false);
      expect((await harness.breakers.refused(a, "login", false)).others).toMatchObject({ active: 2, down: 1 });
      harness.lease.stop();
    });
  });
}

async function must(lease: Promise<Lease | undefined>): Promise<Lease> {
  const held = await lease;
  if (!held) throw new Error("the mailbox was not given");
  return held;
}
