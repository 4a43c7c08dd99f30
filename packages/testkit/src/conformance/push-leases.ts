import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import { type Cause, limits, mailboxId, type MailboxRef, type PushLeases } from "@mailfleet/core";

export interface PushLeasesHarness {
  /** Two handles on the same store, as two processes have them. May be the same object. */
  readonly leases: readonly [PushLeases, PushLeases];
  register(mailboxes: readonly MailboxRef[]): Promise<void>;
  setCause(mailbox: MailboxRef, cause: Cause | undefined): Promise<void>;
  /** Ends a place, as if its time had run out. */
  endPlace(place: string): Promise<void>;
  /** Lets `ms` pass on the leases' own clock: by the fake clock, or for real. */
  pass(ms: number): Promise<void>;
}

/** Handed in, so that this file can be imported outside of a test run. */
type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

const all = (): boolean => true;
const shortMs = 60;

/** What every {@link PushLeases} must do. `open` gives an empty store for each test. */
export function describePushLeases(name: string, open: () => Promise<PushLeasesHarness>, { describe, test, expect }: Vitest): void {
  const box = (i: number, tenant = "contoso"): MailboxRef => ({ tenant, address: `m${i}@${tenant}.example`, protocol: "imap" });
  const boxes = (count: number): MailboxRef[] => Array.from({ length: count }, (_, i) => box(i));
  const waiting = (inMs: number, more: Partial<Cause> = {}): Cause => ({
    code: "SERVER_THROTTLED",
    scope: "mailbox",
    text: "Request is throttled.",
    since: Date.now(),
    tries: 1,
    nextAt: Date.now() + inMs,
    state: "waiting",
    ...more,
  });
  const started = async (count: number): Promise<PushLeasesHarness & { readonly place: string }> => {
    const harness = await open();
    await harness.register(boxes(count));
    await harness.leases[0].choose(all);
    return { ...harness, place: await harness.leases[0].join(100) };
  };

  describe(`${name} as push leases`, () => {
    test("tell how many mailboxes are chosen and free, and the budgets of those who live", async () => {
      const { leases, place } = await started(5);
      const other = await leases[1].join(7);
      expect(other).not.toBe(place);
      await leases[0].claim(place, 2);
      const facts = await leases[1].look();
      expect([facts.chosen, facts.free, facts.budgets.toSorted((a, b) => a - b)]).toEqual([5, 3, [7, 100]]);
    });

    test("give each mailbox to one place only, when several ask at once", async () => {
      const { leases, place } = await started(40);
      const other = await leases[1].join(100);
      const asked = await Promise.all([0, 1, 2, 3].flatMap(() => [leases[0].claim(place, 8), leases[1].claim(other, 8)]));
      const ids = asked.flat().map(({ mailbox }) => mailboxId(mailbox));
      // The rest of those that met is for the next round.
      expect(new Set(ids).size).toBe((await leases[0].look()).chosen - (await leases[0].look()).free);
      const [mine, theirs] = [0, 1].map(
        (side) => new Set(asked.filter((_, i) => i % 2 === side).flatMap((some) => some.map(({ mailbox }) => mailboxId(mailbox)))),
      );
      expect([...(mine ?? [])].filter((id) => theirs?.has(id))).toEqual([]);
    });

    test("leave out what the configuration does not choose, and what is read over POP3 by choice of the caller", async () => {
      const { leases, register } = await open();
      await register([box(1), { ...box(2), protocol: "pop3" }, box(3)]);
      await leases[0].choose(({ protocol, address }) => protocol === "imap" && !address.startsWith("m3"));
      const claims = await leases[0].claim(await leases[0].join(9), 9);
      expect(claims).toEqual([{ mailbox: box(1), tries: 0 }]);
    });

    test("keep what was claimed as long as the place is renewed", async () => {
      const { leases, place } = await started(3);
      const ids = (await leases[0].claim(place, 3)).map(({ mailbox }) => mailboxId(mailbox));
      expect(await leases[0].renew(place, ids)).toEqual({ lost: [], causes: new Map() });
      expect(await leases[1].claim(await leases[1].join(9), 9)).toEqual([]);
    });

    test("give a mailbox that was given back to nobody before its time, with the failures so far", async () => {
      const { leases, place, pass } = await started(1);
      await leases[0].claim(place, 1);
      await leases[0].giveBack(place, mailboxId(box(0)), shortMs, 3);
      expect(await leases[1].claim(place, 1)).toEqual([]);
      expect((await leases[0].look()).free).toBe(0);
      await pass(shortMs + 1);
      expect(await leases[1].claim(place, 1)).toEqual([{ mailbox: box(0), tries: 3 }]);
    });

    test("do not let a place give back what is another's by now", async () => {
      const { leases, place } = await started(1);
      await leases[0].claim(place, 1);
      await leases[1].giveBack(await leases[1].join(9), mailboxId(box(0)), 0, 0);
      expect(await leases[0].renew(place, [mailboxId(box(0))])).toMatchObject({ lost: [] });
    });

    test("free what a dead worker held, and tell it so when it wakes", async () => {
      const { leases, place, endPlace } = await started(3);
      const ids = (await leases[0].claim(place, 3)).map(({ mailbox }) => mailboxId(mailbox));
      await endPlace(place);
      const other = await leases[1].join(9);
      expect(await leases[1].look()).toMatchObject({ free: 3, budgets: [9] });
      expect(await leases[1].claim(other, 3)).toHaveLength(3);
      expect(await leases[0].renew(place, ids)).toBeUndefined();
      expect(await leases[0].claim(place, 3)).toEqual([]);
      expect(await leases[0].poke(place, box(0))).toBe("lost");
      // What it gives back in its sleep stays with the new holder.
      await leases[0].leave(place, ids);
      expect(await leases[1].renew(other, ids)).toMatchObject({ lost: [] });
    });

    test("end a place by themselves when it is not renewed", async () => {
      const { leases, place } = await started(1);
      const facts = await leases[0].look();
      expect(facts.budgets).toEqual([100]);
      expect(limits.leaseMs).toBeGreaterThan(limits.leaseSelfStopMs);
      expect(await leases[0].renew(place, [])).toBeDefined();
    });

    test("free everything at once when a worker leaves", async () => {
      const { leases, place } = await started(3);
      const ids = (await leases[0].claim(place, 3)).map(({ mailbox }) => mailboxId(mailbox));
      await leases[0].leave(place, ids);
      expect(await leases[1].look()).toEqual({ chosen: 3, free: 3, budgets: [] });
    });

    test("free what a worker that left did not name", async () => {
      const { leases, place } = await started(3);
      await leases[0].claim(place, 3);
      await leases[0].leave(place, []);
      expect(await leases[1].look()).toEqual({ chosen: 3, free: 3, budgets: [] });
      expect(await leases[0].renew(place, [])).toBeUndefined();
    });

    test("do not give out a mailbox whose cause keeps push away, and give it out when the cause is over", async () => {
      const { leases, place, setCause, pass } = await started(2);
      await setCause(box(0), waiting(shortMs));
      await setCause(box(1), waiting(600_000, { code: "COMMAND_REFUSED", scope: "folder" }));
      expect((await leases[0].claim(place, 9)).map(({ mailbox }) => mailbox)).toEqual([box(1)]);
      await setCause(box(0), undefined);
      await pass(shortMs + 1_100);
      expect((await leases[0].claim(place, 9)).map(({ mailbox }) => mailbox)).toEqual([box(0)]);
    });

    test("tell a poke of its mailbox's cause, except where the cause is a part of the mailbox", async () => {
      const { leases, place, setCause } = await started(2);
      await leases[0].claim(place, 2);
      const cause = waiting(600_000);
      await setCause(box(0), cause);
      await setCause(box(1), waiting(600_000, { code: "COMMAND_REFUSED", scope: "folder" }));
      expect(await leases[0].poke(place, box(0))).toEqual(cause);
      expect(await leases[0].poke(place, box(1))).toBe("poked");
      const ids = [mailboxId(box(0)), mailboxId(box(1))];
      expect((await leases[0].renew(place, ids))?.causes.get(mailboxId(box(0)))).toEqual(cause);
    });

    test("pace the logins of a tenant, whoever asks, and not those of another", async () => {
      const { leases } = await started(1);
      const waits: number[] = [];
      for (let i = 0; i < 6; i++) waits.push(await leases[i % 2 === 0 ? 0 : 1].loginSlot("contoso"));
      expect(waits[0]).toBe(0);
      // Asking takes a moment itself, which counts.
      expect(waits[5]).toBeGreaterThan(5 * limits.pushLoginGapMs - 2_000);
      expect(waits[5]).toBeLessThanOrEqual(10 * limits.pushLoginGapMs);
      expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
      expect(await leases[0].loginSlot("fabrikam")).toBe(0);
    });

    test("take away what is chosen no more, and tell its holder", async () => {
      const { leases, place, register } = await started(3);
      await leases[0].claim(place, 3);
      await register([box(9)]);
      await leases[1].choose(({ address }) => !address.startsWith("m1@"));
      const ids = [0, 1, 2].map((i) => mailboxId(box(i)));
      expect((await leases[0].renew(place, ids))?.lost).toEqual([mailboxId(box(1))]);
      expect(await leases[0].look()).toMatchObject({ chosen: 3, free: 1 });
    });

    test("free what a place does not know that it holds", async () => {
      const { leases, place } = await started(3);
      await leases[0].claim(place, 3);
      await leases[0].tidy(place, [mailboxId(box(1))]);
      expect(await leases[0].look()).toMatchObject({ chosen: 3, free: 2 });
    });
  });
}
