import { decideIntake, describeIntake, describeLane, viewFleet } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { plantedFleet, testMailbox, testNow } from "../fleet-fixture.ts";
import type { PanelState } from "./panel.ts";
import { createPlainProgress, doneText, summarize } from "./plain-progress.ts";

function state(given: Partial<PanelState> = {}): PanelState {
  return {
    view: viewFleet(plantedFleet(), testNow, 600_000),
    isSyncing: true,
    rate: 912,
    left: "about 6 s",
    latest: [],
    isStopping: false,
    isSandbox: false,
    options: "",
    now: testNow,
    ...given,
  };
}

test("progress and both troubles are whole sentences with their time in UTC", () => {
  expect(createPlainProgress(0, false).update(state(), 10_000)).toEqual([
    "2026-11-23T14:03:02Z  sync    60 %, 7,577 of 12,475 messages, 912/s, about 6 s left",
    "2026-11-23T14:03:02Z  wait    fabrikam ap@fabrikam.example: throttled by the server until 14:03:14Z",
    "2026-11-23T14:03:02Z  park    contoso hr@contoso.example: no access was granted; npx mailfleet doctor --mailbox hr@contoso.example",
  ]);
});

test("there is at most one line per topic in ten seconds, however often it is asked", () => {
  const plain = createPlainProgress(0, false);
  const said: { topic: string; at: number }[] = [];
  for (let ms = 0; ms <= 60_000; ms += 500) {
    const latest = [{ type: "message.added", tenant: "a", mailbox: "b", folder: "c", uid: ms, uidl: undefined, at: testNow + ms }];
    // Causes that come and go, new mail, and both phases.
    const view = viewFleet(ms % 3_000 === 0 ? [testMailbox("a/b@c.example")] : plantedFleet(), testNow, 600_000);
    for (const text of plain.update(state({ view, latest, isSyncing: ms < 30_000, now: testNow + ms }), ms)) {
      said.push({ topic: text.split("  ")[1] ?? "", at: ms });
    }
  }
  for (const topic of ["sync", "wait", "park", "new", "now"]) {
    const times = said.filter((one) => one.topic === topic).map((one) => one.at);
    expect(times.length, topic).toBeGreaterThan(0);
    for (const [i, at] of times.entries()) if (i > 0) expect(at - (times[i - 1] ?? 0), topic).toBeGreaterThanOrEqual(10_000);
  }
});

test("a cause is said once, not every ten seconds", () => {
  const plain = createPlainProgress(0, false);
  const lines = [0, 11_000, 22_000, 33_000].flatMap((ms) => plain.update(state(), ms));
  expect(lines.filter((text) => text.includes("  park  "))).toHaveLength(1);
});

test("what holds intake back is said once for each state it is in", () => {
  const plain = createPlainProgress(0, false);
  const marks = { highWater: 50_000, highWaterBytes: 2e9, deadLetters: 10_000 };
  const viewOf = (waiting: number) => {
    const load = { waiting, active: 8, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [] };
    const words = describeIntake(decideIntake(load, marks), load, marks, testNow);
    return viewFleet([testMailbox("a/b@c.example")], testNow, 600_000, { intake: words });
  };
  const said = [10_000, 51_000, 52_000, 61_000, 10_000].flatMap((waiting, i) => plain.update(state({ view: viewOf(waiting) }), i * 11_000));
  expect(said.filter((text) => text.includes("  queue  "))).toEqual([
    "2026-11-23T14:03:02Z  queue   Consumers are behind: 51,008 events in the queue, the limit is 50,000. History waits and new mail comes in slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    "2026-11-23T14:03:02Z  queue   Consumers are behind: 61,008 events in the queue, the limit is 50,000. Nothing comes in; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
  ]);
});

test("a lane that no worker serves is said once, and again when it comes back", () => {
  const plain = createPlainProgress(0, false);
  const lanes = [describeLane({ lane: "backfill", since: testNow - 60_000, waiting: 2 }, testNow)];
  const viewOf = (isUnserved: boolean) => viewFleet([testMailbox("a/b@c.example")], testNow, 600_000, isUnserved ? { lanes } : {});
  const said = [true, true, false, true].flatMap((is, i) => plain.update(state({ view: viewOf(is) }), i * 11_000));
  expect(said.filter((text) => text.includes("  lane    "))).toEqual(
    Array.from(
      { length: 2 },
      () =>
        "2026-11-23T14:03:02Z  lane    No worker has served history (lane backfill) for 1 min: 2 mailboxes wait. It goes on when one runs. Nothing is lost; mail waits on the server. npx mailfleet worker --lane backfill",
    ),
  );
});

describe("the summary", () => {
  const view = viewFleet(plantedFleet(), testNow, 600_000);
  const summary = summarize(view, 7_000, { parked: 1, waiting: 0 }, 14_234);

  test("counts what the ledger counts, and what this run added", () => {
    expect(summary).toEqual({
      mailboxes: 60,
      messages: 7_557,
      added: 557,
      quarantined: 5,
      parked: 1,
      waiting: 0,
      seconds: 14.2,
      unaccounted: 0,
    });
  });

  test("a first pass and a later one say which they are", () => {
    expect(doneText(summary, true)).toBe(
      "first pass: 60 mailboxes, 7,557 messages handed off, 5 quarantined, 1 parked, 14.2 s, unaccounted 0",
    );
    expect(doneText({ ...summary, waiting: 2 }, false)).toBe(
      "pass: 60 mailboxes, 7,557 messages handed off, 557 of them in this run, 5 quarantined, 1 parked, 2 still waiting, 14.2 s, unaccounted 0",
    );
  });
});
