import { mkdtemp, rm } from "node:fs/promises";
import { constants, getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readEvents, readSums, type Role, root, startProgram, until } from "./fleet.ts";

const history = 240;
let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
let own: Readonly<Record<string, string>>;
const roles: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-lanes-"));
  [sandbox, server] = await Promise.all([
    startSandbox({
      dataDir: join(dir, "sandbox"),
      tenants: [{ alias: "contoso", mailboxes: 1, messages: history }],
      trickle: 0,
      faults: false,
    }),
    startRedis({ shared: false, dir: join(dir, "redis") }),
  ]);
  redis = new Redis(server.url);
  own = {
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: dir,
    MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
    MAILFLEET_SYNC_POLL_SECONDS: "1",
  };
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

function startRole(role: "producer" | "worker", more: Readonly<Record<string, string>> = {}): Role {
  const started = startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], { ...own, ...more });
  roles.push(started);
  return started;
}

const output = (): string => roles.map((role) => role.output()).join("");

test("a worker for new mail leaves history to one for history, which brings it and lets every other process go first; until it runs the lane is told", async () => {
  // As after half a minute without one.
  await redis.hset(redisKeys().lanesServed, "backfill", 5);
  startRole("producer");
  startRole("worker", { MAILFLEET_WORKER_LANE: "fresh" });
  await until(
    () => readSums(redis),
    ({ listed }) => listed === history,
    60_000,
    output,
  );
  const [address = ""] = sandbox.tenants[0]?.addresses ?? [];
  sandbox.deliver(address, "INBOX", Buffer.from("From: a@x.example\r\nSubject: new\r\nMessage-ID: <new@x.example>\r\n\r\nhello\r\n"));
  await until(
    () => readEvents(server.url),
    (events) => events.some((event) => event.type === "message.added" && event.message.messageId === "<new@x.example>"),
    60_000,
    output,
  );
  expect(await readSums(redis)).toMatchObject({ handedOff: 1, toDo: history });

  const status = startProgram([join(root, "apps/cli/src/main.ts"), "status", "--json", "--config", sandbox.configFile], own);
  expect(await status.ended).toBe(0);
  expect(JSON.parse(status.output())).toMatchObject({
    sentence: expect.stringContaining("One cause needs you"),
    unserved: [{ lane: "backfill", since: "1970-01-01T00:00:00.005Z", waiting: 1 }],
    processes: expect.arrayContaining([expect.objectContaining({ role: "worker", lanes: ["fresh"] })]),
  });

  const { pid } = startRole("worker", { MAILFLEET_WORKER_LANE: "backfill" }).process;
  await until(
    () => readSums(redis),
    ({ toDo }) => toDo === 0,
    60_000,
    output,
  );
  expect(getPriority(pid)).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
  for (const role of roles.splice(0)) expect(await role.stop()).toBe(0);
});
