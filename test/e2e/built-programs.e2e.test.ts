import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits, type MailEvent } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { freePort, type RunningRedis, startRedis } from "@mailfleet/testkit";
import { readEvents, readSums, type Role, root, sha256, startProgram, until } from "./fleet.ts";
import { layOutImage } from "./image-layout.ts";
import { untilItAnswers } from "./process-fleet.ts";

const counts = { contoso: 60, northwind: 20 };
/** One for each way through the parser: with others in its thread, alone in another, and in pieces. */
const files = { together: Buffer.alloc(2_000, 1), apart: Buffer.alloc(300_000, 2), pieces: Buffer.alloc(limits.streamAboveBytes, 3) };

let dir: string;
let built: string;
let sandbox: Sandbox;
let server: RunningRedis;
let redis: Redis;
let env: Readonly<Record<string, string>>;
const started: Role[] = [];

function start(args: readonly string[], more: Readonly<Record<string, string>> = {}): Role {
  const role = startProgram(args, { ...env, ...more });
  started.push(role);
  return role;
}
const mailfleet = (...args: readonly string[]): Role => start([join(built, "mailfleet.mjs"), ...args]);
async function answerOf(...args: readonly string[]): Promise<string> {
  const role = mailfleet(...args);
  expect(await role.ended, role.output()).toBe(0);
  return role.stdout();
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-built-"));
  const image = join(dir, "srv");
  await layOutImage(image);
  built = join(image, "built");
  const build = startProgram([join(image, "scripts/build-roles.mjs"), built]);
  [sandbox, server] = await Promise.all([
    startSandbox({
      dataDir: join(dir, "sandbox"),
      tenants: [
        { alias: "contoso", mailboxes: 3, messages: counts.contoso },
        { alias: "northwind", mailboxes: 2, messages: counts.northwind, inboxOnly: true, protocol: "pop3" },
      ],
      trickle: 0,
      faults: false,
    }),
    startRedis({ shared: false, dir: join(dir, "redis") }),
  ]);
  redis = new Redis(server.url);
  env = {
    MAILFLEET_REDIS_URL: server.url,
    MAILFLEET_DATA_DIR: dir,
    MAILFLEET_BLOBS_DIR: join(dir, "blobs"),
    NODE_COMPILE_CACHE: join(dir, "compile-cache"),
  };
  if ((await build.ended) !== 0) throw new Error(build.output());
  // So that nobody starts them in place of what was built.
  for (const entry of [
    "apps/producer/src/main.ts",
    "apps/worker/src/main.ts",
    "apps/console/src/main.ts",
    "packages/sandbox/src/main.ts",
    "packages/mime/src/parse-task.ts",
  ])
    await rm(join(image, entry));
});
afterAll(async () => {
  for (const role of started) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

test("every program is compiled once for an image, which starts each of them", async () => {
  const compile = start([join(built, "../apps/cli/bin/compile-all.mjs"), "built"]);
  expect(await compile.ended, compile.output()).toBe(0);
});

test("producer and worker hand every message off once, by IMAP and POP3, each way through the parser, and say their version", async () => {
  for (const { addresses } of sandbox.tenants)
    for (const [name, file] of Object.entries(files)) sandbox.deliver(addresses[0] ?? "", "INBOX", withFile(name, file));
  const common = ["--config", sandbox.configFile];
  const metrics = await freePort();
  const role = (name: string, port: number): Role =>
    start([join(built, "mailfleet.mjs"), name, ...common], { MAILFLEET_METRICS_LISTEN: `127.0.0.1:${port}` });
  const roles = [role("producer", await freePort()), role("worker", metrics)];
  const output = (): string => roles.map((one) => one.output()).join("\n");
  const all = counts.contoso + counts.northwind + 2 * Object.keys(files).length;
  await until(
    () => readSums(redis),
    ({ handedOff, toDo }) => handedOff >= all && toDo === 0,
    120_000,
    output,
  );
  const events = await readEvents(server.url);
  const added = events.filter((event) => event.type === "message.added");
  expect([events.length, added.length, new Set(added.map(({ key }) => key)).size]).toEqual([all, all, all]);
  for (const { alias, protocol } of [
    { alias: "contoso", protocol: "imap" },
    { alias: "northwind", protocol: "pop3" },
  ])
    for (const [name, file] of Object.entries(files)) {
      const [event, ...others] = added.filter(({ tenant, message }) => tenant === alias && message.subject === name);
      expect([event?.protocol, event && factsOf(event), others]).toEqual([protocol, factsFrom(name, file), []]);
    }

  const version = (JSON.parse(await readFile(join(root, "apps/worker/package.json"), "utf8")) as { version: string }).version;
  expect(await answerOf("--version")).toBe(`${version}\n`);
  expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain(
    `mailfleet_build_info{version="${version}",role="worker"`,
  );
  expect(JSON.parse(await answerOf("status", ...common, "--json"))).toMatchObject({ ledger: { listed: all, handedOff: all } });
  expect(JSON.parse(await answerOf("plan", sandbox.tenants[0]?.addresses[0] ?? "", ...common, "--json"))).toHaveProperty("folders");
  expect(await answerOf("--help")).toContain("mailfleet up");
  expect(await Promise.all(roles.map((one) => one.stop())), output()).toEqual([0, 0]);
});

test("the console shows its pages, whose code it makes of the sources", async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const console = start([join(built, "mailfleet.mjs"), "console", "--config", sandbox.configFile], { MAILFLEET_CONSOLE_LISTEN: listen });
  await untilItAnswers(`http://${listen}`, console.output);
  const page = await (await fetch(`http://${listen}/`)).text();
  const [, script = ""] = /<script type="module" src="([^"]+)"/.exec(page) ?? [];
  const answer = await fetch(new URL(script, `http://${listen}`));
  expect([answer.status, answer.headers.get("content-type")], page).toEqual([200, expect.stringContaining("javascript")]);
  expect(await console.stop(), console.output()).toBe(0);
});

test("`mailfleet up` starts sandbox and roles that are built, too", async () => {
  const corpus = join(dir, "corpus");
  await mkdir(corpus);
  for (const [name, file] of Object.entries(files)) await writeFile(join(corpus, `${name}.eml`), withFile(name, file));
  const role = startProgram([join(built, "mailfleet.mjs"), "up", "--once", "--json", "--corpus", corpus, "--data", join(dir, "up")]);
  started.push(role);
  expect(await role.ended, role.output()).toBe(0);
  expect(JSON.parse(role.stdout())).toMatchObject({ messages: 3, quarantined: 0, parked: 0, added: 3 });
});

test("no library writes to a name that nobody declared, which a module may not", async () => {
  const config = join(dir, "oxlint.json");
  // What a library asks for elsewhere than in Node, having looked whether it is there.
  const globals = { AsyncIterator: "readonly", msCrypto: "readonly" };
  const places = { node: true, browser: true, amd: true, es2024: true };
  await writeFile(config, JSON.stringify({ env: places, globals, categories: { correctness: "off" }, rules: { "no-undef": "error" } }));
  const lint = startProgram([join(root, "node_modules/oxlint/bin/oxlint"), "-c", config, built]);
  expect(await lint.ended, lint.output()).toBe(0);
  expect(lint.output()).toMatch(/on [2-9]\d files/);
});

function withFile(name: string, file: Buffer): Buffer {
  const body = file.toString("base64").replace(/.{76}/g, "$&\r\n");
  return Buffer.from(
    `From: a@x.example\r\nSubject: ${name}\r\nMessage-ID: <${name}@x.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n` +
      `--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=${name}.pdf\r\n` +
      `Content-Transfer-Encoding: base64\r\n\r\n${body}\r\n--b--\r\n`,
  );
}
const factsFrom = (name: string, file: Buffer) => ({ text: "hello", files: [[`${name}.pdf`, file.length, sha256(file)]] });
const factsOf = ({ message }: Extract<MailEvent, { type: "message.added" }>) => ({
  text: message.text?.trim(),
  files: message.attachments.map(({ filename, size, sha256: hash }) => [filename, size, hash]),
});
