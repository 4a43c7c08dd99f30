import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";

const entry = new URL("main.ts", import.meta.url);
let dataDir: string;
let children: ChildProcess[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sandbox-main-"));
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  const child = fork(entry, ["--data-dir", dataDir, ...args], { silent: true });
  children.push(child);
  return child;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout) createInterface({ input: child.stdout }).once("line", resolve);
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

function errorsOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr?.on("end", () => resolve(text));
  });
}

function ask(child: ChildProcess, message: object): Promise<unknown> {
  return new Promise((resolve) => {
    child.once("message", resolve);
    child.send(message);
  });
}

test("the process says once that it is ready, takes mail from its parent and ends with SIGTERM", async () => {
  const child = start("--tenant", "tiny:2:20", "--seed", "s1");
  const exit = exitOf(child);
  const ready = JSON.parse(await firstLine(child)) as Record<string, unknown>;
  expect(ready).toMatchObject({ ready: true, pid: child.pid, seed: "s1", tenants: [{ alias: "tiny", mailboxes: 2, messages: 20 }] });
  expect(ready["configFile"]).toBe(join(dataDir, "mailfleet.yaml"));
  const address = "support@tiny.example";
  const delivered = (await ask(child, { id: 7, type: "deliver", address, folder: "INBOX", raw: Buffer.from("x").toString("base64") })) as {
    uid: number;
  };
  expect(delivered).toEqual({ id: 7, type: "delivered", uid: expect.any(Number) });
  const truth = (await ask(child, { type: "truth", address })) as { folders: { folder: string; uids: number[]; sha256: string[] }[] };
  const inbox = truth.folders.find(({ folder }) => folder === "INBOX");
  expect(inbox?.uids.at(-1)).toBe(delivered.uid);
  expect(inbox?.sha256.at(-1)).toBe("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
  expect(await ask(child, { type: "deliver", address, folder: "Nowhere", raw: "" })).toMatchObject({
    type: "error",
    message: expect.stringContaining("Nowhere"),
  });
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
});

test("the process ends when its parent goes away", async () => {
  const child = start("--tenant", "tiny:1:5");
  const exit = exitOf(child);
  await firstLine(child);
  child.disconnect();
  expect(await exit).toBe(0);
});

test.each([
  [["--corpus", "/no/such/place"], "the corpus /no/such/place cannot be read: ENOENT"],
  [["--tenant", "tiny"], "a tenant is written ALIAS:BOXES"],
  [["--trickle", "often"], '--trickle wants a number, not "often"'],
  [["--colour"], "Unknown option '--colour'"],
])("%j ends with 2 and names the trouble", async (args, message) => {
  const child = start(...args);
  const [code, errors] = await Promise.all([exitOf(child), errorsOf(child)]);
  expect(errors).toContain(message);
  expect(code).toBe(2);
});
