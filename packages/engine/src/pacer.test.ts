import type { Failure, FetchedMessage, MailSession, Pace, Settlement } from "@mailfleet/core";
import { fakeClock } from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";
import { Pacer } from "./pacer.ts";

const settlement: Settlement = { checked: true, opened: true, freshDueInMs: 300_000, backfillDueInMs: 0, events: [] };
const throttled: Failure = { code: "SERVER_THROTTLED", scope: "mailbox", message: "m", facts: { layer: "imap", hintMs: 89_117 } };

/** A server whose STATUS takes `lookMs`, and whose messages take `messageMs` each, and come so many at a time. */
function world(given: { stored?: Pace; lends?: boolean } = {}) {
  const clock = fakeClock();
  const times = { lookMs: 20, firstMs: 40, messageMs: 30, together: 1 };
  const slots = { lent: 0, lends: given.lends ?? true };
  const stop = new AbortController();
  const unused = (): never => {
    throw new Error("not asked for here");
  };
  const session: MailSession = {
    features: { hasFlags: true, hasCondStore: false, hasIdle: true },
    async status() {
      await clock.sleep(times.lookMs);
      return { messages: 0, uidNext: 1, uidValidity: "1" };
    },
    async *fetch(uids): AsyncIterable<readonly FetchedMessage[]> {
      for (let from = 0; from < uids.length; from += times.together) {
        const some = uids.slice(from, from + times.together);
        await clock.sleep(some.length * times.messageMs + (from === 0 ? times.firstMs - times.messageMs : 0));
        yield some.map((uid) => ({ uid, flags: [], bytes: new Uint8Array() }));
      }
    },
    listFolders: unused,
    open: unused,
    listUids: unused,
    describe: unused,
    fetchStream: unused,
    isLongerThan: unused,
    fetchHead: unused,
    fetchFlags: unused,
    fetchHeaders: unused,
    idle: unused,
    close: () => Promise.resolve(),
  };
  const ports = {
    clock,
    slots: {
      lend() {
        if (!slots.lends) return undefined;
        slots.lent++;
        return () => void slots.lent--;
      },
    },
  };
  const pacer = new Pacer(ports, given.stored, stop.signal);
  /** Runs it to its end, and tells how much time passed. */
  const timed = async (run: () => Promise<unknown>): Promise<number> => {
    const from = clock.monotonic();
    const running = { isDone: false };
    const done = run().finally(() => (running.isDone = true));
    done.catch(() => undefined);
    while (!running.isDone) await clock.advance(5);
    await done;
    return clock.monotonic() - from;
  };
  const fetchAll = async (count: number, eachMs = 0): Promise<void> => {
    const uids = Array.from({ length: count }, (_, i) => i + 1);
    for await (const messages of pacer.paced(session).fetch(uids)) if (eachMs > 0) await clock.sleep(eachMs * messages.length);
  };
  return { clock, times, slots, stop, pacer, paced: pacer.paced(session), timed, fetchAll };
}

const learned = (clock: { now(): number }, duty: number): Pace => {
  const [since, countedFrom] = [clock.now(), clock.now()];
  return { duty, ceiling: duty, since, countedFrom, sign: "slow", spentMs: 0, lookMs: 20, firstMs: 40, messageMs: 30 };
};

describe("a session's pacer", () => {
  test("costs nothing with a server that never slowed, and leaves nothing behind", async () => {
    const { pacer, paced, timed, fetchAll, slots } = world();
    expect(await timed(() => paced.status("INBOX"))).toBe(20);
    expect(await timed(() => fetchAll(10))).toBe(40 + 9 * 30);
    await pacer.border(true);
    expect(pacer.settle(settlement, undefined)).toEqual(settlement);
    expect(slots.lent).toBe(0);
  });

  test("counts the time in which it waits for the server, not that in which the server waits for it", async () => {
    const { clock } = world();
    const { pacer, timed, fetchAll } = world({ stored: learned(clock, 0.5) });
    await timed(() => fetchAll(11, 500));
    // 340 ms of the server in 5.8 s: no pause is owed.
    await pacer.border(true);
  });

  test("sleeps short pauses at a border, with the slot lent", async () => {
    const { clock } = world();
    const { pacer, timed, fetchAll, slots } = world({ stored: learned(clock, 0.1) });
    await timed(() => fetchAll(11));
    const lent: number[] = [];
    const pausedMs = await timed(async () => {
      const border = pacer.border(true);
      lent.push(slots.lent);
      await border;
    });
    expect(lent).toEqual([1]);
    expect(slots.lent).toBe(0);
    // 340 ms of the server, at a tenth of the wall clock, which has grown a little in that time.
    expect(pausedMs).toBeLessThanOrEqual(3_400 - 340);
    expect(pausedMs).toBeGreaterThan(3_400 * 0.99 - 340);
  });

  test("ends the session for a long pause, once it has got somewhere, and history is due after it", async () => {
    const { clock } = world();
    const { pacer, timed, fetchAll } = world({ stored: learned(clock, 0.005) });
    await timed(() => fetchAll(11));
    const error = await pacer.border(true).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ failure: { code: "INTERRUPTED" } });
    const { hintMs } = (error as { failure: Failure }).failure.facts;
    expect(hintMs).toBeGreaterThan(50_000);
    const settled = pacer.settle(settlement, undefined);
    expect(settled.backfillDueInMs).toBeCloseTo(hintMs ?? 0, -1);
    expect(settled.freshDueInMs).toBe(settlement.freshDueInMs);
    expect(settled.pace?.duty).toBe(0.005);
    // Before that it sleeps, however long: a session that never got anywhere would begin again for ever.
    expect(await timed(() => pacer.border(false))).toBe(15_000);
  });

  test("ends the session rather than sleep in a slot that nobody lends", async () => {
    const { clock } = world();
    const { pacer, timed, fetchAll } = world({ stored: learned(clock, 0.1), lends: false });
    await timed(() => fetchAll(11));
    await expect(pacer.border(true)).rejects.toMatchObject({ failure: { code: "INTERRUPTED" } });
  });

  test("wakes at once when the session is to end", async () => {
    const { clock } = world();
    const { pacer, timed, fetchAll, stop } = world({ stored: learned(clock, 0.1) });
    await timed(() => fetchAll(11));
    const border = pacer.border(true);
    stop.abort(new Error("drain"));
    await expect(border).rejects.toThrow("drain");
  });

  test("slows as soon as answers do, before any refusal, and fetches less at once", async () => {
    const { pacer, timed, fetchAll, times } = world();
    for (let i = 0; i < 5; i++) await timed(() => fetchAll(25));
    expect(pacer.batchMessages).toBe(49);
    times.firstMs = 700;
    await timed(() => fetchAll(25));
    // One slow answer may be chance; the next one tells, and costs little.
    expect(pacer.batchMessages).toBeLessThan(15);
    await timed(() => fetchAll(10));
    const settled = pacer.settle(settlement, undefined);
    expect(settled.pace?.sign).toBe("slow");
    expect(settled.pace?.duty).toBeLessThan(0.5);
  });

  test("knows what a message takes, however many come at a time", async () => {
    const { pacer, timed, fetchAll, times } = world();
    times.together = 5;
    for (let i = 0; i < 5; i++) await timed(() => fetchAll(25));
    expect(pacer.batchMessages).toBe(49);
  });

  test("halves its speed after a refusal, and a hint is no news where nothing was asked", () => {
    const { pacer } = world();
    const { pace } = pacer.settle(settlement, throttled);
    expect(pace).toMatchObject({ duty: 0.5, ceiling: 1, sign: "hint" });
  });
});
