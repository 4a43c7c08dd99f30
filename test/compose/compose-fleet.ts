import { randomBytes } from "node:crypto";
import { searchText } from "@mailfleet/testkit";
import { until } from "../e2e/fleet.ts";
import { type FleetOptions, type FleetUnderTest, type RoleAnswer, settingsOf } from "../e2e/fleet-under-test.ts";
import { untilItAnswers } from "../e2e/process-fleet.ts";
import { type ControlPlace, takeHands } from "../e2e/sandbox-hands.ts";
import { ComposeProject, docker, inspect, mustDocker } from "./compose-project.ts";

/** Such a fleet with the containers that it is made of. */
export interface ComposeFleet extends FleetUnderTest {
  readonly project: ComposeProject;
}

const workers = 2;
const startMs = 120_000;
const configFile = "/etc/mailfleet/mailfleet.yaml";
/** Asks the role's own address from inside its container, which publishes none. */
const askScript = `fetch("http://127.0.0.1:9464" + process.argv[1], { signal: AbortSignal.timeout(5000) })
  .then(async (a) => ({ status: a.status, text: await a.text() }), (e) => ({ status: 0, text: String(e) }))
  .then((a) => console.log(JSON.stringify(a)))`;

/** `docker compose up` with the sandbox and two workers, on volumes of its own. @throws Error where no engine answers */
export async function startComposeFleet(options: FleetOptions): Promise<ComposeFleet> {
  const world = options.tenants.map(({ alias, mailboxes, messages }) => `--tenant ${alias}:${mailboxes}:${messages}`);
  const { MAILFLEET_SYNC_POLL_SECONDS: poll = "", MAILFLEET_SYNC_FRESH_WITHIN_SECONDS: fresh = "" } = settingsOf(options);
  const project = new ComposeProject(`mailfleet-test-${randomBytes(4).toString("hex")}`, {
    TEST_WORLD: world.join(" "),
    TEST_POLL_SECONDS: poll,
    TEST_FRESH_WITHIN_SECONDS: fresh,
  });
  const close = async (): Promise<void> => {
    searchText("logs of a compose fleet", project.logs());
    await project.remove();
  };
  try {
    return { ...(await begin(project, options)), project, stop: close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function begin(project: ComposeProject, options: FleetOptions): Promise<Omit<ComposeFleet, "project" | "stop">> {
  const output = (): string => project.logs("--tail", "200");
  await project.run("up", "--detach", "--no-build", "sandbox", "door");
  const [sandbox = ""] = await project.containers("sandbox");
  await untilHealthy(sandbox, output);
  const { token } = JSON.parse(await project.exec("sandbox", "cat", "/etc/mailfleet/control.json")) as ControlPlace;
  const hands = await takeHands({ url: `http://${await project.address("sandbox", 8026)}`, token });
  await options.prepare?.(hands);
  await project.up(workers);
  const url = `http://${await project.address("console", 8025)}`;
  await untilItAnswers(url, output, { path: "/favicon.svg" });
  const visitor = await signIn(url, await project.exec("console", "cat", "/data/console-password"));
  await untilItAnswers(url, output, { headers: { cookie: visitor.cookie } });
  return {
    sandbox: hands,
    redis: {
      url: `redis://${await project.address("sandbox", 6379)}`,
      pause: async () => void (await project.run("pause", "redis")),
      async resume() {
        await project.run("unpause", "redis");
        // An engine calls a paused container unwell until it has looked again, and starts nothing beside it.
        for (const id of await project.containers("redis")) await untilHealthy(id, output);
      },
    },
    workers,
    url,
    visitor,
    secretOf: (alias) => project.exec("sandbox", "cat", `/etc/mailfleet/secret-${alias}`),
    async mailfleet(...args) {
      const common = ["--config", configFile, "--json", "--progress", "none"];
      const { code, out, err } = await project.try("run", "--rm", "--no-TTY", "cli", ...args, ...common);
      if (out.trim() === "") throw new Error(`${args.join(" ")} ended with ${code}:\n${err.slice(-2_000)}`);
      return { code, doc: JSON.parse(out) as Record<string, unknown> };
    },
    ask: async (role, path) => Promise.all((await project.containers(role)).map((id) => askOne(id, path))),
    startBehindProxy: (operators) => startBehindProxy(project, operators, output),
    output,
  };
}

/** By the engine's own judgement, which is the image's health check. */
export async function untilHealthy(id: string, output: () => string): Promise<void> {
  await until(
    async () => (await inspect(id)).State.Health?.Status,
    (status) => status === "healthy",
    startMs,
    output,
  );
}

async function askOne(id: string, path: string): Promise<RoleAnswer> {
  const { code, out, err } = await docker(["exec", id, "node", "-e", askScript, path]);
  return code === 0 ? (JSON.parse(out) as RoleAnswer) : { status: 0, text: err };
}

/** As the console's page does it. */
async function signIn(url: string, password: string): Promise<Required<FleetUnderTest["visitor"]>> {
  const name = "olga";
  const page = await (await fetch(url)).text();
  const token = /"token":"([\w-]+)/.exec(page)?.[1] ?? "";
  const answer = await fetch(`${url}/api/login`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url, "x-mailfleet-token": token },
    body: JSON.stringify({ name, password }),
  });
  if (!answer.ok) throw new Error(`the console lets nobody in: ${answer.status} ${await answer.text()}`);
  return { name, cookie: (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "" };
}

/** Docker's gateway is the proxy. */
async function startBehindProxy(project: ComposeProject, operators: readonly string[], output: () => string): Promise<string> {
  const [first = ""] = await project.containers("console");
  const { Networks: networks } = (await inspect(first)).NetworkSettings;
  const from = Object.values(networks).map(({ Gateway: gateway }) => gateway);
  const block = `console: { auth: { proxy: { header: X-Forwarded-User, from: [${from.join(", ")}], operators: [${operators.join(", ")}] } } }`;
  const script = `const { readFileSync, writeFileSync } = require("node:fs");
    writeFileSync("/etc/mailfleet/proxied.yaml", readFileSync("${configFile}", "utf8") + process.argv[1] + "\\n", { mode: 0o600 });`;
  await project.exec("sandbox", "node", "-e", script, block);
  const run = ["run", "--detach", "--no-deps", "--publish", "127.0.0.1::8025", "--env", "MAILFLEET_CONSOLE_AUTH_PASSWORD_FILE="];
  const id = (await project.run(...run, "console", "console", "--config", "/etc/mailfleet/proxied.yaml")).split("\n").at(-1) ?? "";
  const url = `http://${(await mustDocker(["port", id, "8025"])).split("\n")[0] ?? ""}`;
  await untilItAnswers(url, output, { headers: { "x-forwarded-user": operators[0] ?? "" } });
  return url;
}
