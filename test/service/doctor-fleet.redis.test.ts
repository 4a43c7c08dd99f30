import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { type Cause, redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createFleetReader } from "@mailfleet/store";
import { type RunningRedis, sharedRedisUrl, startRedis, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { askDoctor } from "./doctor-bench.ts";
import { contosoMailbox } from "./pop3-doctor-rows.ts";

let dir: string;
let sandbox: Sandbox;
let redis: Redis;
const started: RunningRedis[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-doctor-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [
      { alias: "contoso", mailboxes: 3, messages: 30 },
      { alias: "fabrikam", mailboxes: 1, messages: 10 },
    ],
    faults: false,
  });
  redis = new Redis(sharedRedisUrl());
});
afterEach(async () => {
  sandbox.faults.clear();
  await Promise.all(started.splice(0).map((one) => one.stop()));
});
afterAll(async () => {
  redis.disconnect();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

interface Known {
  readonly address: string;
  readonly tenant?: string;
  readonly checkedAt?: number;
  readonly cause?: Partial<Cause>;
}

/** A fleet that runs, and knows these mailboxes. */
async function fleetOf(mailboxes: readonly Known[]): Promise<string> {
  const name = uniqueName("doctor");
  const keys = redisKeys(name);
  const now = Date.now();
  for (const { address, tenant = "contoso", checkedAt, cause } of mailboxes) {
    const id = `${tenant}/${address}`;
    const whole = { scope: "mailbox", text: "", since: now, tries: 1, nextAt: now + 600_000, state: "waiting", ...cause };
    await redis.hset(keys.mailbox(id), {
      tenant,
      address,
      protocol: "imap",
      ...(checkedAt !== undefined && { checkedAt: String(checkedAt) }),
      ...(cause && { cause: JSON.stringify(whole), nextAt: String(whole.nextAt) }),
    });
    await redis.sadd(keys.mailboxes, id);
    await redis.sadd(keys.tenants, tenant);
  }
  await createFleetReader(redis, keys).heartbeat({ id: "w", role: "worker", concurrency: 1 });
  return name;
}

const people = async (name: string): Promise<{ readonly exitCode: number | undefined; readonly text: string }> => {
  const { code: exitCode, out } = await askDoctor(sandbox, dir, { config: { redisUrl: sharedRedisUrl(), name } }, false);
  return { exitCode, text: out.replace(/\s+/g, " ") };
};
const logins = (): number => (sandbox.counters.commands.get("login") ?? 0) + (sandbox.counters.commands.get("login refused") ?? 0);

describe("mailfleet doctor with a fleet's Redis", () => {
  test("all nine checks pass, Redis among them", async () => {
    const { exitCode, text } = await people(await fleetOf([{ address: contosoMailbox, checkedAt: Date.now() }]));
    expect(text).toMatch(/✓ Redis \d+\.\d+\.\d+, noeviction, AOF on, write \d.* ms/);
    expect(text).toMatch(/All 9 checks passed in .*\. Nothing to do\./);
    expect(exitCode).toBe(0);
  });

  test("a mailbox that the server asked to leave alone is not logged in to; it says until when", async () => {
    const name = await fleetOf([{ address: contosoMailbox, cause: { code: "SERVER_THROTTLED", nextAt: Date.now() + 600_000 } }]);
    const before = logins();
    const { exitCode, text } = await people(name);
    expect(logins()).toBe(before);
    expect(text).toMatch(/✗ mailbox support@contoso\.example is throttled by the server until \d\d:\d\dZ\. It was not asked again/);
    expect(text).toMatch(/mailfleet tries again by itself at \d\d:\d\dZ\./);
    expect(text).not.toContain("sooner");
    expect(text).toContain("No mail is lost; 1 mailbox waits.");
    expect(exitCode).toBe(1);
  });

  test("what is mended and still parked is told, with the command that makes it go on; the exit code stays 0", async () => {
    const cause = { code: "EXCHANGE_PRINCIPAL_UNKNOWN", scope: "tenant", state: "parked", nextAt: Date.now() + 1_800_000 } as const;
    const known = sandbox.tenants.find(({ alias }) => alias === "contoso")?.addresses ?? [];
    const { exitCode, text } = await people(await fleetOf(known.map((address) => ({ address, cause }))));
    expect(text).toMatch(
      /All 9 checks passed in \d[\d.]* m?s\. 3 mailboxes of contoso are still parked until \d\d:\d\dZ; go on now: npx mailfleet mailboxes resume --tenant contoso --config '?\S+mailfleet\.yaml/,
    );
    expect(text).not.toContain("Nothing to do");
    expect(exitCode).toBe(0);
  });

  test("one mailbox that still waits is told once, though two are looked at", async () => {
    const cause = { code: "MAILBOX_ACCESS_DENIED", state: "parked" } as const;
    const name = await fleetOf([{ address: contosoMailbox, cause }]);
    const { code: exitCode, out } = await askDoctor(
      sandbox,
      dir,
      { config: { redisUrl: sharedRedisUrl(), name }, args: ["--tenant", "contoso"] },
      false,
    );
    expect(out.match(/go on now:/g)).toHaveLength(1);
    expect(out.replace(/\s+/g, " ")).toMatch(
      /All 2 mailboxes looked at are well, checked in \d[\d.]* m?s\. support@contoso\.example is still parked until/,
    );
    expect(exitCode).toBe(0);
  });

  test("one that is parked because it is refused, and must be, is no patient", async () => {
    const gone = sandbox.tenants.find(({ alias }) => alias === "contoso")?.addresses[1] ?? "";
    sandbox.faults.add({ name: "auth-not-connected", mailbox: gone });
    const name = await fleetOf([{ address: contosoMailbox }, { address: gone, cause: { code: "MAILBOX_ACCESS_DENIED", state: "parked" } }]);
    const args = ["--tenant", "contoso", "--must-refuse", gone];
    const { code: exitCode, out } = await askDoctor(sandbox, dir, { config: { redisUrl: sharedRedisUrl(), name }, args }, false);
    expect(out).toContain(`✓ scope           ${gone} is refused, as it must be\n`);
    expect(out).not.toContain("MailboxPermission");
    expect(exitCode).toBe(0);
  });

  test("what is wrong says what makes mailfleet go on before its time once it is mended", async () => {
    sandbox.faults.add({ name: "auth-not-connected", mailbox: contosoMailbox });
    const cause = { code: "MAILBOX_ACCESS_DENIED", state: "parked" } as const;
    const { exitCode, text } = await people(await fleetOf([{ address: contosoMailbox, cause }]));
    expect(text).toMatch(
      /tries again by itself at \d\d:\d\dZ; once it is mended, sooner: npx mailfleet mailboxes resume support@contoso\.example --config/,
    );
    expect(exitCode).toBe(1);
  });

  test("a mailbox that was read today is first suspected of too many sessions, not of a lost permission", async () => {
    sandbox.faults.add({ name: "auth-not-connected", mailbox: contosoMailbox });
    const { text } = await people(await fleetOf([{ address: contosoMailbox, checkedAt: Date.now() - 3_600_000 }]));
    expect(text).toMatch(/Possible: It opened within a day, so first too many sessions/);
  });

  test("tenants that were read today and are refused together are most likely an incident", async () => {
    sandbox.faults.add({ name: "auth-no" });
    const { text } = await people(await fleetOf([{ address: contosoMailbox, checkedAt: Date.now() - 3_600_000 }]));
    expect(text).toMatch(/✗ Exchange refuses every mailbox tried \(3 of 3\) and 1 other tenant as well: "NO AUTHENTICATE failed\."/);
    expect(text).toMatch(/Most likely: A Microsoft incident/);
  });

  test("a Redis that could forget or evict is not used; the commands that mend it are printed", async () => {
    const own = await startRedis({ shared: false, extraArgs: ["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"] });
    started.push(own);
    const { code: exitCode, out } = await askDoctor(sandbox, dir, { config: { redisUrl: own.url } }, true);
    const doc = JSON.parse(out) as { readonly checks: readonly { readonly diagnosis: { readonly commands: readonly string[] } }[] };
    expect(doc).toMatchObject({ wrong: { step: "Redis", code: "REDIS_MISCONFIGURED", certainty: "certain" } });
    expect(doc.checks[0]?.diagnosis.commands).toEqual([
      `redis-cli -h 127.0.0.1 -p ${own.port} CONFIG SET maxmemory-policy noeviction`,
      `redis-cli -h 127.0.0.1 -p ${own.port} CONFIG SET appendonly yes`,
    ]);
    expect(exitCode).toBe(1);
  });
});
