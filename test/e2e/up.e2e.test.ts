import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MailEvent } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import { startPrivateRedis } from "@mailfleet/store";
import { searchFolder, startRedis } from "@mailfleet/testkit";
import { readEvents, readMail, type Role, root, sha256, startProgram, until } from "./fleet.ts";

interface Summary {
  readonly mailboxes: number;
  readonly messages: number;
  readonly quarantined: number;
  readonly parked: number;
  readonly seconds: number;
  readonly added: number;
}

let dir: string;
const started: Role[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-up-"));
});
afterAll(async () => {
  // Not SIGKILL: a killed `up` leaves its Redis for the next start to take over, and there is none.
  await Promise.all(started.map((role) => role.stop()));
  // All that mailfleet writes lies there: log, Redis, blobs, proofs; besides, what is there to hold a secret, and compiled sources.
  await searchFolder("data folders of up", dir, (name) =>
    /(^|\/)(compile-cache\/|secret-|secret$|token\.key|sandbox\/ca|.*\.key)/.test(name),
  );
  await rm(dir, { recursive: true, force: true });
});

function mailfleet(...args: string[]): Role {
  const role = startProgram([join(root, "apps/cli/src/main.ts"), ...args]);
  started.push(role);
  return role;
}

async function runOnce(...args: string[]): Promise<{ code: number | string; summary: Summary; output: string }> {
  const role = mailfleet("up", "--once", "--json", ...args);
  const code = await role.ended;
  const line =
    role
      .output()
      .split("\n")
      .find((one) => one.startsWith("{")) ?? "{}";
  return { code, summary: JSON.parse(line) as Summary, output: role.output() };
}

const byText = (a = "", b = ""): number => (a < b ? -1 : Number(a > b));

/** The one world folder below a data folder, whatever it is called. */
async function eventsOf(dataDir: string): Promise<MailEvent[]> {
  const worlds = (await readdir(dataDir)).filter((name) => name.startsWith("sandbox"));
  expect(worlds).toHaveLength(1);
  const redis = await startPrivateRedis({
    dir: join(dataDir, worlds[0] as string, "redis"),
    clock: systemClock,
    searchPath: process.env["PATH"] ?? "",
  });
  try {
    const { host, port, password } = redis.target;
    return await readEvents(`redis://:${encodeURIComponent(password?.reveal() ?? "")}@${host}:${port}`);
  } finally {
    await redis.stop();
  }
}

describe("up --once without a configuration", () => {
  test("hands off every message of the sandbox's mailboxes, and a second run adds none", async () => {
    const data = join(dir, "sandbox");
    const first = await runOnce("--data", data, "--keep-events");
    expect(first, first.output).toMatchObject({ code: 0, summary: { mailboxes: 60, parked: 1, quarantined: 3 } });
    expect(first.summary.messages).toBeGreaterThan(12_000);
    expect(first.summary.added).toBe(first.summary.messages);
    expect(first.output).not.toMatch(/[\u001b\r]/);

    const second = await runOnce("--data", data, "--keep-events");
    expect(second, second.output).toMatchObject({ code: 0, summary: { messages: first.summary.messages, added: 0 } });

    const events = await eventsOf(data);
    const added = events.filter((event) => event.type === "message.added");
    expect(added).toHaveLength(first.summary.messages);
    expect(new Set(events.map((event) => event.key)).size).toBe(events.length);
    expect(events.filter((event) => event.type === "message.quarantined").every((event) => event.raw !== undefined)).toBe(true);
    expect(events.filter((event) => event.type === "mailbox.parked").map((event) => event.mailbox)).toEqual(["hr@contoso.example"]);
  });
});

describe("up --once --corpus", () => {
  /** As the sandbox serves them: bare LF becomes CRLF, everything else stays. */
  const served = (raw: Buffer): Buffer => Buffer.from(raw.toString("latin1").replace(/(?<!\r)\n/g, "\r\n"), "latin1");

  test.each(["real", "hard"] as const)(
    "hands off every message of the %s corpus once, with the bytes that the server sent",
    async (part) => {
      const mail = await readMail(part, 300);
      const corpus = join(dir, `corpus-${part}`);
      await mkdir(corpus);
      for (const [n, raw] of mail.entries()) await writeFile(join(corpus, `${String(n).padStart(5, "0")}.eml`), raw);

      const data = join(dir, `data-${part}`);
      const { code, summary, output } = await runOnce("--corpus", corpus, "--data", data, "--keep-events");
      expect({ code, handled: summary.messages + summary.quarantined }, output).toEqual({ code: 0, handled: mail.length });

      const events = await eventsOf(data);
      const hashes = events.map((event) => ("raw" in event ? event.raw?.sha256 : undefined));
      expect(hashes.toSorted(byText)).toEqual(mail.map((raw) => sha256(served(raw))).toSorted(byText));
      expect(new Set(events.map((event) => event.key)).size).toBe(mail.length);
    },
  );

  test("names a file that cannot be read, and starts nothing", async () => {
    const corpus = join(dir, "corpus-broken");
    await mkdir(corpus);
    await writeFile(join(corpus, "fine.eml"), "Subject: x\n\ny\n");
    await symlink(join(dir, "nowhere"), join(corpus, "gone.eml"));
    const { code, output } = await runOnce("--corpus", corpus, "--data", join(dir, "data-broken"));
    expect(code).toBe(2);
    expect(output).toContain("gone.eml");
  });
});

/** Processes that were told of a data folder. */
async function commandsOf(data: string, name = /(?:)/): Promise<{ readonly pid: number; readonly command: string }[]> {
  const pids = (await readdir("/proc")).filter((one) => /^\d+$/.test(one)).map(Number);
  const all = pids.map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return { pid, command: line.replaceAll("\0", " ") };
  });
  return (await Promise.all(all)).filter(({ command }) => command.includes(data) && name.test(command));
}

describe("up that stays", () => {
  test("shows new mail within seconds, stops within ten seconds of Ctrl-C, and goes on where it was", async () => {
    const data = join(dir, "stays");
    const role = mailfleet("up", "--data", data, "--progress", "plain");
    const says = (words: RegExp) =>
      until(
        () => Promise.resolve(role.output()),
        (text) => words.test(text),
        90_000,
      );
    // The link works as soon as it is said, while the first sync goes on; an open tab is no reason to stop later.
    const [, url = ""] = /console (http:\S+),/.exec(await says(/console http:\S+,/)) ?? [];
    const tab = await fetch(`${url}/api/stream`);
    expect([(await fetch(url)).status, tab.status, /done +first sync/.test(role.output())]).toEqual([200, 200, false]);
    await says(/done +first sync/);
    const handedOff = (text: string): number =>
      Math.max(
        0,
        ...[...text.matchAll(/([\d,]+) (?:messages )?handed off/g)].map((match) => Number((match[1] as string).replaceAll(",", ""))),
      );
    expect(handedOff(role.output())).toBeGreaterThan(12_000);
    expect(role.output()).not.toContain("Goes on where it was");

    const startedAt = performance.now();
    role.process.kill("SIGINT");
    expect(await role.ended, role.output()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(role.output()).toContain("Stopping.");
    expect(role.output()).toContain("Stopped in");

    const again = await runOnce("--data", data);
    expect(again.output).toContain("Goes on where it was: 60 mailboxes");
    expect(again.code).toBe(0);
  });

  test("stops at once when it is asked again, and exits 130", async () => {
    const data = join(dir, "twice");
    const role = mailfleet("up", "--data", data, "--progress", "plain");
    const says = (words: RegExp, ms: number) =>
      until(
        () => Promise.resolve(role.output()),
        (text) => words.test(text),
        ms,
      );
    await says(/sync +\d/, 90_000);
    // So that it cannot end by itself before it is asked again.
    const [worker] = await commandsOf(data, /worker\/src\/main\.ts/);
    if (worker === undefined) throw new Error("there is no worker");
    process.kill(worker.pid, "SIGSTOP");
    role.process.kill("SIGINT");
    await says(/Stopping\./, 30_000);
    // Whoever presses the key again does it until it works: the first repeats may be the same press.
    const isEnded = async (): Promise<boolean> => role.process.exitCode !== null || !role.process.kill("SIGINT");
    await until(isEnded, (ended) => ended, 30_000);
    // A press that comes when all is done already ends the process itself: to a shell both are 130.
    expect([130, "SIGINT"], role.output()).toContain(await role.ended);
    expect(role.output()).toMatch(/Stopped (?:at once|in)/);
  });

  test("leaves no process behind when it is killed, and the next start takes over its Redis", async () => {
    const data = join(dir, "killed");
    const role = mailfleet("up", "--data", data, "--progress", "plain");
    await until(
      () => Promise.resolve(role.output()),
      (text) => /sync +\d/.test(text),
      90_000,
    );
    role.process.kill("SIGKILL");
    await role.ended;
    const again = await runOnce("--data", data);
    expect(again, again.output).toMatchObject({ code: 0, summary: { mailboxes: 60 } });
    const survivors = () => commandsOf(data);
    await until(survivors, (found) => found.length === 0, 60_000);
  });
});

describe("bad input", () => {
  const guid = "c88a179d-eb5d-4de7-ba86-159564bccf1f";
  const yaml = (over: string): string => `tenants:
  contoso:
    tenantId: ${guid}
    clientId: ${guid}
    credential: { secretFile: ./secret }
    mailboxes: [support@contoso.com]
${over}`;
  const writeConfig = async (text: string): Promise<string> => {
    const file = join(await mkdtemp(join(dir, "config-")), "mailfleet.yaml");
    await writeFile(file, text);
    await writeFile(join(file, "../secret"), "canary-secret", { mode: 0o600 });
    return file;
  };
  const refused = async (...args: string[]): Promise<string> => {
    const role = mailfleet(...args);
    expect(await role.ended, role.output()).toBe(2);
    expect(role.output()).not.toContain("canary-secret");
    expect(role.output()).not.toMatch(/\n +at .*\.ts:\d/);
    return role.output();
  };

  test("in the configuration is reported whole, with a path for each, and starts nothing", async () => {
    const file = await writeConfig(yaml("sync: { pollSecond: 300 }\nblob: {}").replace(`tenantId: ${guid}`, "tenantId: contoso"));
    const output = await refused("up", "--once", "--config", file);
    for (const words of ["3 problems", "tenants.contoso.tenantId", "did you mean pollSeconds?", "blob"]) expect(output).toContain(words);
  });

  test("a configuration that is missing never becomes the sandbox", async () => {
    expect(await refused("up", "--once", "--config", join(dir, "nowhere.yaml"))).toContain("nowhere.yaml");
  });

  test.each([
    ["noeviction", ["--maxmemory-policy", "allkeys-lru"]],
    ["appendonly", ["--appendonly", "no"]],
  ])("a Redis that could forget mail is refused: %s", async (word, extraArgs) => {
    const server = await startRedis({ shared: false, extraArgs });
    try {
      expect(await refused("up", "--once", "--config", await writeConfig(yaml(`redis: { url: ${server.url} }`)))).toContain(word);
    } finally {
      await server.stop();
    }
  });

  test("a mailbox that is not in the configuration is named, with the nearest that is", async () => {
    const output = await refused("try", "suport@contoso.com", "--config", await writeConfig(yaml("")));
    expect(output).toContain("suport@contoso.com");
    expect(output).toContain("support@contoso.com");
  });

  test("a port in use is named", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const output = await refused("sandbox", "--imap-port", String(port), "--data-dir", join(dir, "port"));
    taken.close();
    expect(output).toContain(String(port));
  });

  test("an unknown verb or option names the nearest one", async () => {
    expect(await refused("statsu")).toContain("status");
    expect(await refused("up", "--onec")).toContain("--once");
  });
});
