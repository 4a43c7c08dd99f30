import { decideIntake, describeIntake, describeLane, viewFleet } from "@mailfleet/core";
import { expect, test } from "vitest";
import { plantedFleet, testCause, testLedger, testMailbox, testNow } from "./fleet-fixture.ts";
import { renderStatus, type StatusFacts, statusJson } from "./status-report.ts";
import { textWidth } from "./text-layout.ts";

const marks = { done: "✓", yours: "✗", look: "!", moving: "~", full: "█", empty: "░" };
const style = { width: 120, marks, paint: (_role: string, text: string) => text, isPiped: false };
const alive = ["producer", "worker"].map((role) => ({ id: role, role, seenAt: testNow, concurrency: 1 }));

const downstream = { highWater: 50_000, highWaterBytes: 2e9, deadLetters: 10_000 };
const noLoad = { waiting: 0, active: 0, delayed: 0, failed: 0, bytes: 0, memoryShare: 0, problems: [] };

function facts(given: Partial<StatusFacts> = {}): StatusFacts {
  return {
    view: viewFleet(plantedFleet(), testNow, 600_000),
    rates: new Map([["contoso", 18.24]]),
    processes: alive,
    load: noLoad,
    marks: downstream,
    comingUp: [],
    credentials: [],
    now: testNow + 1_000,
    ...given,
  };
}

test("the sentence comes first, then causes by who must act, then tenants and the ledger", () => {
  const lines = renderStatus(
    facts({ comingUp: [{ tenant: "contoso", kind: "secret", expiresAt: testNow + 6.5 * 86_400_000, mailboxes: 40 }] }),
    style,
  ).split("\n");
  expect(lines).toEqual([
    "58 of 60 mailboxes are fresh. One cause needs you; 1 mailbox recovers by itself.",
    "Needs you",
    "✗ contoso     no access was granted   1 mailbox parked   npx mailfleet doctor --mailbox hr@contoso.example",
    "Mended? npx mailfleet mailboxes resume hr@contoso.example",
    "Coming up",
    expect.stringMatching(/^! contoso {5}client secret expires (Sun 29|Mon 30) Nov, 6 days {3}40 mailboxes to stop$/),
    "              npx mailfleet onboard --tenant contoso --rotate",
    "Recovers by itself",
    expect.stringMatching(/^~ fabrikam {4}throttled by the server until \d\d:03:14 {3}1 mailbox, next try in 12 s$/),
    "Tenant     Mailboxes  Fresh  Behind  Waiting  Parked  Oldest check  Messages/s  To do",
    "contoso           40     39       0        0       1  5 s                 18.2  2,418",
    "fabrikam          15     14       0        1       0  5 s                    0  2,480",
    "northwind          5      5       0        0       0  5 s                    0      0",
    "Ledger   listed 12,475 = handed off 7,557 + excluded 15 + quarantined 5 + to do 4,898        unaccounted 0",
    expect.stringMatching(/^As of \d\d:03:02, 1 s old\.$/),
    "",
  ]);
});

test("2,000 mailboxes behind one expired secret are one line that needs you, with the way to mend it", () => {
  const cause = testCause({ code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", state: "parked", since: testNow - 7_800_000, tries: 3 });
  const many = Array.from({ length: 2_000 }, (_, i) => testMailbox(`fabrikam/m${i}@fabrikam.example`, { cause }));
  const view = viewFleet([...many, testMailbox("contoso/a@contoso.example")], testNow, 600_000);
  const lines = renderStatus(facts({ view }), style).split("\n");
  expect(lines.slice(0, 5)).toEqual([
    "1 of 2,001 mailboxes is fresh. One cause needs you.",
    "Needs you",
    "✗ fabrikam    client secret expired 2 h 10 min ago   2,000 mailboxes parked   npx mailfleet doctor --tenant fabrikam",
    "Mended? npx mailfleet mailboxes resume --tenant fabrikam",
    expect.stringMatching(/^Tenant /),
  ]);
});

test("a fleet that nobody works on does not look well", () => {
  expect(renderStatus(facts({ processes: [] }), style)).toContain("! No producer and no worker reported within 30 s, so nothing moves.");
});

test("all well is one sentence", () => {
  const view = viewFleet([testMailbox("a/x@a.example"), testMailbox("a/y@a.example")], testNow, 600_000);
  const text = renderStatus(facts({ view }), style);
  expect(text.split("\n")[0]).toBe("All 2 mailboxes are fresh. Nothing needs you.");
  expect(text).not.toMatch(/Needs you\n|Recovers/);
});

test("how many are read over POP3, and what that leaves out, is said where any is", () => {
  const view = viewFleet([testMailbox("a/x@a.example"), testMailbox("a/y@a.example", { protocol: "pop3" })], testNow, 600_000);
  expect(renderStatus(facts({ view }), style)).toContain("\nPOP3     1 of 2 mailboxes: the INBOX alone, without flags or push\n");
  expect(statusJson(facts({ view }))).toMatchObject({ tenants: [{ tenant: "a", mailboxes: 2, pop3: 1 }] });
  expect(renderStatus(facts(), style)).not.toContain("POP3");
});

test("an empty fleet says what to do", () => {
  expect(renderStatus(facts({ view: viewFleet([], testNow, 1) }), style)).toMatch(/^No mailboxes yet\. npx mailfleet mailboxes import/);
});

test.each([60, 80, 120])("at %i columns nothing wraps but a command to paste, and no command is cut", (width) => {
  const lines = renderStatus(facts(), { ...style, width }).split("\n");
  expect(lines.join("\n")).toContain("npx mailfleet doctor --mailbox hr@contoso.example");
  for (const text of lines) if (!text.includes("npx")) expect(textWidth(text), text).toBeLessThanOrEqual(width);
});

test("what is parked names the command that makes it go on when it is mended, and commands reach the fleet that was asked about", () => {
  const text = renderStatus(facts({ options: " --config fleet.yaml" }), style);
  expect(text).toContain("\nMended? npx mailfleet mailboxes resume hr@contoso.example --config fleet.yaml\n");
  expect(text).toContain("npx mailfleet doctor --mailbox hr@contoso.example --config fleet.yaml");
  expect(renderStatus(facts({ startOptions: " --config fleet.yaml", processes: [] }), style)).toContain(
    "Start it: npx mailfleet up --config fleet.yaml\n",
  );
  expect(renderStatus(facts(), { ...style, isPiped: true })).not.toContain("Mended?");
});

test("a lane that no worker serves needs a person: how long, how many wait, and the command with the options of the call", () => {
  const lanes = [describeLane({ lane: "backfill", since: testNow - 720_000, waiting: 31 }, testNow, " --config fleet.yaml")];
  const view = viewFleet([testMailbox("a/x@a.example")], testNow, 600_000, { lanes });
  const text = renderStatus(facts({ view }), style);
  expect(text.split("\n").slice(0, 3)).toEqual([
    "The only mailbox is fresh. One cause needs you.",
    "✗ No worker has served history (lane backfill) for 12 min: 31 mailboxes wait. It goes on when one runs. Nothing is lost;",
    "  mail waits on the server.",
  ]);
  expect(text).toContain("\n  Start a worker for it, or one for both lanes.  npx mailfleet worker --lane backfill --config fleet.yaml\n");
  expect(renderStatus(facts({ view }), { ...style, width: 60 })).toContain(
    "\n    npx mailfleet worker --lane backfill --config fleet.yaml\n",
  );
  expect(JSON.parse(JSON.stringify(statusJson(facts({ view }))))).toMatchObject({
    unserved: [{ lane: "backfill", since: "2026-11-23T13:51:02.000Z", waiting: 31, do: [expect.any(String), lanes[0]?.command] }],
  });
  expect(statusJson(facts())).toMatchObject({ unserved: [] });
});

test("narrow terminals lose columns from the right", () => {
  const header = renderStatus(facts(), { ...style, width: 60 })
    .split("\n")
    .find((text) => text.startsWith("Tenant"));
  expect(header).toMatch(/Parked$/);
});

test("a pipe gets tabs, whole numbers and UTC", () => {
  const lines = renderStatus(facts(), { ...style, isPiped: true }).split("\n");
  expect(lines).toContain("Needs you\tTenant\tWhat\tMailboxes\tCommand");
  expect(lines).toContain("contoso\t40\t39\t0\t0\t1\t2026-11-23T14:02:57.000Z\t18.2\t2418");
  expect(lines.find((text) => text.startsWith("~"))).toMatch(/\t1 mailbox, next try at 2026-11-23T14:03:14Z\t$/);
});

test("beyond twelve tenants the quiet ones are one row, and its sums are right", () => {
  const records = Array.from({ length: 15 }, (_, i) => testMailbox(`t${i}/x@t.example`, { ledger: testLedger({ handedOff: 1, toDo: 2 }) }));
  const text = renderStatus(facts({ view: viewFleet(records, testNow, 600_000) }), style);
  expect(text).toMatch(/\n… 3 more +3 +3 +0 +0 +0 +5 s +0 +6\n/);
  const piped = renderStatus(facts({ view: viewFleet(records, testNow, 600_000) }), { ...style, isPiped: true });
  expect(piped.match(/^t\d+\t/gm)).toHaveLength(15);
  expect(piped).not.toContain("more");
});

test("the JSON carries sentence, states, causes with owner and next look, ledger and tenants", () => {
  const json = JSON.parse(JSON.stringify(statusJson(facts()))) as Record<string, unknown>;
  expect(json).toMatchObject({
    schema: "mailfleet.status/1",
    at: "2026-11-23T14:03:02.000Z",
    sentence: "58 of 60 mailboxes are fresh. One cause needs you; 1 mailbox recovers by itself.",
    states: { fresh: 58, parked: 1, waiting: 1 },
    ledger: { listed: 12_475, handedOff: 7_557, excluded: 15, quarantined: 5, toDo: 4_898, unaccounted: 0 },
  });
  expect(json["causes"]).toMatchObject([
    {
      code: "MAILBOX_ACCESS_DENIED",
      tenant: "contoso",
      mailboxes: 1,
      owner: "you",
      do: [expect.any(String), "npx mailfleet doctor --mailbox hr@contoso.example", "npx mailfleet mailboxes resume hr@contoso.example"],
    },
    { code: "SERVER_THROTTLED", tenant: "fabrikam", mailboxes: 1, owner: "self", next: "2026-11-23T14:03:14.000Z", do: [] },
  ]);
});

test("consumers that are behind are said once, above all mailboxes, with what happens next and what to do", () => {
  const load = { ...noLoad, waiting: 50_204, active: 8, oldestAt: testNow - 250_000 };
  const words = describeIntake(decideIntake(load, downstream), load, downstream, testNow);
  const held = facts({ view: viewFleet([testMailbox("contoso/a@contoso.example")], testNow, 600_000, { intake: words }), load });
  expect(renderStatus(held, style).split("\n").slice(0, 4)).toEqual([
    "The only mailbox is fresh. Nothing needs you; consumers are behind.",
    "~ Consumers are 4 min behind: 50,212 events in the queue, the limit is 50,000. History waits and new mail comes in",
    "  slower; goes on by itself as the queue empties. Nothing is lost; mail waits on the server.",
    "  Start more consumers, or look at their errors.",
  ]);
  expect(statusJson(held)).toMatchObject({
    downstream: {
      waiting: 50_204,
      active: 8,
      deadLetters: 0,
      highWater: 50_000,
      cause: { code: "DOWNSTREAM_BACKPRESSURE", owner: "self" },
    },
  });
});

test("dead letters at their limit need a person, and the command is there to paste", () => {
  const load = { ...noLoad, failed: 10_000 };
  const words = describeIntake(decideIntake(load, downstream), load, downstream, testNow);
  const text = renderStatus(facts({ view: viewFleet(plantedFleet(), testNow, 600_000, { intake: words }), load }), style);
  expect(text).toContain("58 of 60 mailboxes are fresh. Two causes need you; 1 mailbox recovers by itself.");
  expect(text).toContain("✗ Consumers fail: 10,000 events are dead letters, the limit is 10,000.");
  expect(text).toContain("npx mailfleet dead-letters list");
});

test("what is wrong with a worker's machine is said with its name", () => {
  const processes = [
    ...alive,
    { id: "host-7", role: "worker", seenAt: testNow, concurrency: 8, troubles: ["This machine's clock is 10 min off."] },
  ];
  expect(renderStatus(facts({ processes }), style)).toContain("! host-7: This machine's clock is 10 min off.");
});

test.each([
  [{ chosen: 140, connected: 70 }, "Push     140 mailboxes, told of new mail at once"],
  [{ chosen: 140, connected: 50 }, "Push     100 of 140 mailboxes told of new mail at once, 40 polled only"],
  [{ chosen: 0, connected: 0 }, "Push     no mailbox is chosen by sync.push, all are polled"],
])("two workers that push %j each are one line", (push, line) => {
  const processes = [...alive, { id: "another", role: "worker", seenAt: testNow, concurrency: 1, push }].map((one) =>
    one.role === "worker" ? { ...one, push } : one,
  );
  expect(renderStatus(facts({ processes }), style).split("\n")).toContain(line);
  expect(statusJson(facts({ processes }))).toMatchObject({ push: { chosen: push.chosen, connected: 2 * push.connected } });
});

test("nothing is said of push where no worker pushes", () => {
  expect(renderStatus(facts(), style)).not.toContain("Push ");
  expect(statusJson(facts())).not.toHaveProperty("push");
});
