import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "@mailfleet/sandbox";
import { freePort, startRedis } from "@mailfleet/testkit";
import { type Role, root, startProgram, until } from "./fleet.ts";
import { type FleetOptions, type FleetUnderTest, type RoleAnswer, type RoleName, settingsOf } from "./fleet-under-test.ts";
import { type ControlPlace, takeHands } from "./sandbox-hands.ts";

const startMs = 60_000;

/** Producer, worker and console as processes of this checkout, with a Redis of their own and a sandbox in this process. */
export async function startProcessFleet(options: FleetOptions): Promise<FleetUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-fleet-"));
  const redis = await startRedis({ shared: false, dir: join(dir, "redis") });
  const sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants: options.tenants, trickle: 0, faults: false });
  const hands = await takeHands(JSON.parse(await readFile(sandbox.controlFile, "utf8")) as ControlPlace);
  await options.prepare?.(hands);
  const env = { MAILFLEET_REDIS_URL: redis.url, MAILFLEET_DATA_DIR: dir, MAILFLEET_BLOBS_DIR: join(dir, "blobs"), ...settingsOf(options) };
  const roles: Role[] = [];
  const metrics = new Map<RoleName, number>();
  const output = (): string => roles.map((role) => role.output()).join("\n");
  const start = async (role: RoleName, more: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<void> => {
    const port = await freePort();
    if (!metrics.has(role)) metrics.set(role, port);
    const program = [join(root, `apps/${role}/src/main.ts`), ...(args.length === 0 ? ["--config", sandbox.configFile] : args)];
    roles.push(startProgram(program, { ...env, ...more, MAILFLEET_METRICS_LISTEN: `127.0.0.1:${port}` }));
  };
  await start("producer");
  await start("worker");
  const listen = `127.0.0.1:${await freePort()}`;
  const sandboxDir = ["--sandbox-dir", join(dir, "sandbox")];
  if (options.hasConsole !== false) {
    await start("console", { MAILFLEET_CONSOLE_LISTEN: listen }, ["--config", sandbox.configFile, ...sandboxDir]);
    await untilItAnswers(`http://${listen}`, output);
  }
  return {
    sandbox: hands,
    redis: {
      url: redis.url,
      pause: async () => void process.kill(redis.pid, "SIGSTOP"),
      resume: async () => void process.kill(redis.pid, "SIGCONT"),
    },
    workers: 1,
    url: options.hasConsole === false ? "" : `http://${listen}`,
    visitor: { name: "anyone on this machine" },
    secretOf: async (alias) => sandbox.secretOf(alias),
    async mailfleet(...args) {
      const common = ["--config", sandbox.configFile, "--json", "--progress", "none"];
      const run = startProgram([join(root, "apps/cli/src/main.ts"), ...args, ...common], env);
      const code = await run.ended;
      return { code, doc: JSON.parse(run.stdout()) as Record<string, unknown> };
    },
    ask: async (role, path) => [await askOne(`http://127.0.0.1:${metrics.get(role) ?? 0}${path}`)],
    async startBehindProxy(operators) {
      const other = `127.0.0.1:${await freePort()}`;
      const file = join(dir, "proxied.yaml");
      const auth = `auth: { proxy: { header: X-Forwarded-User, from: [127.0.0.1], operators: [${operators.join(", ")}] } }`;
      await writeFile(file, `${await readFile(sandbox.configFile, "utf8")}console: { listen: "${other}", ${auth} }\n`);
      await start("console", {}, ["--config", file, ...sandboxDir]);
      await untilItAnswers(`http://${other}`, output, { headers: { "x-forwarded-user": operators[0] ?? "" } });
      return `http://${other}`;
    },
    output,
    async stop() {
      await Promise.all(roles.map((role) => role.stop()));
      await sandbox.close();
      await redis.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function askOne(url: string): Promise<RoleAnswer> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}

export interface PageRequest {
  /** Default `/`, which comes once the console has looked at the fleet. */
  readonly path?: string;
  /** Of somebody who is let in. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Waits for a page of a console. */
export async function untilItAnswers(url: string, output: () => string, { path = "/", headers = {} }: PageRequest = {}): Promise<void> {
  await until(
    () =>
      fetch(`${url}${path}`, { headers }).then(
        ({ status }) => status,
        () => 0,
      ),
    (status) => status === 200,
    startMs,
    output,
  );
}
