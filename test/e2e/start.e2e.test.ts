import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { freePort, type RunningRedis, startRedis } from "@mailfleet/testkit";
import { type Role, root, startProgram, until } from "./fleet.ts";

const names = ["producer", "worker", "console"] as const;
let dir: string;
let sandbox: Sandbox;
let redisPort: number;
let server: RunningRedis | undefined;
const started: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-start-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 1, messages: 3 }],
    trickle: 0,
    faults: false,
  });
  redisPort = await freePort();
});
afterAll(async () => {
  for (const role of started) role.process.kill("SIGKILL");
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

interface Watched extends Role {
  readonly name: string;
  get(path: "/healthz" | "/readyz"): Promise<{ readonly status: number; readonly text: string }>;
}

async function startWatched(name: (typeof names)[number]): Promise<Watched> {
  const port = await freePort();
  const role = startProgram([join(root, `apps/${name}/src/main.ts`), "--config", sandbox.configFile], {
    MAILFLEET_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    MAILFLEET_DATA_DIR: dir,
    MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
    MAILFLEET_METRICS_LISTEN: `127.0.0.1:${port}`,
  });
  started.push(role);
  return {
    ...role,
    name,
    async get(path) {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
        return { status: answer.status, text: await answer.text() };
      } catch (error) {
        return { status: 0, text: String(error) };
      }
    },
  };
}

test("roles that start before Redis wait for it, say so, end when they are asked to, and begin when it is there", async () => {
  const leaving = await Promise.all(names.map(startWatched));
  for (const role of leaving) {
    const { text } = await until(
      () => role.get("/readyz"),
      ({ text: said }) => said.includes("does not answer"),
      60_000,
      role.output,
    );
    expect(text).toContain(`Redis at 127.0.0.1:${redisPort} does not answer (ECONNREFUSED)`);
    expect(await role.get("/healthz")).toMatchObject({ status: 200 });
    expect(await role.stop()).toBe(0);
    expect(role.output()).toContain(`"began":false,"msg":"${role.name} stopped"`);
  }
  const staying = await Promise.all(names.map(startWatched));
  for (const role of staying) {
    await until(
      () => role.get("/readyz"),
      ({ text }) => text.includes("does not answer"),
      60_000,
      role.output,
    );
  }
  server = await startRedis({ shared: false, port: redisPort });
  for (const role of staying) {
    await until(
      () => role.get("/readyz"),
      ({ status }) => status === 200,
      60_000,
      role.output,
    );
    await until(
      async () => role.output(),
      (text) => text.includes(`"msg":"${role.name} started"`),
      60_000,
    );
    expect(await role.stop()).toBe(0);
  }
});

test("arguments that a role does not know end it with 2, and it says which it has", async () => {
  const role = startProgram([join(root, "apps/worker/src/main.ts"), "--confg", "mailfleet.yaml"]);
  expect(await role.ended).toBe(2);
  expect(role.output()).toMatch(/Unknown option '--confg'[^]*Usage: worker \[--config mailfleet.yaml\]/);
});
