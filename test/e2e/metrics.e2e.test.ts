import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSums, until } from "./fleet.ts";
import type { FleetUnderTest, RoleAnswer } from "./fleet-under-test.ts";
import { startFleet } from "./start-fleet.ts";

const refused = "hr@contoso.example";
const roles = ["producer", "worker"] as const;
let fleet: FleetUnderTest;
let redis: Redis;

beforeAll(async () => {
  fleet = await startFleet({
    tenants: [{ alias: "contoso", mailboxes: 5, messages: 200 }],
    prepare: (sandbox) => sandbox.setRefused(refused, true),
    pollSeconds: 5,
    hasConsole: false,
  });
  redis = new Redis(fleet.redis.url);
  redis.on("error", () => undefined);
});
afterAll(async () => {
  redis?.disconnect();
  await fleet?.stop();
});

/** Of all processes of the role. */
const metricsOf = async (role: "producer" | "worker"): Promise<string> =>
  (await fleet.ask(role, "/metrics")).map(({ text }) => text).join("\n");
const haveAll =
  (status: number) =>
  (answers: readonly RoleAnswer[]): boolean =>
    answers.every((answer) => answer.status === status);
/** The sum over all label sets that have these. */
function sumOf(text: string, name: string, ...labels: readonly string[]): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test("the roles show what they did, the same as the ledger, and no mailbox", async () => {
  // Nothing to do is not the end: a mailbox with little history is counted as it is handed off.
  const all = (await fleet.sandbox.truth()).filter(({ isMail, address }) => isMail && address !== refused).length;
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff === all && sums.toDo === 0,
    60_000,
    fleet.output,
  );
  const sums = await readSums(redis);
  const worker = await until(
    () => metricsOf("worker"),
    (text) => sumOf(text, "mailfleet_handed_off_total") >= sums.handedOff,
    60_000,
    fleet.output,
  );
  expect(sumOf(worker, "mailfleet_handed_off_total", 'tenant="contoso"')).toBe(sums.handedOff);
  expect(sumOf(worker, "mailfleet_token_events_total", 'event="requests"')).toBeGreaterThan(0);
  expect(sumOf(worker, "mailfleet_session_seconds_count")).toBeGreaterThan(0);

  const producer = await until(
    () => metricsOf("producer"),
    // The queue and the ledger are looked at in different moments.
    (text) =>
      sumOf(text, "mailfleet_messages", 'account="handed_off"') >= sums.handedOff &&
      sumOf(text, "mailfleet_events", 'state="waiting"') >= sums.handedOff,
    60_000,
    fleet.output,
  );
  expect(sumOf(producer, "mailfleet_mailboxes", 'tenant="contoso"')).toBe(5);
  expect(sumOf(producer, "mailfleet_unaccounted_messages")).toBe(0);
  expect(sumOf(producer, "mailfleet_processes", 'role="worker"')).toBe(fleet.workers);
  for (const text of [worker, producer]) expect(text).not.toContain("@");
});

test("a Redis that is away makes roles not ready, and nobody is to be restarted for it", async () => {
  for (const role of roles) {
    for (const path of ["/healthz", "/readyz"] as const) await until(() => fleet.ask(role, path), haveAll(200), 20_000, fleet.output);
  }
  await fleet.redis.pause();
  try {
    for (const role of roles) {
      const answers = await until(() => fleet.ask(role, "/readyz"), haveAll(503), 60_000, fleet.output);
      for (const { text } of answers) expect(text).toContain("Redis did not answer");
      for (const { status } of await fleet.ask(role, "/healthz")) expect(status).toBe(200);
    }
  } finally {
    await fleet.redis.resume();
  }
  for (const role of roles) await until(() => fleet.ask(role, "/readyz"), haveAll(200), 60_000, fleet.output);
});
