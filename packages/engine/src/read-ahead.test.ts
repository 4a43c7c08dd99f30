import { describe, expect, test } from "vitest";
import { limits, type MailboxRef, type MailEvent, type MailSession, type Protocol, syncError } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { wholeMailbox } from "./one-pass.fixture.ts";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";

const settings = { ...wholeMailbox, smallHistory: { messages: 0, bytes: 0 } };

/** The first batch, while it is not known how long a message takes; the next one, and a third. */
const [first, second, third] = [25, limits.batchMessages, 10];
const all = first + second + third;

/** A mailbox with this much history that a session of the fresh lane has seen; what is fetched and committed of it is counted. */
async function historyOf(messages: number, options: { readonly protocol?: Protocol; readonly body?: string; readonly size?: number } = {}) {
  const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: options.protocol ?? "imap" };
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const mail = server.addMailbox(mailbox.address);
  const deliver = (name: string): void => {
    const raw = Buffer.from(`Subject: ${name}\r\n\r\n${options.body ?? name}\r\n`);
    mail.deliver("INBOX", raw, options.size === undefined ? {} : { size: options.size });
  };
  for (let i = 1; i <= messages; i++) deliver(`m${i}`);
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const seen = { fetched: 0, asked: 0, atCommit: [] as number[] };
  const world = { clock, deliver, fleet, mailbox, ports, seen, onFetched: (_count: number): void => undefined };
  const counted = (session: MailSession): MailSession =>
    new Proxy(session, {
      get(target, name) {
        if (name !== "fetch") {
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        }
        return async function* (uids: readonly number[]) {
          seen.asked++;
          for await (const some of target.fetch(uids)) {
            for (const _ of some) world.onFetched(++seen.fetched);
            yield some;
          }
        };
      },
    });
  const open: EnginePorts["mail"]["open"] = async (...args) => counted(await ports.mail.open(...args));
  const commit: EnginePorts["handOff"]["commit"] = async (step) => {
    // As long as Redis takes: whatever can go on meanwhile does.
    for (let i = 0; i < 2_000; i++) await Promise.resolve();
    if (step.events.length > 0) seen.atCommit.push(seen.fetched);
    return ports.handOff.commit(step);
  };
  const settle: EnginePorts["handOff"]["settle"] = (lease, settlement) => ports.handOff.settle(lease, settlement);
  const sync = (lane: "fresh" | "backfill" = "backfill", own: Partial<EnginePorts> = {}): Promise<SyncOutcome> =>
    syncMailbox({ ...ports, mail: { open }, handOff: { commit, settle }, ...own }, settings, mailbox, lane, new AbortController().signal);
  const told = (): readonly MailEvent[] => fleet.jobs.map(({ json }) => JSON.parse(json) as MailEvent);
  await sync("fresh");
  return Object.assign(world, { sync, told });
}

function keysOf(events: readonly MailEvent[]): readonly string[] {
  return events.map(({ key }) => key);
}

describe("reading ahead", () => {
  test.each(["imap", "pop3"] as const)("fetches the next batch while one is committed, over %s", async (protocol) => {
    const { seen, sync, told } = await historyOf(all, { protocol });
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: all } });
    // When a batch is committed the one behind it is here.
    expect(seen.atCommit).toEqual([first + second, all, all]);
    expect(seen.asked).toBe(3);
    expect(new Set(keysOf(told())).size).toBe(all);
  });

  test("keeps new mail in the order of its UIDs", async () => {
    const { clock, deliver, seen, sync, told } = await historyOf(0);
    for (let i = 1; i <= all; i++) deliver(`new ${i}`);
    await clock.advance(settings.pollMs);
    expect(await sync("fresh")).toMatchObject({ kind: "done", counts: { handedOff: all } });
    expect(seen.atCommit).toEqual([first + second, all, all]);
    expect(told().map((event) => (event.type === "message.added" ? event.uid : 0))).toEqual(Array.from({ length: all }, (_, i) => i + 1));
  });

  test("hands off the batch before though the connection breaks in the next one, and nothing twice", async () => {
    const world = await historyOf(all);
    world.onFetched = (count) => {
      if (count === first + 3) throw syncError("SESSION_CLOSED", "The connection broke", { layer: "imap", phase: "fetch" });
    };
    expect(await world.sync()).toMatchObject({ kind: "failed", counts: { handedOff: first } });
    world.onFetched = () => undefined;
    await world.clock.advance(limits.leaseMs);
    expect(await world.sync()).toMatchObject({ kind: "done", counts: { handedOff: all - first } });
    expect(keysOf(world.told())).toHaveLength(all);
    expect(new Set(keysOf(world.told())).size).toBe(all);
  });

  test("holds no more of it than the limit, whatever the server announced", async () => {
    const body = "x".repeat(1_024 * 1_024);
    const { seen, sync } = await historyOf(2 * first, { body, size: 100 });
    expect(await sync()).toMatchObject({ kind: "done", counts: { handedOff: 2 * first } });
    expect(seen.atCommit[0]).toBe(first + limits.readAheadBytes / body.length);
  });

  test("is given up when consumers fall behind, and the session goes on", async () => {
    const { fleet, mailbox, seen, sync, told } = await historyOf(all);
    const gate = { shouldYield: () => Promise.resolve(seen.atCommit.length > 0), isDraining: () => false };
    expect(await sync("backfill", { gate })).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: first } });
    expect(fleet.facts(mailbox).ledger).toMatchObject({ toDo: all - first });
    expect(await sync()).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: all - first } });
    expect(new Set(keysOf(told())).size).toBe(all);
    expect(told()).toHaveLength(all);
  });

  test("leaves the rest with the server when the worker stops", async () => {
    const { seen, sync, told } = await historyOf(all);
    const gate = { shouldYield: () => Promise.resolve(false), isDraining: () => seen.atCommit.length > 0 };
    expect(await sync("backfill", { gate })).toMatchObject({ counts: { handedOff: first } });
    expect(told()).toHaveLength(first);
  });

  test("lets new mail that is announced meanwhile in behind what is on its way", async () => {
    const { deliver, mailbox, ports, seen, sync, told } = await historyOf(all);
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (told().length === 0) {
        deliver("urgent");
        expect(await ports.store.acquire(mailbox, "fresh")).toBeUndefined();
      }
      for (let i = 0; i < 2_000; i++) await Promise.resolve();
      return ports.handOff.commit(step);
    };
    const settle: EnginePorts["handOff"]["settle"] = (lease, settlement) => ports.handOff.settle(lease, settlement);
    expect(await sync("backfill", { handOff: { commit, settle } })).toMatchObject({ kind: "done", counts: { handedOff: all + 1 } });
    expect(seen.fetched).toBe(all + 1);
    expect(told().findIndex(({ lane }) => lane === "fresh")).toBe(first + second);
  });

  test("does not begin with messages that a worker may have died of", async () => {
    const { clock, ports, seen, sync, told } = await historyOf(2 * first);
    const mime: EnginePorts["mime"] = { ...ports.mime, parse: () => Promise.reject(new Error("the worker died")) };
    await expect(sync("backfill", { mime })).rejects.toThrow("the worker died");
    await clock.advance(limits.leaseMs + 1);
    const before = seen.fetched;
    expect(await sync()).toMatchObject({ kind: "done", counts: { handedOff: 2 * first } });
    expect(seen.atCommit.slice(0, first - 1).map((count) => count - before)).toEqual(Array.from({ length: first - 1 }, (_, i) => i + 1));
    expect(new Set(keysOf(told())).size).toBe(2 * first);
  });
});
