import { decideIntake, describeIntake, describeLane, viewFleet } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { plantedFleet, testLedger, testMailbox, testNow } from "../fleet-fixture.ts";
import { lineText, textWidth } from "../text-layout.ts";
import { type PanelState, panelText, renderPanel } from "./panel.ts";

const marks = { done: "✓", yours: "✗", look: "!", moving: "~", full: "█", empty: "░" };

function panel(given: Partial<PanelState> = {}, columns = 100, rows = 40): string {
  return panelText(renderPanel(stateOf(given), { columns, rows }, marks));
}

function stateOf(given: Partial<PanelState>): PanelState {
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

const standing: Partial<PanelState> = {
  isSyncing: false,
  rate: 0.4,
  firstSync: { ms: 14_200, handedOff: 12_465, finished: 59, mailboxes: 60 },
};

describe("while it syncs", () => {
  test("each tenant has its bar, and both planted troubles say what happens next", () => {
    expect(panel().split("\n").slice(0, 7)).toEqual([
      "  First sync   about 6 s left, 912 messages/s",
      "    contoso     ████████████████████░░░░░░░░░░   69 %   5,577 of 7,995   40 mailboxes",
      "    fabrikam    █████████░░░░░░░░░░░░░░░░░░░░░   31 %   1,120 of 3,600   15 mailboxes",
      "    northwind   ██████████████████████████████  100 %     880 of   880   5 mailboxes",
      "  ✗ contoso    hr@contoso.example refuses mailfleet: no access was granted to it",
      "               npx mailfleet doctor --mailbox hr@contoso.example",
      expect.stringMatching(/^ {2}~ fabrikam {3}ap@fabrikam\.example is throttled by the server until \d\d:03:14, then goes on by itself$/),
    ]);
  });

  test("a tenant all of whose mailboxes are read over POP3 says so", () => {
    const spools = plantedFleet().map((record) => (record.tenant === "northwind" ? { ...record, protocol: "pop3" as const } : record));
    const lines = panel({ view: viewFleet(spools, testNow, 600_000) }).split("\n");
    expect(lines[2]).not.toContain("POP3");
    expect(lines[3]).toMatch(/northwind .* 5 mailboxes, POP3$/);
  });

  test("a bar is full, and 100 % is said, only when everything is counted and done", () => {
    const almost = [testMailbox("a/x@a.example", { ledger: testLedger({ handedOff: 99_999, toDo: 1 }) })];
    const text = panel({ view: viewFleet(almost, testNow, 600_000) });
    expect(text).toContain("░   99 %");
    const { checkedAt: _, ...unseen } = testMailbox("a/y@a.example", { ledger: testLedger() });
    const counting = [testMailbox("a/x@a.example", { ledger: testLedger({ handedOff: 10 }) }), unseen];
    expect(panel({ view: viewFleet(counting, testNow, 600_000) })).toMatch(/░ +90 % +10 of 10\+/);
  });

  test("many tenants take eight rows, those that are behind", () => {
    const records = Array.from({ length: 30 }, (_, i) =>
      testMailbox(`t${i}/x@t.example`, { ledger: testLedger({ handedOff: 100 - i, toDo: i }) }),
    );
    const text = panel({ view: viewFleet(records, testNow, 600_000) });
    expect(text).toContain("t29");
    expect(text).not.toContain("t21 ");
    expect(text).toContain("… 22 more tenants, further along");
  });
});

describe("when the first sync is done", () => {
  test("it stays with ledger, sentence and three commands that exist", () => {
    const lines = panel({ ...standing, view: viewFleet(plantedFleet(), testNow, 600_000) }, 120).split("\n");
    expect(lines[0]).toBe("  ✓ First sync done in 14.2 s: 12,465 messages handed off from 59 of 60 mailboxes.");
    expect(lines[1]).toBe("    listed 12,475 = handed off 7,557 + excluded 15 + quarantined 5 + to do 4,898        unaccounted 0");
    expect(lines[2]).toBe("  Now   58 of 60 mailboxes fresh, oldest check 5 s ago, 0.4 messages/s. 1 needs you: hr@contoso.example.");
    expect(lines.slice(-4)).toEqual([
      "  Try next    npx mailfleet tail                                  events as they come",
      "              npx mailfleet status                                the fleet in one screen",
      "              npx mailfleet doctor --mailbox hr@contoso.example   which step is wrong, and the fix",
      "  Ctrl-C stops. Nothing is lost, and the next start goes on from here.",
    ]);
  });

  test("in the sandbox the third is to break something; what a cause wants stands beside it", () => {
    const lines = panel({ ...standing, isSandbox: true }, 120).split("\n");
    expect(lines).toContain("               npx mailfleet doctor --mailbox hr@contoso.example");
    expect(lines.slice(-4)).toEqual([
      "  Try next    npx mailfleet tail                events as they come",
      "              npx mailfleet status              the fleet in one screen",
      "              npx mailfleet sandbox fault       break something and watch",
      "  Ctrl-C stops. Nothing is lost, and the next start goes on from here.",
    ]);
  });

  test("its commands reach the fleet that it shows", () => {
    const text = panel({ ...standing, isSandbox: true, options: " --data ./other" }, 120);
    const commands = text.split("\n").filter((one) => one.includes("npx mailfleet"));
    expect(commands).toHaveLength(4);
    for (const command of commands) expect(command).toMatch(/ --data \.\/other( {3}|$)/);
  });

  test("new mail is named by mailbox, folder and UID, newest first", () => {
    const latest = [1, 2, 3, 4].map((n) => ({
      type: "message.added",
      tenant: "contoso",
      mailbox: "a@contoso.example",
      folder: "INBOX\u001b[31m",
      uid: n,
      uidl: undefined,
      at: testNow - n * 1_000,
    }));
    const lines = panel({ ...standing, latest }).split("\n");
    const first = lines.findIndex((text) => text.startsWith("  New"));
    expect(lines.slice(first, first + 4)).toEqual([
      "  New   contoso a@contoso.example, INBOX[31m, UID 1, 1 s ago",
      "        contoso a@contoso.example, INBOX[31m, UID 2, 2 s ago",
      "        contoso a@contoso.example, INBOX[31m, UID 3, 3 s ago",
      expect.stringContaining("Try next"),
    ]);
  });

  test("a Redis that does not answer is said in the panel", () => {
    expect(panel({ ...standing, trouble: "Redis at redis://127.0.0.1:6379 does not answer." })).toContain(
      "  ! Redis at redis://127.0.0.1:6379 does not answer.",
    );
  });
});

describe.each([60, 80, 100, 120])("at %i columns", (columns) => {
  test.each([
    ["syncing", {}],
    ["standing", standing],
  ])("no line of the panel wraps while %s", (_, given) => {
    const lines = renderPanel(stateOf(given), { columns, rows: 40 }, marks);
    expect(lines.length).toBeGreaterThan(5);
    for (const one of lines) {
      if (!one.isWhole) expect(textWidth(lineText(one)), lineText(one)).toBeLessThanOrEqual(columns);
    }
  });
});

test("at 60 columns the last line is whole, on two", () => {
  expect(panel(standing, 60).split("\n").slice(-2)).toEqual([
    "  Ctrl-C stops. Nothing is lost, and the next start goes on",
    "  from here.",
  ]);
});

test("below 60 columns the bars go, the numbers stay", () => {
  expect(panel({}, 50)).toMatch(/contoso +69 % +5,577 of 7,995/);
  expect(panel({}, 50)).not.toContain("█");
});

test("a panel is never taller than the terminal", () => {
  expect(renderPanel(stateOf(standing), { columns: 80, rows: 8 }, marks)).toHaveLength(7);
});

test("what holds intake back stands above the causes of mailboxes, in the words of status, and nobody is told that nothing needs them", () => {
  const marksOf = { highWater: 50_000, highWaterBytes: 2e9, deadLetters: 10_000 };
  const load = { waiting: 60_000, active: 0, delayed: 0, failed: 0, bytes: 6e8, oldestAt: testNow - 250_000, memoryShare: 0, problems: [] };
  const words = describeIntake(decideIntake(load, marksOf), load, marksOf, testNow);
  const text = panel({ ...standing, view: viewFleet([testMailbox("contoso/a@contoso.example")], testNow, 600_000, { intake: words }) });
  expect(text).toContain("  ✗ No consumer is at work, for 4 min: 60,000 events in the queue, the limit is 50,000.");
  expect(text).toContain("1 needs you: consumers.");
  expect(text).not.toContain("Nothing needs you");
});

test("a lane that no worker serves needs a person, and its command stands whole", () => {
  const lanes = [describeLane({ lane: "fresh", since: testNow - 60_000, waiting: 2 }, testNow, " --config fleet.yaml")];
  const text = panel({ ...standing, view: viewFleet([testMailbox("contoso/a@contoso.example")], testNow, 600_000, { lanes }) });
  expect(text).toMatch(/1 needs you: a worker for new\s+mail\./);
  expect(text).toContain("  ✗ No worker has served new mail (lane fresh) for 1 min: 2 mailboxes wait.");
  expect(text).toContain("    npx mailfleet worker --lane fresh --config fleet.yaml");
});
