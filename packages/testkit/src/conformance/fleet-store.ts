import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import {
  type Cause,
  type Commit,
  emptyLedger,
  type FolderLedger,
  type HandOff,
  type Lane,
  type Lease,
  limits,
  type Listing,
  type MailboxRef,
  type MailboxStore,
  type MailEvent,
  outgoing,
  type Pace,
  packCheckpoint,
  startCheckpoint,
  uidSetOf,
} from "@mailfleet/core";
import { seededChance } from "../seeded-chance.ts";
import type { FleetJob, MailboxFacts } from "../fakes/memory-fleet.ts";

/** An empty fleet for one test. */
export interface FleetStoreHarness {
  /** Two processes of one fleet. */
  readonly processes: readonly [ports: FleetStorePorts, ports: FleetStorePorts];
  register(mailbox: MailboxRef): Promise<void>;
  /** Makes the lease end now, as its time does. */
  expireLease(mailbox: MailboxRef): Promise<void>;
  /** Lets `ms` pass for the holders of leases, and their timers run. */
  pass(ms: number): Promise<void>;
  /** Jobs of the `messages` queue that no consumer took, oldest first. */
  jobs(): Promise<readonly FleetJob[]>;
  facts(mailbox: MailboxRef): Promise<MailboxFacts>;
  /** By the clock that due times are measured with, epoch ms. */
  now(): Promise<number>;
  ledgers(tenant: string): Promise<{ readonly tenant: FolderLedger; readonly fleet: FolderLedger }>;
  stored(mailbox: MailboxRef, folder: string): Promise<string | undefined>;
  overwrite(mailbox: MailboxRef, folder: string, text: string): Promise<void>;
}

export interface FleetStorePorts {
  readonly store: MailboxStore;
  readonly handOff: HandOff;
}

type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const other: MailboxRef = { tenant: "contoso", address: "sales@contoso.example", protocol: "imap" };
/** Due times are measured between two looks at a clock that runs on. */
const toleranceMs = 5_000;

/** What leases, checkpoints and the atomic commit must do, in Redis and in the fake. */
export function describeFleetStore(name: string, open: () => Promise<FleetStoreHarness>, { describe, test, expect }: Vitest): void {
  const chance = seededChance(11);
  const openWith = async (lane: Lane = "fresh"): Promise<FleetStoreHarness & { lease: Lease }> => {
    const harness = await open();
    await harness.register(mailbox);
    await harness.register(other);
    return { ...harness, lease: await mustAcquire(harness.processes[0], lane) };
  };
  const mustAcquire = async ({ store }: FleetStorePorts, lane: Lane = "fresh", of = mailbox): Promise<Lease> => {
    const lease = await store.acquire(of, lane);
    if (!lease) throw new Error("the lease was not given");
    return lease;
  };
  const commitOf = (lease: Lease, uids: readonly number[], over: Partial<Commit> = {}): Commit => ({
    id: chance.uuid(),
    lease,
    folder: "INBOX",
    expectedVersion: 0,
    checkpoint: { ...startCheckpoint({ uidValidity: "14", uidNext: 100, messages: 0 }, 1, false), handedOff: uidSetOf(uids) },
    ledger: { ...emptyLedger, listed: uids.length, handedOff: uids.length },
    events: uids.map((uid) => outgoing(resetEvent(uid))),
    ...over,
  });
  const ids = async (harness: FleetStoreHarness): Promise<string[]> => (await harness.jobs()).map((job) => job.id);

  describe(`${name} holds leases`, () => {
    test("for one session in the fleet; one that looks for new mail meanwhile leaves a poke, one that looks for history does not", async () => {
      const harness = await openWith("backfill");
      expect(await harness.processes[1].store.acquire(mailbox, "backfill")).toBeUndefined();
      expect((await harness.facts(mailbox)).isPoked).toBe(false);
      expect(await harness.processes[1].store.acquire(mailbox, "fresh")).toBeUndefined();
      expect((await harness.facts(mailbox)).isPoked).toBe(true);
      const { freshDueAt = 0 } = await harness.facts(mailbox);
      // The holder serves the poke, and says at its end when to look again; it is asked again only if it dies.
      expect(Math.abs(freshDueAt - (await harness.now()) - limits.leaseMs)).toBeLessThan(toleranceMs);
      harness.lease.stop();
    });

    test("mailbox by mailbox, each under a token of its own", async () => {
      const harness = await openWith();
      const second = await mustAcquire(harness.processes[1], "fresh", other);
      expect(second.token).not.toBe(harness.lease.token);
      expect(harness.lease).toMatchObject({ mailbox, lane: "fresh" });
      harness.lease.stop();
      second.stop();
    });

    test("until their time is over: then the next one gets it, under a higher number and another random part", async () => {
      const harness = await openWith();
      await harness.expireLease(mailbox);
      const next = await mustAcquire(harness.processes[1]);
      const [one, two] = [harness.lease, next].map(({ token }) => token.split(":"));
      expect(Number(two?.[0])).toBeGreaterThan(Number(one?.[0]));
      expect(two?.[1]).not.toBe(one?.[1]);
      harness.lease.stop();
      next.stop();
    });

    test("and a taken mailbox is due again when its lease ends, whatever becomes of the holder", async () => {
      const harness = await openWith("backfill");
      const { backfillDueAt = 0 } = await harness.facts(mailbox);
      expect(Math.abs(backfillDueAt - (await harness.now()) - limits.leaseMs)).toBeLessThan(toleranceMs);
      harness.lease.stop();
    });

    test("for no mailbox that is not registered", async () => {
      const harness = await open();
      expect(await harness.processes[0].store.acquire(mailbox, "fresh")).toBeUndefined();
    });

    test("whose holder learns that another session has it, and that alone ends its signal", async () => {
      const harness = await openWith();
      await harness.pass(limits.leaseRenewMs + 1_000);
      expect([harness.lease.signal.aborted, harness.lease.isHeld()]).toEqual([false, true]);
      await harness.expireLease(mailbox);
      const next = await mustAcquire(harness.processes[1]);
      await harness.pass(limits.leaseRenewMs + 1_000);
      expect(harness.lease.signal.reason).toMatchObject({ failure: { code: "LEASE_LOST" } });
      expect(harness.lease.isHeld()).toBe(false);
      expect([next.signal.aborted, next.isHeld()]).toEqual([false, true]);
      harness.lease.stop();
      next.stop();
    });
  });

  describe(`${name} commits`, () => {
    test("events, checkpoint and ledger together, in order, and counts them for mailbox, tenant and fleet", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      const step = commitOf(harness.lease, [11, 12]);
      expect(await handOff.commit(step)).toEqual({ kind: "applied", version: 1, isPoked: false });
      expect(await ids(harness)).toEqual(step.events.map((event) => event.id));
      const { id = "", json = [] } = step.events[0] ?? {};
      expect((await harness.jobs())[0]).toEqual({ id, type: "folder.reset", json: json.join("") });
      const { folders } = await store.load(mailbox);
      expect(folders.get("INBOX")).toEqual({ version: 1, checkpoint: step.checkpoint, ledger: step.ledger });
      expect((await harness.stored(mailbox, "INBOX"))?.split("\n")).toEqual(["1", step.id, "2 2 0 0 0", packCheckpoint(step.checkpoint)]);
      const ledger = { ...emptyLedger, listed: 2, handedOff: 2 };
      expect((await harness.facts(mailbox)).ledger).toEqual(ledger);
      expect(await harness.ledgers("contoso")).toEqual({ tenant: ledger, fleet: ledger });
      harness.lease.stop();
    });

    test("folder by folder, and ledgers by what changed", async () => {
      const harness = await openWith();
      const { handOff } = harness.processes[0];
      await handOff.commit(commitOf(harness.lease, [], { ledger: { ...emptyLedger, listed: 5, toDo: 5 } }));
      await handOff.commit(commitOf(harness.lease, [], { folder: "Sent", ledger: { ...emptyLedger, listed: 2, toDo: 2 } }));
      await handOff.commit(
        commitOf(harness.lease, [], { expectedVersion: 1, ledger: { ...emptyLedger, listed: 4, handedOff: 3, toDo: 1 } }),
      );
      expect((await harness.ledgers("contoso")).fleet).toEqual({ ...emptyLedger, listed: 6, handedOff: 3, toDo: 3 });
      harness.lease.stop();
    });

    test("nothing at all for a session whose lease is another's, or over", async () => {
      const harness = await openWith();
      await harness.expireLease(mailbox);
      expect(await harness.processes[0].handOff.commit(commitOf(harness.lease, [11]))).toEqual({ kind: "fenced" });
      const next = await mustAcquire(harness.processes[1]);
      expect(await harness.processes[0].handOff.commit(commitOf(harness.lease, [11]))).toEqual({ kind: "fenced" });
      expect(await harness.jobs()).toEqual([]);
      expect(await harness.stored(mailbox, "INBOX")).toBeUndefined();
      expect((await harness.facts(mailbox)).leaseToken).toBe(next.token);
      harness.lease.stop();
      next.stop();
    });

    test("nothing at all over another version than the session read", async () => {
      const harness = await openWith();
      const { handOff } = harness.processes[0];
      await handOff.commit(commitOf(harness.lease, [11]));
      const before = await harness.stored(mailbox, "INBOX");
      expect(await handOff.commit(commitOf(harness.lease, [11, 12]))).toEqual({ kind: "stale" });
      expect(await harness.stored(mailbox, "INBOX")).toBe(before);
      expect(await harness.jobs()).toHaveLength(1);
      harness.lease.stop();
    });

    test("once what is sent twice, also after its lease went to another", async () => {
      const harness = await openWith();
      const step = commitOf(harness.lease, [11]);
      await harness.processes[0].handOff.commit(step);
      expect(await harness.processes[0].handOff.commit(step)).toMatchObject({ kind: "applied", version: 1 });
      await harness.expireLease(mailbox);
      const next = await mustAcquire(harness.processes[1]);
      expect(await harness.processes[0].handOff.commit(step)).toMatchObject({ kind: "applied", version: 1 });
      expect(await harness.jobs()).toHaveLength(1);
      expect((await harness.facts(mailbox)).ledger.handedOff).toBe(1);
      harness.lease.stop();
      next.stop();
    });

    test("an id that is queued already as no second job, and the rest of its batch all the same", async () => {
      const harness = await openWith();
      const { handOff } = harness.processes[0];
      await handOff.commit(commitOf(harness.lease, [11]));
      await handOff.commit(commitOf(harness.lease, [11, 12], { expectedVersion: 1 }));
      expect((await ids(harness)).map((id) => id.split("/").at(-1))).toEqual(["11", "12"]);
      harness.lease.stop();
    });

    test("and tells once that somebody asks for new mail", async () => {
      const harness = await openWith("backfill");
      const { handOff } = harness.processes[0];
      await harness.processes[1].store.acquire(mailbox, "fresh");
      expect(await handOff.commit(commitOf(harness.lease, []))).toMatchObject({ isPoked: true });
      expect(await handOff.commit(commitOf(harness.lease, [], { expectedVersion: 1 }))).toMatchObject({ isPoked: false });
      harness.lease.stop();
    });

    test("and says by which protocol the mailbox is registered now, not by which a holder was told to read it", async () => {
      const harness = await openWith();
      const { store } = harness.processes[0];
      expect(await store.load(mailbox)).toMatchObject({ protocol: "imap" });
      await harness.register({ ...mailbox, protocol: "pop3" });
      expect(await store.load(mailbox)).toMatchObject({ protocol: "pop3", folders: new Map() });
      harness.lease.stop();
    });

    test("and reads back a checkpoint that it cannot understand as none, with version and ledger, that folder only", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      await handOff.commit(commitOf(harness.lease, [11]));
      await handOff.commit(commitOf(harness.lease, [], { folder: "Sent" }));
      await harness.overwrite(mailbox, "INBOX", "7\nid\n1 1 0 0 0\n{broken");
      const { folders } = await store.load(mailbox);
      expect(folders.get("INBOX")).toEqual({ version: 7, checkpoint: undefined, ledger: { ...emptyLedger, listed: 1, handedOff: 1 } });
      expect(folders.get("Sent")?.checkpoint).toBeDefined();
      harness.lease.stop();
    });
  });

  describe(`${name} notes what is in hand`, () => {
    const inHand = { folder: "INBOX", generation: 1, uids: uidSetOf([3, 4, 7]), step: "together" } as const;
    const suspects = [{ folder: "INBOX", generation: 1, uid: 9, deaths: 1.25 }];

    test("for the session that comes after a death, and only while the lease is held", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      expect(harness.lease.found).toEqual(await store.load(mailbox));
      await handOff.commit(commitOf(harness.lease, [11]));
      expect((await store.load(mailbox)).hand).toEqual({ suspects: [] });
      expect(await store.noteInHand(harness.lease, { inHand, suspects })).toBe(true);
      expect((await harness.processes[1].store.load(mailbox)).hand).toEqual({ inHand, suspects });
      await harness.expireLease(mailbox);
      const next = await mustAcquire(harness.processes[1]);
      expect(next.found).toEqual(await store.load(mailbox));
      expect(await store.noteInHand(harness.lease, { suspects: [] })).toBe(false);
      expect((await store.load(mailbox)).hand).toEqual({ inHand, suspects });
      expect(await harness.processes[1].store.noteInHand(next, { suspects: [] })).toBe(true);
      expect((await store.load(mailbox)).hand).toEqual({ suspects: [] });
      harness.lease.stop();
      next.stop();
    });

    test("until a commit or the settlement, which leave the suspects", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      await store.noteInHand(harness.lease, { inHand, suspects });
      await handOff.commit(commitOf(harness.lease, [3]));
      expect((await store.load(mailbox)).hand).toEqual({ suspects });
      await store.noteInHand(harness.lease, { inHand, suspects });
      await handOff.settle(harness.lease, { checked: true, opened: true, freshDueInMs: 1, events: [] });
      expect((await store.load(mailbox)).hand).toEqual({ suspects });
      harness.lease.stop();
    });
  });

  describe(`${name} settles`, () => {
    const calm = { checked: true, opened: true, freshDueInMs: 60_000, events: [] };
    const cause: Cause = { code: "SESSION_CLOSED", scope: "session", text: "cut", since: 1, tries: 2, nextAt: 3, state: "waiting" };

    test("a session: the lease is free at once, both lanes know when they are due", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      expect(await handOff.settle(harness.lease, { ...calm, backfillDueInMs: 0 })).toBe(true);
      const facts = await harness.facts(mailbox);
      const now = await harness.now();
      expect(Math.abs((facts.freshDueAt ?? 0) - now - 60_000)).toBeLessThan(toleranceMs);
      expect(Math.abs((facts.backfillDueAt ?? 0) - now)).toBeLessThan(toleranceMs);
      expect(facts.leaseToken).toBeUndefined();
      expect(await store.load(mailbox)).toMatchObject({ opened: true });
      const next = await mustAcquire(harness.processes[1]);
      expect(await handOff.settle(next, calm)).toBe(true);
      expect((await harness.facts(mailbox)).backfillDueAt).toBeUndefined();
      harness.lease.stop();
      next.stop();
    });

    test("with its cause and its events, and without a cause when nothing stops the mailbox any more", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      await handOff.settle(harness.lease, { ...calm, checked: false, cause, events: [resetEvent(1)] });
      expect(await ids(harness)).toHaveLength(1);
      expect((await store.load(mailbox)).cause).toEqual(cause);
      const next = await mustAcquire(harness.processes[0]);
      await handOff.settle(next, calm);
      expect((await store.load(mailbox)).cause).toBeUndefined();
      harness.lease.stop();
      next.stop();
    });

    test("with the pace that it learned and what it knew of the folders, until a session left neither", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      expect(await store.load(mailbox)).not.toHaveProperty("pace");
      const times = { spentMs: 1_250, countedFrom: 1_794_999_999_000, lookMs: 21, firstMs: 48.5, messageMs: 30 };
      const pace: Pace = { duty: 0.125, ceiling: 0.25, since: 1_795_000_000_000, sign: "hint", ...times };
      const listing: Listing = { at: 1_795_000_000_000, rules: "abcdef", wireNames: { "A/B": "A.B" }, aside: ["Old"] };
      const rhythm = { mailAt: 1_795_000_000_000, gapMs: 600_000 };
      await handOff.settle(harness.lease, { ...calm, pace, listing, rhythm });
      const known = await store.load(mailbox);
      const { nextAt = 0, ...state } = known;
      expect(state).toMatchObject({ pace, listing, rhythm });
      expect(Math.abs(nextAt - (await harness.now()) - 60_000)).toBeLessThan(toleranceMs);
      const next = await mustAcquire(harness.processes[0]);
      expect(next.found).toEqual(known);
      await handOff.settle(next, calm);
      expect(await store.load(mailbox)).toMatchObject({ rhythm });
      for (const gone of ["pace", "listing"]) expect(await store.load(mailbox)).not.toHaveProperty(gone);
      harness.lease.stop();
      next.stop();
    });

    test("so that who was turned away is served next, unless something stops the mailbox", async () => {
      const harness = await openWith();
      const { handOff, store } = harness.processes[0];
      await store.acquire(mailbox, "fresh");
      await handOff.settle(harness.lease, calm);
      expect(Math.abs(((await harness.facts(mailbox)).freshDueAt ?? 0) - (await harness.now()))).toBeLessThan(toleranceMs);
      const next = await mustAcquire(harness.processes[0]);
      await store.acquire(mailbox, "fresh");
      await handOff.settle(next, { ...calm, cause });
      const facts = await harness.facts(mailbox);
      expect((facts.freshDueAt ?? 0) - (await harness.now())).toBeGreaterThan(60_000 - toleranceMs);
      expect(facts.isPoked).toBe(false);
      harness.lease.stop();
      next.stop();
    });

    test("once what is sent twice, also when the next session has begun", async () => {
      const harness = await openWith();
      const { handOff } = harness.processes[0];
      const settlement = { ...calm, events: [resetEvent(1)] };
      expect(await handOff.settle(harness.lease, settlement)).toBe(true);
      expect(await handOff.settle(harness.lease, settlement)).toBe(true);
      const next = await mustAcquire(harness.processes[1]);
      expect(await handOff.settle(harness.lease, settlement)).toBe(true);
      expect(await harness.jobs()).toHaveLength(1);
      expect((await harness.facts(mailbox)).leaseToken).toBe(next.token);
      harness.lease.stop();
      next.stop();
    });

    test("nothing for a session whose lease is another's", async () => {
      const harness = await openWith();
      await harness.expireLease(mailbox);
      const next = await mustAcquire(harness.processes[1]);
      expect(await harness.processes[0].handOff.settle(harness.lease, { ...calm, cause, events: [resetEvent(1)] })).toBe(false);
      expect(await harness.jobs()).toEqual([]);
      expect(await harness.facts(mailbox)).toMatchObject({ leaseToken: next.token, opened: false });
      harness.lease.stop();
      next.stop();
    });
  });
}

/** The smallest event there is; what it says does not matter here. */
function resetEvent(serial: number): MailEvent {
  return {
    schema: "mailfleet.event/1",
    type: "folder.reset",
    key: `contoso/support@contoso.example/INBOX/reset/${serial}`,
    tenant: "contoso",
    mailbox: mailbox.address,
    protocol: "imap",
    at: "2026-11-23T14:03:22.000Z",
    lane: "fresh",
    folder: { path: "INBOX", role: "inbox" },
    uidValidity: "14",
    previousUidValidity: "13",
    generation: serial,
  };
}
