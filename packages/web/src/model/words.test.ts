import { everyMailbox } from "@mailfleet/core/browser";
import type { ActivityEntry, CauseItem, HistoryColumns, StateCounts } from "@mailfleet/core/console";
import { describe, expect, test } from "vitest";
import { activityLink, activityWords } from "./activity.ts";
import { toSay } from "./announcer.ts";
import { barWords, legendOf, segmentsOf } from "./bars.ts";
import { chartSentence, chartTable, isYoung, sumOf, tickWords, toMinutes } from "./charts.ts";
import { causeLabel, midnight } from "./filters.ts";
import { bucketLink, isSameQuery, listLink, sortLink, stateLink } from "./links.ts";
import { letterLink, oldestOf, whoseOf } from "./letters.ts";
import { livenessOf, staleSentence } from "./liveness.ts";
import { now } from "./rows.fixture.ts";
import { stripDays, stripSentence } from "./strip.ts";

const states: StateCounts = {
  unknown: 0,
  "parked by operator": 0,
  parked: 38,
  waiting: 31,
  behind: 0,
  new: 0,
  syncing: 291,
  fresh: 9_640,
};

describe("links", () => {
  test("hold the whole state of a list, readable", () => {
    expect(listLink({})).toBe("/mailboxes");
    expect(listLink({ states: ["parked", "behind"], search: "hr@contoso.example" })).toBe(
      "/mailboxes?state=parked,behind&q=hr@contoso.example",
    );
    expect(stateLink("parked by operator", "contoso")).toBe("/mailboxes?state=parked-by-operator&tenant=contoso");
  });

  test("of a bar lead to as many rows as it counts", () => {
    expect(bucketLink(0)).toBe("/mailboxes?younger=60000&sort=age");
    expect(bucketLink(3)).toBe("/mailboxes?older=600000&younger=3600000&sort=age");
    expect(bucketLink(5)).toBe("/mailboxes?older=21600000&sort=age");
  });

  test("of a head turn the order round the second time", () => {
    expect(sortLink(everyMailbox, "age")).toBe("/mailboxes?sort=age");
    expect(sortLink({ ...everyMailbox, sort: "age" }, "age")).toBe("/mailboxes?sort=-age");
  });

  test("are compared by what they show", () => {
    expect(isSameQuery(everyMailbox, { ...everyMailbox, search: "" })).toBe(true);
    expect(isSameQuery(everyMailbox, { ...everyMailbox, search: "a" })).toBe(false);
  });

  test("of letters and activity leave out what is usual", () => {
    expect([letterLink("all"), letterLink("consumers", "c7f2")]).toEqual(["/dead-letters", "/dead-letters?whose=consumers&cause=c7f2"]);
    expect([whoseOf("?whose=messages"), whoseOf("?whose=me")]).toEqual(["messages", "all"]);
    expect([activityLink({ who: "both" }), activityLink({ who: "people", what: "park", before: "9" })]).toEqual([
      "/activity",
      "/activity?who=people&what=park&before=9",
    ]);
  });
});

describe("bars", () => {
  test("have a part for each state that has mailboxes, trouble last", () => {
    expect(segmentsOf(states).map(({ state, isHatched }) => [state, isHatched])).toEqual([
      ["fresh", false],
      ["syncing", false],
      ["waiting", true],
      ["parked", false],
    ]);
  });

  test("are said in words", () => {
    expect(barWords(states)).toBe("9,640 fresh, 291 syncing, 31 waiting, 38 parked");
    expect(barWords({ ...states, fresh: 0, syncing: 0, waiting: 0, parked: 0 })).toBe("No mailboxes");
  });

  test("the legend's counts add up to the fleet, whatever states there are", () => {
    const every = { ...states, unknown: 1, "parked by operator": 2, behind: 3, new: 4 };
    const sum = legendOf(every).reduce((all, { count }) => all + count, 0);
    expect(sum).toBe(Object.values(every).reduce((a, b) => a + b, 0));
  });
});

describe("freshness of the page", () => {
  test("counts from the last facts, not from an open stream", () => {
    expect(livenessOf({ heardAt: now, factsAt: now - 3_000 }, now)).toEqual({ isLive: true, ageMs: 3_000 });
    expect(livenessOf({ heardAt: now, factsAt: now - 12_000, trouble: "Redis is gone." }, now)).toEqual({
      isLive: false,
      since: now - 12_000,
      why: "Redis is gone.",
    });
  });

  test("ends a look and a slow drawing before nothing may be green, ten seconds after the last word", () => {
    const drawnMs = 2_000;
    expect(livenessOf({ heardAt: now, factsAt: now - (10_000 - drawnMs) }, now).isLive).toBe(false);
    expect(livenessOf({ heardAt: now, factsAt: now - 7_000 }, now).isLive).toBe(true);
  });

  test("says since when nothing was heard", () => {
    const liveness = livenessOf({ heardAt: now - 12_000, factsAt: now - 12_500 }, now);
    expect(liveness.isLive).toBe(false);
    expect(liveness.isLive ? "" : staleSentence(liveness, now, "utc")).toBe(
      "Not live since 14:03:09Z. You see how it was then. The console does not answer. Trying again.",
    );
  });
});

test("the live region speaks when the sentence changed, and at most every 30 s", () => {
  const said = { sentence: "a", at: 0 };
  expect(toSay(undefined, "a", 0)).toBeUndefined();
  expect(toSay(said, "a", 60_000)).toBeUndefined();
  expect(toSay(said, "b", 29_000)).toBeUndefined();
  expect(toSay(said, "b", 30_000)).toBe("b");
});

describe("charts", () => {
  const minute = 60_000;
  const columns: HistoryColumns = {
    span: "24h",
    stepMs: 5 * minute,
    at: [0, 1, 2, 3].map((i) => now - (3 - i) * 5 * minute),
    fresh: [1, null, 0, 2],
    history: [4, null, 0, 0],
    p50: [minute, null, minute, 2 * minute],
    p99: [minute, null, minute, 3 * minute],
    worst: [minute, null, 31 * minute, 4 * minute],
    marks: [],
  };

  test("are a sentence for who does not see them", () => {
    expect(chartSentence("rate", columns, { now, zone: "utc" })).toBe("In the last 24 hours: 2.0/s now, at most 5.0/s at 13:48Z.");
    expect(chartSentence("age", columns, { now, zone: "utc" })).toBe(
      "In the last 24 hours: half were checked within 2 min now; the worst was 31 min at 13:58Z.",
    );
    const none = { ...columns, fresh: [null], history: [null], at: [now] };
    expect(chartSentence("rate", none, { now, zone: "utc" })).toBe("Nothing was recorded yet; a point comes every 5 min.");
  });

  test("a gap stays a gap, and zero is zero", () => {
    expect(sumOf(columns)).toEqual([5, null, 0, 2]);
    expect(toMinutes([0, null, 2 * minute])).toEqual([1_000 / minute, null, 2]);
    expect(chartTable("rate", columns, { now, zone: "utc" }).rows.map((row) => row.slice(1))).toEqual([
      ["2.0/s", "0/s"],
      ["0/s", "0/s"],
      ["not recorded", "not recorded"],
      ["1.0/s", "4.0/s"],
    ]);
  });

  test("a fleet that is young shows its first hour", () => {
    expect(isYoung({ fresh: [null, null, null, null, 1] })).toBe(true);
    expect(isYoung(columns)).toBe(false);
  });

  test("a day begins with its name", () => {
    const midnightUtc = Date.UTC(2026, 10, 23);
    expect([tickWords(midnightUtc, "24h", { now, zone: "utc" }), tickWords(now, "24h", { now, zone: "utc" })]).toEqual([
      "Mon 23 Nov",
      "14:03",
    ]);
  });
});

describe("a mailbox's days", () => {
  const hour = 3_600_000;
  const from = Date.UTC(2026, 10, 22, 22);
  const strip = { from, hours: [7, 3, null, 7] };

  test("are rows of 24 hours, with gaps where nobody looked", () => {
    const days = stripDays(strip, [{ at: from + hour + 1, words: "parked by anna" }], "utc");
    expect(days.map(({ label, cells }) => [label, cells.length])).toEqual([
      ["Sun 22 Nov", 24],
      ["Mon 23 Nov", 24],
    ]);
    expect(days[0]?.cells[23]).toMatchObject({ state: "waiting", isHatched: true, marks: ["parked by anna"] });
    expect(days[1]?.cells[0]?.state).toBeUndefined();
    expect(days[1]?.cells[1]?.state).toBe("fresh");
  });

  test("have the hours of the viewer's zone", () => {
    expect(stripDays(strip, [], 120).map(({ label }) => label)).toEqual(["Mon 23 Nov"]);
  });

  test("are a sentence", () => {
    expect(stripSentence(strip)).toBe("The worst state of each hour: 2 hours fresh, 1 hour waiting, 1 hour not recorded.");
  });
});

describe("activity", () => {
  const entry: ActivityEntry = {
    id: "1",
    at: now,
    who: "anna",
    by: "people",
    verb: "replay",
    count: 1_207,
    outcome: "partly",
    words: "1,204 done, 3 failed again",
  };

  test.each([
    [{ cause: "c7f2" }, "replayed 1,207 dead letters of c7f2: partly, 1,204 done, 3 failed again"],
    [{ verb: "park", tenant: "contoso", mailbox: "hr@contoso.example", count: 1, outcome: "done", words: "" }, "parked hr@contoso.example"],
    [{ verb: "park", tenant: "fabrikam", count: 38, outcome: "undone", words: "" }, "parked 38 mailboxes of fabrikam: undone"],
    [{ verb: "sign in", outcome: "refused", words: "wrong password" }, "signed in: refused, wrong password"],
    [
      { verb: "stopped", tenant: "fabrikam", count: 1, outcome: "done", words: "client secret expired" },
      "stopped fabrikam: client secret expired",
    ],
  ] as const)("%j is said in one line", (more, words) => {
    expect(activityWords({ ...entry, ...more })).toBe(words);
  });
});

describe("choices", () => {
  test("a cause in a list of choices does not tick", () => {
    const cause: CauseItem = {
      id: "c7f2",
      code: "ENTRA_CREDENTIAL_EXPIRED",
      scope: "tenant",
      state: "parked",
      tenant: "fabrikam",
      mailboxes: ["a@fabrikam.example"],
      mailboxCount: 38,
      since: now - 7_800_000,
      nextAt: now + 60_000,
      tries: 9,
      text: "",
      owner: "you",
      parkedCount: 38,
      waitingCount: 0,
    };
    expect(causeLabel("c7f2", [cause])).toBe("fabrikam: client secret expired");
    expect(causeLabel("09de", [cause])).toBe("09de");
  });

  test("today begins at the viewer's midnight", () => {
    expect(midnight(now, "utc")).toBe(Date.UTC(2026, 10, 23));
    expect(midnight(Date.UTC(2026, 10, 23, 23, 30), 60)).toBe(Date.UTC(2026, 10, 23, 23));
  });

  test("the oldest letter is the first of all that have a time", () => {
    expect([oldestOf([{ since: 5 }, {}, { since: 3 }]), oldestOf([{}])]).toEqual([3, undefined]);
  });
});
