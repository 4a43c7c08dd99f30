import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../e2e/fleet.ts";
import type { TokenWorkerOptions, TokenWorkerReport } from "./token-worker.ts";

const workers = 8;
const mailboxes = 10_000;
/** A second is 6: more, and a machine with other work comes too late for what is due within a second. */
const pace = 6;
/** Of these tenants' tokens: 20 s here. The others' last an hour, 10 min here. */
const shortLife = 120;
const shortLived = ["contoso", "fabrikam"];
const aliases = [...shortLived, "northwind", "litware"];

let dir = "";
let sandbox: Sandbox;
const children: ChildProcess[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-token-fleet-"));
  sandbox = await startSandbox({ dataDir: dir, tenants: aliases.map((alias) => ({ alias, mailboxes: 1, messages: 0 })) });
  for (const tenant of shortLived) sandbox.faults.add({ name: "token-lifetime", tenant, params: { seconds: shortLife } });
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await sandbox.close();
  await rm(dir, { recursive: true });
});

function start(options: Omit<TokenWorkerOptions, "mailboxes">, n: number): ChildProcess {
  const own = Array.from({ length: mailboxes / workers }, (_, i) => aliases[(n + i) % aliases.length] as string);
  const child = fork(join(import.meta.dirname, "token-worker.ts"), [JSON.stringify({ ...options, mailboxes: own })], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(dir, "compile-cache") },
  });
  children.push(child);
  return child;
}

const requests = (alias: string): number => sandbox.counters.tokenRequests.get(alias) ?? 0;
const since = (startedMs: number): number => ((performance.now() - startedMs) * pace) / 1_000;

/** The next word of each. */
async function wordsOf(fleet: readonly ChildProcess[]): Promise<unknown[]> {
  return Promise.all(fleet.map(async (child) => ((await once(child, "message")) as [unknown])[0]));
}

test("8 processes with 10,000 mailboxes ask once for each token, and an outage of more than half of a token's life reaches no mailbox", async () => {
  const options = {
    redisUrl: sharedRedisUrl(),
    fleet: uniqueName("token-fleet"),
    authority: sandbox.authority,
    caFile: sandbox.caFile,
    pace,
    from: Date.now(),
    tenants: sandbox.tenants.map(({ alias, tenantId, clientId }) => ({ alias, tenantId, clientId, secret: sandbox.secretOf(alias) })),
  };
  const fleet = Array.from({ length: workers }, (_, n) => start(options, n));
  expect(new Set(await wordsOf(fleet))).toEqual(new Set(["ready"]));
  const served = wordsOf(fleet);
  for (const child of fleet) child.send("go");
  expect(new Set(await served)).toEqual(new Set(["served"]));
  // One for each tenant, whoever of the eight it was.
  expect(aliases.map(requests)).toEqual([1, 1, 1, 1]);

  const outage = sandbox.faults.add({ name: "token-5xx" });
  const outageMs = performance.now();
  // Longer than half of a life, and until the renewals, due after 55 % of it, were tried in vain.
  await until(async () => since(outageMs) > shortLife * 0.52 && shortLived.every((alias) => requests(alias) >= 3), Boolean, 30_000);
  const failed = shortLived.map((alias) => requests(alias) - 1);
  sandbox.faults.remove(outage);
  const recoveryMs = performance.now();
  const atRecovery = aliases.map(requests);
  const renewals = (alias: string): number => requests(alias) - (atRecovery[aliases.indexOf(alias)] as number);

  await until(async () => shortLived.every((alias) => renewals(alias) >= 1), Boolean, 60_000 / pace);
  await until(async () => shortLived.every((alias) => renewals(alias) >= 2), Boolean, 50_000);
  const reports = wordsOf(fleet) as Promise<TokenWorkerReport[]>;
  for (const child of fleet) child.send("stop");
  const done = await reports;

  const asked = done.reduce((sum, report) => sum + report.asked, 0);
  for (const { failures, stale } of done) expect({ failures, stale }).toEqual({ failures: {}, stale: 0 });
  expect(asked).toBeGreaterThan(mailboxes * 10);
  // 2, 4, 8, 16 s between them: once per step for the whole fleet.
  for (const count of failed) expect(count).toBeLessThanOrEqual(5);
  for (const alias of aliases) {
    // Each request after the outage brought one token, and everybody used it.
    const tokens = new Set(done.flatMap((report) => report.tokens[alias] ?? []));
    expect(tokens.size, alias).toBe(renewals(alias) + 1);
    if (!shortLived.includes(alias)) expect(renewals(alias), alias).toBe(0);
  }
  // A token is used for more than half of its life, though each of eight processes has its own moment to renew it.
  expect(since(recoveryMs)).toBeGreaterThan(0.5 * shortLife);
}, 150_000);
