import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createFleetReader } from "@mailfleet/store";
import { type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readEvents, readSums, type Role, root, startProgram, until } from "./fleet.ts";

let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
const roles: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-disk-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 3, messages: 200 }],
    trickle: 0,
    faults: false,
  });
  server = await startRedis({ shared: false });
  redis = new Redis(server.url);
});
afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

function startRole(role: "producer" | "worker", limits?: string): Role {
  const env = { MAILFLEET_REDIS_URL: server.url, MAILFLEET_DATA_DIR: dir, MAILFLEET_BLOBS_DIR: join(dir, "blobs") };
  const args = [join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile];
  const started = startProgram(args, env, limits);
  roles.push(started);
  return started;
}

test("a blob store that cannot grow commits nothing and says why; with room again everything is handed off once", async () => {
  const expected = [...sandbox.truth()].filter((one) => one.isMail);
  startRole("producer");
  // A pack larger than this fails as on a full disk (EFBIG): no batch of these mailboxes is as small.
  const cramped = startRole("worker", "-f 1");
  const reader = createFleetReader(redis, redisKeys());
  const causes = async (): Promise<(string | undefined)[]> => (await reader.mailboxes()).map((one) => one.cause?.code);
  await until(causes, (codes) => codes.length === 3 && codes.every((code) => code === "BLOB_STORE_FULL"), 60_000, cramped.output);
  // Else it may be at its next try.
  expect(await cramped.stop()).toBe(0);
  expect(await readEvents(server.url)).toEqual([]);
  expect(await readSums(redis)).toMatchObject({ handedOff: 0, toDo: expected.length });
  expect((await readdir(join(dir, "blobs"), { recursive: true })).filter((name) => /\.(tmp|pack)$/.test(name))).toEqual([]);

  const roomy = startRole("worker");
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff + sums.quarantined === expected.length && sums.toDo === 0,
    120_000,
    roomy.output,
  );
  const events = await readEvents(server.url);
  expect(new Set(events.map((event) => event.key)).size).toBe(expected.length);
  expect(await causes()).toEqual([undefined, undefined, undefined]);
});
