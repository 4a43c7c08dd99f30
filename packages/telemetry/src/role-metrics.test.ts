import { expect, test } from "vitest";
import { showFleet, type FleetFacts } from "./fleet-metrics.ts";
import { metricCatalogue } from "./metric-catalogue.ts";
import { createRoleMetrics, type RoleMetrics } from "./role-metrics.ts";

const create = (): RoleMetrics => createRoleMetrics({ role: "worker", version: "1.2.3" });
const linesOf = async (metrics: RoleMetrics, name: string): Promise<readonly string[]> =>
  (await metrics.read()).text.split("\n").filter((line) => line.startsWith(name));

test("what is counted, set and observed is shown under its public name", async () => {
  const metrics = create();
  metrics.add("handedOff", { tenant: "contoso", lane: "fresh" }, 3);
  metrics.add("handedOff", { tenant: "contoso", lane: "fresh" });
  metrics.set("activeSessions", { lane: "fresh" }, 2);
  metrics.observe("sessionSeconds", { lane: "fresh" }, 0.2);
  const { text } = await metrics.read();
  expect(text).toContain('mailfleet_handed_off_total{tenant="contoso",lane="fresh"} 4');
  expect(text).toContain('mailfleet_active_sessions{lane="fresh"} 2');
  expect(text).toContain('mailfleet_session_seconds_bucket{le="0.25",lane="fresh"} 1');
  expect(text).toContain('mailfleet_build_info{version="1.2.3",role="worker"} 1');
  expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
});

test("a counter that somebody else keeps is followed, also over a new start of it", async () => {
  const metrics = create();
  const values = [5, 7, 2];
  for (const value of values) metrics.standsAt("tokens", { event: "requests" }, value);
  expect(await linesOf(metrics, "mailfleet_token_events_total")).toEqual(['mailfleet_token_events_total{event="requests"} 9']);
});

test("a metric is used as what it is", () => {
  expect(() => create().add("activeSessions", { lane: "fresh" })).toThrow("mailfleet_active_sessions is a gauge");
});

test("two scrapes at once are one reading, and one that fails does not spoil the next", async () => {
  const metrics = create();
  let looks = 0;
  metrics.onScrape(() => {
    looks++;
    return looks === 2 ? Promise.reject(new Error("Redis is away")) : Promise.resolve();
  });
  await Promise.all([metrics.read(), metrics.read()]);
  expect(looks).toBe(1);
  await expect(metrics.read()).rejects.toThrow("Redis is away");
  await expect(metrics.read()).resolves.toMatchObject({ contentType: expect.stringContaining("text/plain") as string });
});

test("names and labels follow the rules of Prometheus, and no label can hold a mailbox", () => {
  const allowed = new Set([
    "sentence",
    "tenant",
    "state",
    "code",
    "status",
    "owner",
    "account",
    "lane",
    "role",
    "credential",
    "outcome",
    "event",
    "version",
  ]);
  for (const { name, type, labels, help } of Object.values(metricCatalogue)) {
    expect(name).toMatch(/^mailfleet_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(help).toMatch(/\.$/);
    for (const label of labels) expect(allowed.has(label), `${name} ${label}`).toBe(true);
  }
  expect(new Set(Object.values(metricCatalogue).map(({ name }) => name)).size).toBe(Object.keys(metricCatalogue).length);
});

const quiet: FleetFacts = {
  sentence: "No mailboxes yet.",
  mailboxes: [],
  ledgers: new Map(),
  events: { waiting: 0, active: 0, delayed: 0, failed: 0 },
  eventBytes: 0,
  oldestEventMs: 0,
  redisMemoryShare: 0,
  intake: { fresh: "open", backfill: "open" },
  syncJobs: { fresh: 0, backfill: 0 },
  processes: [],
  lanes: { fresh: { workers: 0, waiting: 0 }, backfill: { workers: 0, waiting: 0 } },
};
const states = ["fresh", "parked"];

test("the fleet's mailboxes, causes and ledger add up by tenant", async () => {
  const metrics = create();
  const ledger = { listed: 10, handedOff: 7, excluded: 1, quarantined: 1, toDo: 0 };
  showFleet(
    metrics,
    {
      ...quiet,
      mailboxes: [
        { tenant: "contoso", state: "fresh", checkAgeMs: 40_000, dueMs: 3_000 },
        { tenant: "contoso", state: "parked", checkAgeMs: 9_000_000, stopped: { code: "ENTRA_CREDENTIAL_EXPIRED", owner: "you" } },
        { tenant: "fabrikam", state: "fresh", checkAgeMs: 1_000, dueMs: -5_000 },
      ],
      ledgers: new Map([["contoso", ledger]]),
      intake: { fresh: "slow", backfill: "closed" },
      lanes: { fresh: { workers: 2, waiting: 1 }, backfill: { workers: 0, waiting: 9 } },
    },
    states,
  );
  const { text } = await metrics.read();
  expect(text).toContain('mailfleet_mailboxes{tenant="contoso",state="fresh"} 1');
  expect(text).toContain('mailfleet_mailboxes{tenant="fabrikam",state="parked"} 0');
  expect(text).toContain('mailfleet_stopped_mailboxes{tenant="contoso",code="ENTRA_CREDENTIAL_EXPIRED",owner="you"} 1');
  expect(text).toContain('mailfleet_oldest_check_seconds{tenant="contoso"} 40');
  expect(text).toContain('mailfleet_due_lag_seconds{tenant="contoso"} 3');
  expect(text).toContain('mailfleet_due_lag_seconds{tenant="fabrikam"} 0');
  expect(text).toContain('mailfleet_check_age_seconds_bucket{le="60",tenant="contoso"} 1');
  expect(text).toContain('mailfleet_check_age_seconds_count{tenant="contoso"} 2');
  expect(text).toContain('mailfleet_unaccounted_messages{tenant="contoso"} 1');
  expect(text).toContain('mailfleet_intake{lane="fresh"} 0.5');
  expect(text).toContain('mailfleet_lane_workers{lane="backfill"} 0');
  expect(text).toContain('mailfleet_lane_waiting_mailboxes{lane="backfill"} 9');
});

test("the sentence is one series, and the one of before is gone", async () => {
  const metrics = create();
  for (const sentence of ["9 of 10 mailboxes are fresh. One cause needs you.", "All 10 mailboxes are fresh. Nothing needs you."])
    showFleet(metrics, { ...quiet, sentence }, states);
  expect(await linesOf(metrics, "mailfleet_sentence_info")).toEqual([
    'mailfleet_sentence_info{sentence="All 10 mailboxes are fresh. Nothing needs you."} 1',
  ]);
});

test("a tenant and a cause that are gone are shown no longer", async () => {
  const metrics = create();
  const stopped = { code: "SERVER_THROTTLED", owner: "self" } as const;
  showFleet(metrics, { ...quiet, mailboxes: [{ tenant: "contoso", state: "fresh", stopped }], processes: [{ role: "worker" }] }, states);
  showFleet(metrics, { ...quiet, mailboxes: [{ tenant: "fabrikam", state: "fresh" }] }, states);
  const { text } = await metrics.read();
  expect(text).not.toContain("contoso");
  expect(text).not.toContain("SERVER_THROTTLED");
  expect(text).not.toContain('mailfleet_processes{role="worker"}');
});
