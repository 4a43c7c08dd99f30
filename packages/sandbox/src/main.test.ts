import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
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
  // With an end to its last line, as RETR sends it.
  const overPop3 = (await ask(child, { type: "truth", address, protocol: "pop3" })) as typeof truth;
  expect(overPop3.folders.map(({ folder }) => folder)).toEqual(["INBOX"]);
  expect(overPop3.folders[0]?.sha256.at(-1)).toBe(createHash("sha256").update("x\r\n").digest("hex"));
  expect(ready).toMatchObject({ pop3: { host: "localhost", port: expect.any(Number) } });
  expect(await ask(child, { type: "deliver", address, folder: "Nowhere", raw: "" })).toMatchObject({
    type: "error",
    message: expect.stringContaining("Nowhere"),
  });
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
});

test("a parent changes mailboxes as it likes, and sees it in the truth", async () => {
  const child = start("--tenant", "tiny:1:10", "--mean-bytes", "20000", "--inbox-only");
  const exit = exitOf(child);
  await firstLine(child);
  const address = "support@tiny.example";
  const raw = Buffer.from("Subject: s\r\n\r\n").toString("base64");
  const done = { type: "done" };
  expect(await ask(child, { type: "create", address, folder: "A" })).toEqual(done);
  for (const uid of [1, 2, 3]) expect(await ask(child, { type: "deliver", address, folder: "A", raw })).toEqual({ type: "delivered", uid });
  expect(await ask(child, { type: "flags", address, folder: "A", uid: 1, flags: ["\\Seen"] })).toEqual(done);
  expect(await ask(child, { type: "rename", address, folder: "A", to: "B" })).toEqual(done);
  expect(await ask(child, { type: "move", address, folder: "B", to: "Archive", uids: [2] })).toEqual({
    type: "moved",
    uids: [[2, expect.any(Number)]],
  });
  expect(await ask(child, { type: "plant", address, folder: "B", uid: 2, raw })).toEqual(done);
  expect(await ask(child, { type: "fault", address, folder: "B", uid: 2, fault: "no-data" })).toEqual(done);
  expect(await ask(child, { type: "fault", address, folder: "B", uid: 2, fault: "odd" })).toMatchObject({ type: "error" });
  const uidsOfB = async (): Promise<readonly number[] | undefined> => {
    const truth = (await ask(child, { type: "truth", address })) as { folders: { folder: string; uids: number[] }[] };
    return truth.folders.find(({ folder }) => folder === "B")?.uids;
  };
  expect(await uidsOfB()).toEqual([1, 2, 3]);
  expect(await ask(child, { type: "restore", address, folder: "B", uids: [2] })).toEqual(done);
  expect(await uidsOfB()).toEqual([2]);
  expect(await ask(child, { type: "reset", address, folder: "B" })).toEqual({ type: "reset", uidValidity: expect.any(Number) });
  expect(await uidsOfB()).toEqual([1]);
  expect(await ask(child, { type: "delete", address, folder: "B" })).toEqual(done);
  expect(await uidsOfB()).toBeUndefined();
  child.disconnect();
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
  [["--fault", "token-5xx,status=200,times=0"], "--fault token-5xx,status=200,times=0: status of token-5xx is a number"],
  [
    ["--fault", "token-stall", "--fault", "throttle,tenant=nobody"],
    "the fault throttle: the sandbox has no tenant nobody; it has: contoso",
  ],
  [["--colour"], "Unknown option '--colour'"],
  [["--colour"], "npx mailfleet sandbox --help"],
])("%j ends with 2 and names the trouble", async (args, message) => {
  const child = start(...args);
  const [code, errors] = await Promise.all([exitOf(child), errorsOf(child)]);
  expect(errors).toContain(message);
  expect(code).toBe(2);
});
