import { request } from "node:https";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFileStore } from "@mailfleet/blobs";
import type { MailEvent } from "@mailfleet/core";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { testAuthority } from "@mailfleet/testkit";
import { expectAccessible, openVisitor, startBrowser } from "../e2e/browser.ts";
import { failEvents } from "../e2e/failing-events.ts";
import { readEvents, readSums, sha256, until } from "../e2e/fleet.ts";
import type { RoleName } from "../e2e/fleet-under-test.ts";
import { needlesOf, searchEverywhere } from "../e2e/purge-search.ts";
import { type ComposeFleet, startComposeFleet, untilHealthy } from "./compose-fleet.ts";
import { mustDocker } from "./compose-project.ts";
import { untilHandedOff } from "./fleet-steps.ts";

/** A throttled mailbox waits longer each time that it is refused. */
const recoverMs = 120_000;

let dir: string;
let fleet: ComposeFleet;
let redis: Redis;
let browser: Browser;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-compose-"));
  [browser, fleet] = await Promise.all([
    startBrowser(),
    startComposeFleet({
      tenants: [
        { alias: "contoso", mailboxes: 4, messages: 120 },
        { alias: "fabrikam", mailboxes: 2, messages: 40 },
      ],
      pollSeconds: 3,
      freshWithinSeconds: 600,
    }),
  ]);
  redis = new Redis(fleet.redis.url, { maxRetriesPerRequest: null });
  redis.on("error", () => undefined);
  // So that what is searched for is found where it is.
  await redis.config("SET", "rdbcompression", "no");
  await untilHandedOff(fleet, redis);
});
afterAll(async () => {
  redis?.disconnect();
  await browser?.close();
  await fleet?.stop();
  await rm(dir, { recursive: true, force: true });
});

interface StatusDoc {
  readonly sentence: string;
  readonly states: Readonly<Record<string, number>>;
  readonly causes: readonly { readonly owner: string; readonly addresses: readonly string[]; readonly what: string }[];
}
const status = async (): Promise<StatusDoc> => (await fleet.mailfleet("status")).doc as unknown as StatusDoc;
const addressOf = (n: number): string => fleet.sandbox.tenants[0]?.addresses[n] ?? "";

test("the engine finds every container well, and each role shows health, readiness and metrics, no mailbox in them", async () => {
  const services: readonly (RoleName | "redis" | "sandbox")[] = ["producer", "worker", "console", "redis", "sandbox"];
  for (const service of services) {
    for (const id of await fleet.project.containers(service)) await untilHealthy(id, fleet.output);
  }
  for (const role of ["producer", "worker", "console"] as const) {
    for (const path of ["/healthz", "/readyz", "/metrics"] as const) {
      const answers = await fleet.ask(role, path);
      expect(answers).toHaveLength(role === "worker" ? fleet.workers : 1);
      for (const { status: code, text } of answers) {
        expect([role, path, code], text).toEqual([role, path, 200]);
        expect(text).not.toContain("@");
      }
    }
  }
});

test("doctor finds every step right, and prove nothing missing", async () => {
  expect(await fleet.mailfleet("doctor", "--mailbox", addressOf(0))).toMatchObject({ code: 0 });
  const { handedOff } = await readSums(redis);
  expect(await fleet.mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { listed: handedOff, handedOff, gaps: 0 } } });
});

test("a mailbox that is throttled is explained in status and on the console, recovers by itself, and needs nobody", async () => {
  const address = addressOf(1);
  await fleet.sandbox.addFault({ name: "throttle", mailbox: address, params: { hintMs: 5_000 } });
  const { causes } = await until(status, (doc) => doc.causes.length > 0, recoverMs, fleet.output);
  expect(causes).toMatchObject([{ owner: "self", addresses: [address] }]);
  const visitor = await openVisitor(browser, fleet.url, fleet.visitor);
  const { page } = visitor;
  await page.goto(`/mailboxes/contoso/${address}`);
  await page
    .getByText(/throttl/i)
    .first()
    .waitFor();
  await expectAccessible(page, "a mailbox that is throttled");
  await fleet.sandbox.clearFaults();
  await until(status, (doc) => doc.causes.length === 0, recoverMs, fleet.output);
  visitor.expectQuiet();
  await visitor.close();
});

test("a mailbox is parked and resumed by commands, and the console says by whom", async () => {
  const address = addressOf(1);
  const park = ["mailboxes", "park", address, "--reason", "moves to fabrikam", "--by", "olga"];
  expect(await fleet.mailfleet(...park)).toMatchObject({ code: 0 });
  expect((await status()).states).toMatchObject({ "parked by operator": 1 });
  const visitor = await openVisitor(browser, fleet.url, fleet.visitor);
  await visitor.page.goto(`/mailboxes/contoso/${address}`);
  await visitor.page.getByRole("heading", { level: 1, name: `${address} is parked by olga` }).waitFor();
  expect(await fleet.mailfleet("mailboxes", "resume", address)).toMatchObject({ code: 0 });
  await visitor.page.getByRole("heading", { level: 1, name: `${address} is fresh` }).waitFor();
  visitor.expectQuiet();
  await visitor.close();
});

test("dead letters are listed by their cause and replayed by commands", async () => {
  await failEvents(fleet.redis.url, 3, "HTTP 503 from crm.internal");
  const listed = await fleet.mailfleet("dead-letters", "list");
  expect(listed).toMatchObject({ code: 0, doc: { letters: 3, causes: [{ letters: 3 }] } });
  const [cause] = listed.doc["causes"] as readonly { readonly id: string }[];
  expect(await fleet.mailfleet("dead-letters", "replay", "--cause", cause?.id ?? "")).toMatchObject({ code: 0 });
  expect(await fleet.mailfleet("dead-letters", "list")).toMatchObject({ code: 0, doc: { letters: 0 } });
});

test("a console with TLS of its own is well by the image's health check", async () => {
  const { certFile, keyFile } = await (await testAuthority(dir)).issue("console");
  const script = `const { writeFileSync } = require("node:fs");
    for (const [name, text] of Object.entries(JSON.parse(process.argv[1]))) writeFileSync("/etc/mailfleet/" + name, text, { mode: 0o600 });`;
  const files = { "console.pem": await readFile(certFile, "utf8"), "console-key.pem": await readFile(keyFile, "utf8") };
  await fleet.project.exec("sandbox", "node", "-e", script, JSON.stringify(files));
  const tls = ["CERT_FILE=/etc/mailfleet/console.pem", "KEY_FILE=/etc/mailfleet/console-key.pem"].flatMap((one) => [
    "--env",
    `MAILFLEET_CONSOLE_TLS_${one}`,
  ]);
  const run = ["run", "--detach", "--no-deps", "--publish", "127.0.0.1::8025", ...tls, "console"];
  const id = (await fleet.project.run(...run)).split("\n").at(-1) ?? "";
  await untilHealthy(id, fleet.output);
  const [address = ""] = (await mustDocker(["port", id, "8025"])).split("\n");
  const ca = await readFile(join(dir, "ca.pem"), "utf8");
  await until(
    () => statusOverTls(`https://${address}/favicon.svg`, ca),
    (code) => code === 200,
    60_000,
    fleet.output,
  );
});

test("after a purge by the command line nothing of the mailbox is in Redis, its files, stored mail or lists", async () => {
  const gone = addressOf(2);
  const events = await readEvents(fleet.redis.url);
  await copyVolumes("before");
  const blobs = createFileStore({ dir: join(dir, "before/data/blobs"), clock: systemClock, chance: systemChance });
  const raws = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "message.added") continue;
    const bytes = await blobs.read(event.raw);
    expect(sha256(bytes)).toBe(event.raw.sha256);
    raws.set(event.key, Buffer.from(bytes).toString("latin1"));
  }
  const needles = needlesOf(gone, events, raws);
  expect(needles.length).toBeGreaterThan(50);
  // What is searched for stands somewhere: else finding nothing later would mean nothing.
  const before = await searchEverywhere(redis, [join(dir, "before")], needles);
  expect([...before.keys()].sort()).toEqual([...needles].sort());

  // As an operator does it: out of the configuration first, else it comes back.
  const script = `const { readFileSync, writeFileSync } = require("node:fs");
    const file = "/etc/mailfleet/boxes-contoso.csv";
    writeFileSync(file, readFileSync(file, "utf8").split("\\n").filter((line) => line !== process.argv[1]).join("\\n"));`;
  await fleet.project.exec("sandbox", "node", "-e", script, gone);
  await fleet.project.run("restart", "producer", "worker", "console");
  expect(await fleet.mailfleet("mailboxes", "remove", gone, "--purge", "--yes")).toMatchObject({
    code: 0,
    doc: { isDryRun: false, left: [], comesBack: [] },
  });
  const search = async (): Promise<readonly string[]> => {
    await copyVolumes("after");
    const found = await searchEverywhere(redis, [join(dir, "after")], needles);
    return [...found].map(([needle, where]) => `${needle} in ${where.join(", ")}`);
  };
  await until(search, (found) => found.length === 0, 30_000);
  const left = await readEvents(fleet.redis.url);
  const others = (list: readonly MailEvent[]): readonly string[] =>
    list.flatMap(({ mailbox, key }) => (mailbox === gone ? [] : [key])).sort();
  expect(others(left)).toEqual(expect.arrayContaining([...others(events)]));
  expect(await fleet.mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { gaps: 0 } } });
});

/** What the volumes of roles and Redis hold, into folders of this machine. */
async function copyVolumes(name: string): Promise<void> {
  await rm(join(dir, name), { recursive: true, force: true });
  for (const [service, part] of [
    ["producer", "data"],
    ["redis", "redis"],
  ] as const) {
    const folder = join(dir, name, part);
    await mkdir(folder, { recursive: true });
    const [id = ""] = await fleet.project.containers(service);
    await mustDocker(["cp", "--quiet", `${id}:/data/.`, folder]);
  }
}

/** 0 where nobody answers yet, or not with that authority's certificate. */
function statusOverTls(url: string, ca: string): Promise<number> {
  return new Promise((resolve) => {
    request(url, { ca }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on("error", () => resolve(0))
      .end();
  });
}
