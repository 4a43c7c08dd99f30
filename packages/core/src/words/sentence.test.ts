import { describe, expect, test } from "vitest";
import { groupCauses, type StoppedMailbox } from "./group-causes.ts";
import { ledgerLine } from "./ledger-line.ts";
import { currentRate, noteProgress, startProgress, timeLeft } from "./progress.ts";
import { fleetSentence, nowLine } from "./sentence.ts";
import { countStates, type StateWord } from "./states.ts";

const now = Date.UTC(2026, 10, 23, 13, 3, 22);

function fleet(counts: Partial<Record<StateWord, number>>, parkedCauses = 0) {
  const states = { ...countStates([]), ...counts };
  const stopped: StoppedMailbox[] = [];
  const add = (state: "parked" | "waiting", index: number, code: "MAILBOX_ACCESS_DENIED" | "SERVER_THROTTLED") =>
    stopped.push({
      tenant: `t${index}`,
      address: `m${stopped.length}@x.example`,
      cause: { code, scope: "mailbox", text: "", since: now, tries: 1, nextAt: now, state },
    });
  for (let n = 0; n < states.parked; n++) add("parked", n % parkedCauses, "MAILBOX_ACCESS_DENIED");
  for (let n = 0; n < states.waiting; n++) add("waiting", 0, "SERVER_THROTTLED");
  return { states, causes: groupCauses(stopped, now) };
}

describe("the headline", () => {
  test.each([
    ["All 10,000 mailboxes are fresh. Nothing needs you.", fleet({ fresh: 9_709, syncing: 291 })],
    [
      "9,931 of 10,000 mailboxes are fresh. One cause needs you; 31 mailboxes recover by themselves.",
      fleet({ fresh: 9_640, syncing: 291, waiting: 31, parked: 38 }, 1),
    ],
    ["59 of 60 mailboxes are fresh. Nothing needs you; 1 mailbox recovers by itself.", fleet({ fresh: 59, waiting: 1 })],
    ["1 of 5 mailboxes is fresh. Two causes need you; 2 mailboxes are behind.", fleet({ fresh: 1, parked: 2, behind: 2 }, 2)],
    ["8 of 9 mailboxes are fresh. 1 mailbox is behind.", fleet({ fresh: 8, behind: 1 })],
    ["None of 60 mailboxes is fresh. Nothing needs you; 60 mailboxes are still syncing for the first time.", fleet({ new: 60 })],
    ["None of 60 mailboxes is fresh. 60 mailboxes are out of touch.", fleet({ unknown: 60 })],
    [
      "9 of 12 mailboxes are fresh. Nothing needs you; 3 mailboxes are parked by an operator.",
      fleet({ fresh: 9, "parked by operator": 3 }),
    ],
    ["1 of 2 mailboxes is fresh. Nothing needs you; 1 mailbox is still syncing for the first time.", fleet({ fresh: 1, new: 1 })],
    ["7 of 9 mailboxes are fresh. 2 mailboxes wait for a reason that is not known.", { ...fleet({ fresh: 7, waiting: 2 }), causes: [] }],
    ["The only mailbox is fresh. Nothing needs you.", fleet({ fresh: 1 })],
    ["No mailboxes yet.", fleet({})],
  ])("%s", (sentence, facts) => {
    expect(fleetSentence(facts)).toBe(sentence);
  });

  test("the panel's last line names who needs you", () => {
    expect(nowLine({ ...fleet({ fresh: 59, parked: 1 }, 1), oldestCheckMs: 38_000, messagesPerSecond: 0.4 })).toBe(
      "59 of 60 mailboxes fresh, oldest check 38 s ago, 0.4 messages/s. 1 needs you: m0@x.example.",
    );
    expect(nowLine({ ...fleet({ fresh: 1 }), messagesPerSecond: 0 })).toBe("1 of 1 mailbox fresh, 0 messages/s. Nothing needs you.");
  });
});

test("the ledger is one line whose sum can be checked", () => {
  expect(ledgerLine({ listed: 12_480, handedOff: 12_465, excluded: 12, quarantined: 3, toDo: 0 })).toBe(
    "listed 12,480 = handed off 12,465 + excluded 12 + quarantined 3 + to do 0        unaccounted 0",
  );
  expect(ledgerLine({ listed: 10, handedOff: 8, excluded: 0, quarantined: 0, toDo: 0 })).toContain("unaccounted 2");
});

describe("progress", () => {
  test("the rate is that of the last ten seconds, the time left that of the whole run", () => {
    let progress = startProgress(0, 1_000);
    for (let s = 1; s <= 20; s++) progress = noteProgress(progress, s * 1_000, 1_000 + (s <= 10 ? s * 10 : 100 + (s - 10) * 100));
    expect(currentRate(progress)).toBe(100);
    expect(timeLeft(progress, 1_000 + 1_100 + 2_200)).toBe("about 40 s");
    expect(progress.samples.length).toBeLessThan(13);
  });

  test.each([
    ["before five seconds", 4_000, 100, 200],
    ["without progress", 20_000, 0, 200],
    ["when all is done", 20_000, 200, 200],
  ])("no time is promised %s", (_, at, done, total) => {
    expect(timeLeft(noteProgress(startProgress(0, 0), at, done), total)).toBeUndefined();
  });
});
