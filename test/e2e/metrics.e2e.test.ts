import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { freePort, type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readSums, type Role, root, startProgram, until } from "./fleet.ts";

/** One of the sandbox's planted troubles. */
const refused = "hr@contoso.example";
let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
const roles: Role[] = [];
const ports = { producer: 0, worker: 0 };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-metrics-"));
  const tenants = [{ alias: "contoso", mailboxes: 5, messages: 200 }];
  sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants, trickle: 0, faults: true });
  server = await startRedis({ shared: false });
  redis = new Redis(server.url);
  redis.on("error", () => undefined);
  for (const role of ["producer", "worker"] as const) {
    ports[role] = await freePort();
    const env = {
      MAILFLEET_REDIS_URL: server.url,
      MAILFLEET_DATA_DIR: dir,
      MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
      MAILFLEET_METRICS_LISTEN: `127.0.0.1:${ports[role]}`,
    };
    roles.push(startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], env));
  }
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

const outputs = (): string => roles.map((role) => role.output()).join("\n");
async function get(role: "producer" | "worker", path: string): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(`http://127.0.0.1:${ports[role]}${path}`, { signal: AbortSignal.timeout(5_000) });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}
/** The sum over all label sets that have these. */
function sumOf(text: string, name: string, ...labels: readonly string[]): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

test("the roles show what they did, the same as the ledger, and no mailbox", async () => {
  // Nothing to do is not the end: a mailbox with little history is counted as it is handed off.
  const all = [...sandbox.truth()].filter(({ isMail, address }) => isMail && address !== refused).length;
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff === all && sums.toDo === 0,
    60_000,
    outputs,
  );
  const sums = await readSums(redis);
  const worker = await until(
    () => get("worker", "/metrics"),
    ({ text }) => sumOf(text, "mailfleet_handed_off_total") >= sums.handedOff,
    20_000,
    outputs,
  );
  expect(sumOf(worker.text, "mailfleet_handed_off_total", 'tenant="contoso"')).toBe(sums.handedOff);
  expect(sumOf(worker.text, "mailfleet_token_events_total", 'event="requests"')).toBeGreaterThan(0);
  expect(sumOf(worker.text, "mailfleet_session_seconds_count")).toBeGreaterThan(0);

  const producer = await until(
    () => get("producer", "/metrics"),
    // The queue and the ledger are looked at in different moments.
    ({ text }) =>
      sumOf(text, "mailfleet_messages", 'account="handed_off"') >= sums.handedOff &&
      sumOf(text, "mailfleet_events", 'state="waiting"') >= sums.handedOff,
    20_000,
    outputs,
  );
  expect(sumOf(producer.text, "mailfleet_mailboxes", 'tenant="contoso"')).toBe(5);
  expect(sumOf(producer.text, "mailfleet_unaccounted_messages")).toBe(0);
  expect(sumOf(producer.text, "mailfleet_processes", 'role="worker"')).toBe(1);
  for (const { text } of [worker, producer]) expect(text).not.toContain("@");
});

test("a Redis that is away makes roles not ready, and nobody is to be restarted for it", async () => {
  for (const role of ["producer", "worker"] as const) {
    const both = (): Promise<number[]> => Promise.all(["/healthz", "/readyz"].map(async (path) => (await get(role, path)).status));
    await until(both, ([alive, ready]) => alive === 200 && ready === 200, 20_000, outputs);
  }
  process.kill(server.pid, "SIGSTOP");
  try {
    for (const role of ["producer", "worker"] as const) {
      const { text } = await until(
        () => get(role, "/readyz"),
        ({ status }) => status === 503,
        60_000,
        outputs,
      );
      expect(text).toContain("Redis did not answer");
      expect((await get(role, "/healthz")).status).toBe(200);
    }
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  for (const role of ["producer", "worker"] as const)
    await until(
      () => get(role, "/readyz"),
      ({ status }) => status === 200,
      60_000,
      outputs,
    );
});
