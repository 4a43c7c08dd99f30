import { describe, expect, test } from "vitest";
import { limits, type MailboxRef, type MailEvent, type Protocol } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { wholeMailbox } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";

const settings = { ...wholeMailbox, smallHistory: { messages: 6, bytes: limits.smallHistoryBytes } };

/** A mailbox that nobody has looked at, with messages in two folders. */
function newMailbox(inbox: number, archive: number, options: { readonly protocol?: Protocol; readonly size?: number } = {}) {
  const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: options.protocol ?? "imap" };
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const mail = server.addMailbox(mailbox.address);
  mail.createFolder("Archive");
  const deliver = (folder: string, name: string): void =>
    void mail.deliver(folder, Buffer.from(`Subject: ${name}\r\n\r\n${name}\r\n`), options.size === undefined ? {} : { size: options.size });
  for (let i = 0; i < inbox; i++) deliver("INBOX", `a${i}`);
  for (let i = 0; i < archive; i++) deliver("Archive", `b${i}`);
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const sync = (own: Partial<EnginePorts> = {}): Promise<SyncOutcome> =>
    syncMailbox({ ...ports, ...own }, settings, mailbox, "fresh", new AbortController().signal);
  const told = (): readonly MailEvent[] => fleet.jobs.map(({ json }) => JSON.parse(json) as MailEvent);
  return { clock, deliver, fleet, mailbox, ports, sync, told };
}

describe("a new mailbox with little history", () => {
  test.each(["imap", "pop3"] as const)("is done by the session that looks at it first, over %s", async (protocol) => {
    const { fleet, mailbox, sync, told } = newMailbox(3, protocol === "imap" ? 3 : 0, { protocol });
    // A batch and a comparison for each folder: what begins it is written with its batch.
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: false, counts: { commits: protocol === "imap" ? 4 : 2 } });
    expect(told()).toHaveLength(protocol === "imap" ? 6 : 3);
    expect(told().every(({ lane }) => lane === "backfill")).toBe(true);
    expect(fleet.facts(mailbox).backfillDueAt).toBeUndefined();
    expect(fleet.facts(mailbox).ledger).toMatchObject({ toDo: 0 });
  });

  test("leaves it to the backfill lane when it is more than the limit over all folders", async () => {
    const { fleet, mailbox, sync, told } = newMailbox(4, 3);
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 0 } });
    expect(told()).toEqual([]);
    expect(fleet.facts(mailbox).backfillDueAt).toBeDefined();
  });

  test("leaves to the backfill lane what would be more bytes than the limit", async () => {
    const { fleet, mailbox, sync } = newMailbox(2, 2, { size: Math.ceil(limits.smallHistoryBytes * 0.7) });
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 1 } });
    expect(fleet.facts(mailbox).backfillDueAt).toBeDefined();
    expect(fleet.facts(mailbox).ledger).toMatchObject({ listed: 4, handedOff: 1, toDo: 3 });
  });

  test("leaves it to the backfill lane while that is slowed, and asks for nothing else than for it", async () => {
    const { fleet, mailbox, sync } = newMailbox(2, 2);
    const asked: string[] = [];
    const shouldYield: EnginePorts["gate"]["shouldYield"] = (lane, border) => {
      asked.push(`${lane} ${border}`);
      return Promise.resolve(true);
    };
    const outcome = await sync({ gate: { shouldYield, isDraining: () => false } });
    expect(outcome).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 0 } });
    expect(asked).toEqual(["backfill guest"]);
    expect(fleet.facts(mailbox).ledger).toMatchObject({ listed: 4, toDo: 4 });
    expect(fleet.facts(mailbox).backfillDueAt).toBeDefined();
  });

  test("ends at a batch border when consumers fall behind, and repeats nothing", async () => {
    const { fleet, mailbox, sync, told } = newMailbox(2, 2);
    let questions = 0;
    const gate = { shouldYield: () => Promise.resolve(++questions > 1), isDraining: () => false };
    expect(await sync({ gate })).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 2 } });
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: 2 } });
    expect(new Set(told().map(({ key }) => key)).size).toBe(4);
    expect(told()).toHaveLength(4);
    expect(fleet.facts(mailbox).backfillDueAt).toBeUndefined();
  });

  test("sets aside the message that workers die of, though none of them stored anything of its folder", async () => {
    const { clock, deliver, ports, sync, told } = newMailbox(2, 0);
    deliver("INBOX", "poison");
    const dies = (raw: Buffer): Promise<never> | undefined =>
      raw.includes("poison") ? Promise.reject(new Error("the worker died")) : undefined;
    const mime: EnginePorts["mime"] = { ...ports.mime, parse: (raw, ...rest) => dies(Buffer.from(raw)) ?? ports.mime.parse(raw, ...rest) };
    let deaths = 0;
    for (; deaths < 10; deaths++) {
      const outcome = await sync({ mime }).catch((error: Error) => error);
      if (!(outcome instanceof Error)) break;
      await clock.advance(limits.leaseMs + 1);
    }
    expect(deaths).toBe(limits.killedWorkers);
    expect(told().map(({ type }) => type)).toEqual(["message.quarantined", "message.added", "message.added"]);
  });

  test("serves a poke in the same session", async () => {
    const { deliver, ports, mailbox, sync, told } = newMailbox(2, 2);
    let isPoked = false;
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (!isPoked && step.events.length > 0) {
        isPoked = true;
        deliver("Archive", "urgent");
        expect(await ports.store.acquire(mailbox, "fresh")).toBeUndefined();
      }
      return ports.handOff.commit(step);
    };
    const settle: EnginePorts["handOff"]["settle"] = (lease, settlement) => ports.handOff.settle(lease, settlement);
    expect(await sync({ handOff: { commit, settle } })).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: 5 } });
    expect(
      told()
        .map(({ lane }) => lane)
        .toSorted(),
    ).toEqual(["backfill", "backfill", "backfill", "backfill", "fresh"]);
  });
});
