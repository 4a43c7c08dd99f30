import type { Cause, Failure, MailboxState } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { type SettleQuestion, settlementOf } from "./settle.ts";

const now = Date.UTC(2026, 10, 23, 14);
const calm: MailboxState = { folders: new Map(), opened: true, hand: { suspects: [] } };
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
    backfill: true,
    folders: { include: ["*"], exclude: [] },
    slice: { messages: 1, bytes: 1, seconds: 1 },
    listMs: 0,
    compare: { recentMs: 1, wholeMs: 1, recentUids: 1 },
  },
  state: calm,
  ending: { kind: "complete", hasHistory: false },
  isOpened: true,
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
    expect(settlementOf(question({}))).toMatchObject({ checked: true, freshDueInMs: 300_000, events: [] });
    expect(settlementOf(question({ random: 0 })).freshDueInMs).toBe(270_000);
    expect(settlementOf(question({})).backfillDueInMs).toBeUndefined();
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
