import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readEvents, type Role, root, startProgram, until } from "./fleet.ts";

const keys = redisKeys();
const mailboxes = 6;
let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
const roles: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-push-"));
  [sandbox, server] = await Promise.all([
    startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes, messages: 12 }], trickle: 0, faults: false }),
    startRedis({ shared: false, dir: join(dir, "redis") }),
  ]);
  redis = new Redis(server.url);
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

/** The poll is an hour away, so that only push can bring anything within this test. */
function startRole(role: "producer" | "worker"): Role {
  const started = startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], {
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: dir,
    MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
    MAILFLEET_SYNC_PUSH: "all",
    MAILFLEET_SYNC_POLL_SECONDS: "3600",
  });
  roles.push(started);
  return started;
}

const output = (): string => roles.map((role) => role.output()).join("");
/** How many mailboxes each place holds, most first. */
async function shares(): Promise<number[]> {
  const holders = Object.values(await redis.hgetall(keys.pushHeld));
  return [...Map.groupBy(holders, (place) => place).values()].map((some) => some.length).sort((a, b) => b - a);
}
const held = (wanted: readonly number[], limitMs: number): Promise<number[]> =>
  until(shares, (found) => JSON.stringify(found) === JSON.stringify(wanted), limitMs, output);

let mails = 0;
/** One message for each mailbox; answers their Message-IDs. */
function deliverToAll(): string[] {
  return (sandbox.tenants[0]?.addresses ?? []).map((address) => {
    const messageId = `<push-${++mails}@x.example>`;
    sandbox.deliver(address, "INBOX", Buffer.from(`From: a@x.example\r\nSubject: hello\r\nMessage-ID: ${messageId}\r\n\r\nhello\r\n`));
    return messageId;
  });
}
async function arrived(messageIds: readonly string[], limitMs: number): Promise<void> {
  await until(
    async () => {
      const found = new Set(
        (await readEvents(server.url)).flatMap((event) => ("message" in event ? (event.message?.messageId ?? []) : [])),
      );
      return messageIds.filter((messageId) => !found.has(messageId));
    },
    (missing) => missing.length === 0,
    limitMs,
    output,
  );
}

test("push goes on when Redis is killed and started again; a worker that froze closes what is another's by then", async () => {
  startRole("producer");
  const workers = [startRole("worker"), startRole("worker")] as [Role, Role];
  await held([3, 3], 60_000);
  await arrived(deliverToAll(), 60_000);

  // Its port and its files stay. What workers hold stays theirs if it is back in time, else they take places anew.
  await server.kill();
  const meanwhile = deliverToAll();
  server = await startRedis({ shared: false, dir: join(dir, "redis"), port: server.port });
  await arrived(meanwhile, 60_000);
  await held([3, 3], 60_000);
  await arrived(deliverToAll(), 60_000);

  workers[0].process.kill("SIGSTOP");
  await held([6], 90_000);
  workers[0].process.kill("SIGCONT");
  await held([3, 3], 60_000);
  expect(workers[0].output()).toContain("push lost its place, all its connections are closed");
  await arrived(deliverToAll(), 60_000);
  for (const role of roles.splice(0)) expect(await role.stop()).toBe(0);
});

test("two workers share the mailboxes; what a killed one pushed, and what came meanwhile, is the other's; a stopped one hands over at once", async () => {
  startRole("producer");
  const [first] = [startRole("worker"), startRole("worker")] as [Role, Role];
  await held([3, 3], 60_000);
  await arrived(deliverToAll(), 60_000);

  first.process.kill("SIGKILL");
  await first.ended;
  const gap = deliverToAll();
  await held([6], 90_000);
  await arrived(gap, 60_000);
  await arrived(deliverToAll(), 60_000);

  const third = startRole("worker");
  await held([3, 3], 60_000);
  const stoppedAt = performance.now();
  expect(await third.stop()).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(20_000);
  // A place that nobody gives back is kept for half a minute.
  await held([6], 25_000);
  await arrived(deliverToAll(), 60_000);

  const keysOfEvents = (await readEvents(server.url)).map(({ key }) => key);
  expect(new Set(keysOfEvents).size).toBe(keysOfEvents.length);
  expect(output()).not.toContain('"level":"error"');
});
