import { type Cause, emptyLedger, type IntakeWords, stateOf, viewFleet } from "@mailfleet/core";
import { countAges, stateWords } from "@mailfleet/core/console";
import type { WatchedMailbox } from "@mailfleet/store";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { FleetMemory } from "./fleet-memory.ts";
import { watchedMailbox } from "./watched-mailbox.fixture.ts";

const second = 1_000;
const minute = 60 * second;
const freshWithinMs = 10 * minute;
const start = Date.UTC(2026, 10, 27, 23);

let memory: FleetMemory;
beforeEach(() => {
  memory = new FleetMemory({ freshWithinMs, options: "" });
});

const box = (name: string, more: Partial<WatchedMailbox> = {}): WatchedMailbox => watchedMailbox(name, { checkedAt: start, ...more });

/** The console looks, and is told of these. */
function look(at: number, ...changed: readonly WatchedMailbox[]) {
  memory.take({ at, changed, gone: [] });
  return memory.settle(at);
}

const waiting = (nextAt: number): Cause => ({
  code: "SERVER_THROTTLED",
  scope: "mailbox",
  text: "",
  since: start,
  tries: 1,
  nextAt,
  state: "waiting",
});

describe("while nobody tells of anything", () => {
  test("a mailbox is late with the first look behind its time, whenever that is", () => {
    look(start, box("a"), box("b", { checkedAt: start - 7_777 }));
    let late: number | undefined;
    for (let at = start + second; late === undefined; at += second) {
      const patch = look(at);
      if (patch?.summary.states?.behind === 1) late = at;
      else expect(patch?.rows ?? []).toEqual([]);
    }
    expect(late).toBe(start + freshWithinMs - 7_000);
    expect(look(start + freshWithinMs + second)?.summary.states?.behind).toBe(2);
  });

  test("a wait whose promise was broken for too long ends with the first look behind it", () => {
    look(start, box("a", { cause: waiting(start + 2_500) }));
    const end = start + 2_500 + freshWithinMs;
    for (let at = start + second; at <= end; at += second) expect(look(at)?.summary.states).toBeUndefined();
    expect(look(end + second)?.summary.states).toMatchObject({ waiting: 0, behind: 1 });
  });

  test("ages are counted every ten seconds and told where they differ; everything is gone through once a minute", () => {
    look(start, box("a", { checkedAt: start - 15 * second }));
    const whole = new Set<number>();
    const told: unknown[] = [];
    for (let at = start; at < start + 3 * minute; at += second) {
      const patch = look(at);
      whole.add(memory.view.at);
      if (patch) told.push([at, patch.summary, memory.summary.ages]);
    }
    expect([...whole]).toEqual([start, start + minute, start + 2 * minute]);
    const ages = [0, 1, 0, 0, 0, 0];
    expect(told).toEqual([[start + 50 * second, { ages }, ages]]);
  });

  test("mailboxes that become due in a lane that nobody serves are counted within ten seconds", () => {
    memory.noteSide({ failed: 0, expiresAt: new Map(), idle: [{ lane: "fresh", since: start - minute }] });
    look(start, box("a", { nextAt: start + 3 * second }), box("b", { nextAt: start + 14 * second }));
    const unserved = (at: number) => (look(at), memory.view.lanes.map((one) => one.waiting));
    expect(unserved(start + second)).toEqual([]);
    expect(unserved(start + 10 * second)).toEqual([1]);
    expect(unserved(start + 20 * second)).toEqual([2]);
  });

  test("what is large is told within five seconds all the same", () => {
    look(start, box("a"), box("b"));
    expect(look(start + second, box("a", { parkedBy: { name: "anna", at: start } }))?.summary).not.toHaveProperty("tenants");
    const told = [2, 3, 4, 5].map((seconds) => look(start + seconds * second)?.summary.tenants?.[0]?.states);
    expect(told).toEqual([undefined, undefined, undefined, expect.objectContaining({ "parked by operator": 1 })]);
  });

  test("a rate falls to 0 within its window", () => {
    const ledger = (handedOff: number) => ({ ...emptyLedger, listed: handedOff, handedOff });
    look(start, box("a", { ledger: ledger(0) }));
    expect(look(start + second, box("a", { ledger: ledger(20) }))?.summary.messagesPerSecond).toBe(20);
    const rates = Array.from({ length: 15 }, (_, i) => {
      look(start + (2 + i) * second);
      return memory.summary.messagesPerSecond;
    });
    expect(rates[0]).toBe(10);
    expect(rates.at(-1)).toBe(0);
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
  });
});

test("what stands beside the mailboxes is told when it differs, and makes no work when it does not", () => {
  const side = (failed: number) => ({ failed, expiresAt: new Map([["contoso", start + minute]]) });
  memory.noteSide(side(0));
  look(start, box("a"));
  memory.noteSide(side(0));
  expect(look(start + second)).toBeUndefined();
  expect(memory.view.at).toBe(start);
  memory.noteSide(side(3));
  expect(look(start + 2 * second)?.summary.deadLetters).toBe(3);
  // As many, and other ones.
  memory.noteSide({ ...side(3), newestLetterAt: start });
  expect(look(start + 3 * second)?.summary).toEqual({ newestLetterAt: start });
});

test("what held the intake back and does not any more has pages loaded anew: members that changed cannot tell it", () => {
  const intake: IntakeWords = {
    code: "DOWNSTREAM_BACKPRESSURE",
    owner: "self",
    happened: "The queue is full.",
    next: "It goes on by itself.",
    youCan: "",
  };
  memory.noteSide({ failed: 0, expiresAt: new Map(), intake });
  look(start, box("a"));
  expect(look(start + second)).toBeUndefined();
  memory.noteSide({ failed: 0, expiresAt: new Map() });
  expect(look(start + 2 * second)?.isMore).toBe(true);
  memory.noteSide({ failed: 3, expiresAt: new Map() });
  expect(look(start + 3 * second)?.isMore).toBe(false);
});

test("a lane that no worker serves is told with the command for this fleet, counts among what needs you, and is gone with the next worker", () => {
  memory = new FleetMemory({ freshWithinMs, options: " --config fleet.yaml" });
  const side = { failed: 0, expiresAt: new Map() };
  memory.noteSide({ ...side, idle: [{ lane: "backfill", since: start - 12 * minute }] });
  const told = look(start, box("a", { hasHistory: true }))?.summary;
  expect(told?.lanes).toMatchObject([
    { lane: "backfill", waiting: 1, command: "npx mailfleet worker --lane backfill --config fleet.yaml" },
  ]);
  expect(told?.sentence).toBe("The only mailbox is fresh. One cause needs you.");
  memory.noteSide({ ...side, idle: [] });
  expect(look(start + second)?.summary).toMatchObject({ lanes: [], sentence: "The only mailbox is fresh. Nothing needs you." });
});

test("whatever is told in whatever order, the counts are those of the mailboxes as they are then", () => {
  const someCause = fc.integer({ min: -20 * minute, max: 20 * minute }).map((ms) => waiting(start + ms));
  const someFacts = fc.record(
    {
      checkedAt: fc.integer({ min: start - 20 * minute, max: start }),
      cause: someCause,
      parkedBy: fc.constant({ name: "anna", at: start }),
      isSyncing: fc.boolean(),
      protocol: fc.constantFrom("imap" as const, "pop3" as const),
    },
    { requiredKeys: ["isSyncing", "protocol"] },
  );
  const someNews = fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "e"),
    tenant: fc.constantFrom("contoso", "fabrikam"),
    facts: fc.option(someFacts, { nil: undefined }),
    laterMs: fc.integer({ min: 1, max: 5 * minute }),
  });
  fc.assert(
    fc.property(fc.array(someNews, { maxLength: 30 }), (all) => {
      const kept = new Map<string, WatchedMailbox>();
      const own = new FleetMemory({ freshWithinMs, options: "" });
      let at = start;
      for (const { name, tenant, facts, laterMs } of all) {
        at += laterMs;
        const { checkedAt: _checked, ...rest } = box(name, { id: `${tenant}/${name}`, tenant });
        if (facts === undefined) kept.delete(rest.id);
        else kept.set(rest.id, { ...rest, ...facts });
        const changed = facts === undefined ? [] : [{ ...rest, ...facts }];
        own.take({ at, changed, gone: facts === undefined ? [rest.id] : [] });
        own.settle(at);
        own.settle((at += 1));
        const view = viewFleet(kept.values(), at, freshWithinMs);
        expect(own.summary.states).toEqual(view.states);
        expect(own.summary.mailboxes).toBe(kept.size);
        expect(Object.values(own.summary.states).reduce((sum, count) => sum + count, 0)).toBe(kept.size);
        expect(own.summary.ages.reduce((sum, count) => sum + count, 0)).toBe(kept.size);
        for (const row of own.rows()) {
          expect(stateWords).toContain(row.state);
          const mailbox = kept.get(`${row.tenant}/${row.address.split("@")[0]}`) as WatchedMailbox;
          expect(row.state).toBe(stateOf(mailbox, { now: at, freshWithinMs }));
        }
      }
      own.settle((at += minute));
      expect(own.summary.ages).toEqual(countAges(kept.values(), at));
    }),
  );
});
