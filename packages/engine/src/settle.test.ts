import type { Cause, Failure, MailboxState } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { type SettleQuestion, settlementOf } from "./settle.ts";

const now = Date.UTC(2026, 10, 23, 14);
const rhythm = { mailAt: now - 60_000, gapMs: 1_200_000 };
const calm: MailboxState = { folders: new Map(), opened: true, hand: { suspects: [] }, nextAt: now, rhythm };
const failure = (code: Failure["code"], over: Partial<Failure> = {}): Failure => ({
  code,
  scope: "mailbox",
  message: "words",
  facts: { layer: "imap", text: "server words" },
  ...over,
});
const question = (over: Partial<SettleQuestion>): SettleQuestion => ({
  mailbox: { tenant: "contoso", address: "a@contoso.example", protocol: "imap" },
  lane: "fresh",
  settings: {
    pollMs: 300_000,
    freshWithinMs: 600_000,
    backfill: true,
    folders: { include: ["*"], exclude: [] },
    slice: { messages: 1, bytes: 1, seconds: 1 },
    smallHistory: { messages: 0, bytes: 0 },
    listMs: 0,
    compare: { recentMs: 1, wholeMs: 1, recentUids: 1 },
  },
  state: calm,
  ending: { kind: "complete", hasHistory: false },
  isOpened: true,
  arrived: 0,
  startedAt: now,
  now,
  random: 0.5,
  ...over,
});
const parked: Cause = {
  code: "MAILBOX_ACCESS_DENIED",
  scope: "mailbox",
  text: "x",
  since: now - 1,
  tries: 3,
  nextAt: now,
  state: "parked",
};

describe("what a session leaves behind", () => {
  test("is the next poll, within a tenth of the interval", () => {
    for (const random of [0, 0.5, 0.99]) {
      const done = settlementOf(question({ random }));
      expect(done).toMatchObject({ checked: true, events: [] });
      expect(done.freshDueInMs).toBeGreaterThan(270_000);
      expect(done.freshDueInMs).toBeLessThan(330_000);
    }
    expect(settlementOf(question({})).backfillDueInMs).toBeUndefined();
  });

  test("is a later poll where no mail came for long, a sooner one where much did, and what was learned of it", () => {
    const dead = settlementOf(question({ state: { ...calm, rhythm: { ...rhythm, mailAt: now - 86_400_000 } } }));
    expect(dead.freshDueInMs).toBeGreaterThan(370_000);
    expect(dead.rhythm).toBeUndefined();
    const busy = settlementOf(question({ arrived: 3 }));
    expect(busy.freshDueInMs).toBeLessThan(200_000);
    expect(busy.rhythm).toEqual({ mailAt: now, gapMs: 610_000 });
    const pushed = settlementOf(question({ arrived: 3, state: { ...calm, isPushed: true } }));
    expect(pushed.freshDueInMs).toBeGreaterThan(270_000);
  });

  test("is dealt apart where the poll came late, and for a mailbox that had none before", () => {
    const { nextAt: _none, ...neverPolled } = calm;
    for (const over of [{ startedAt: now + 600_000, now: now + 600_000 }, { state: neverPolled }]) {
      expect(settlementOf(question({ ...over, random: 0 })).freshDueInMs).toBeLessThan(200_000);
      expect(settlementOf(question({ ...over, random: 0.99 })).freshDueInMs).toBeGreaterThan(400_000);
    }
  });

  test("is what the backfill lane is owed, at once", () => {
    expect(settlementOf(question({ ending: { kind: "complete", hasHistory: true } })).backfillDueInMs).toBe(0);
    expect(settlementOf(question({ ending: { kind: "complete", hasHistory: false } })).backfillDueInMs).toBeUndefined();
  });

  test("keeps first failure and count while the same cause lasts", () => {
    const first = settlementOf(question({ ending: { kind: "failed", failure: failure("SERVER_UNAVAILABLE"), hasHistory: false } }));
    expect(first.cause).toMatchObject({ since: now, tries: 1, state: "waiting", text: "server words" });
    expect(first.cause?.nextAt).toBe(now + first.freshDueInMs);
    const state = { ...calm, cause: first.cause as Cause };
    const second = settlementOf(
      question({ state, now: now + 60_000, ending: { kind: "failed", failure: failure("SERVER_UNAVAILABLE"), hasHistory: false } }),
    );
    expect(second.cause).toMatchObject({ since: now, tries: 2 });
    const other = settlementOf(
      question({ state, now: now + 60_000, ending: { kind: "failed", failure: failure("DNS"), hasHistory: false } }),
    );
    expect(other.cause).toMatchObject({ since: now + 60_000, tries: 1 });
  });

  test("never parks a refused mailbox on the first refusal, and tells consumers once when it does", () => {
    let state: MailboxState = { ...calm, opened: false };
    const parkedAt: number[] = [];
    for (let tries = 1; tries <= 6; tries++) {
      const done = settlementOf(
        question({ state, isOpened: false, ending: { kind: "failed", failure: failure("MAILBOX_ACCESS_DENIED"), hasHistory: false } }),
      );
      if (done.events.length > 0) parkedAt.push(tries);
      state = { ...state, cause: done.cause as Cause };
    }
    expect(parkedAt).toHaveLength(1);
    expect(parkedAt[0]).toBeGreaterThan(1);
    expect(state.cause?.state).toBe("parked");
  });

  test("tells consumers that a parked mailbox goes on, under the key of that parking", () => {
    const [event] = settlementOf(question({ state: { ...calm, cause: parked } })).events;
    expect(event).toMatchObject({ type: "mailbox.resumed", key: expect.stringContaining(`${parked.since}`), cause: { code: parked.code } });
  });

  test("tells that a parked mailbox goes on also when another trouble came in between, once", () => {
    const failed = (cause: Cause, code: Failure["code"]) =>
      settlementOf(question({ state: { ...calm, cause }, ending: { kind: "failed", failure: failure(code), hasHistory: false } }));
    const waiting = failed(parked, "ENTRA_UNAVAILABLE");
    expect(waiting).toMatchObject({ events: [], cause: { code: "ENTRA_UNAVAILABLE", state: "waiting" } });
    const again = failed(waiting.cause as Cause, "ENTRA_CONSENT_MISSING");
    expect(again).toMatchObject({ events: [], cause: { code: "ENTRA_CONSENT_MISSING", state: "parked" } });
    const done = settlementOf(question({ state: { ...calm, cause: again.cause as Cause } }));
    expect(done.cause).toBeUndefined();
    expect(done.events).toMatchObject([
      { type: "mailbox.resumed", key: expect.stringContaining(`${parked.since}`), cause: { code: parked.code } },
    ]);
  });

  test("is due at once when the worker drained, and keeps the cause", () => {
    const done = settlementOf(question({ state: { ...calm, cause: parked }, ending: { kind: "cut-short", hasHistory: true } }));
    expect(done).toMatchObject({ checked: false, freshDueInMs: 0, backfillDueInMs: 0, cause: parked, events: [] });
  });
});
