import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir } from "./data-lock.ts";

let dir = "";
const file = (): string => path.join(dir, "up.pid");
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "mailfleet-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

test("the lock is taken, holds our pid, and is given back", () => {
  const unlock = lockDataDir(dir);
  expect(readFileSync(file(), "utf8").trim()).toBe(String(process.pid));
  unlock();
  expect(() => readFileSync(file())).toThrow("ENOENT");
});

test("a second mailfleet on one folder is refused and told which process holds it", async () => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); // main.ts"], { stdio: "ignore" });
  try {
    writeFileSync(file(), `${other.pid}\n`);
    expect(() => lockDataDir(dir)).toThrow(`already (process ${other.pid})`);
  } finally {
    other.kill("SIGKILL");
    await new Promise((resolve) => other.once("exit", resolve));
  }
  lockDataDir(dir)();
});

test.each([
  ["of a process that is gone", "999999999"],
  ["of a process that is no mailfleet", "1"],
  ["that cannot be read", "nonsense"],
])("a lock %s is taken over", (_, text) => {
  writeFileSync(file(), text);
  lockDataDir(dir);
  expect(readFileSync(file(), "utf8").trim()).toBe(String(process.pid));
});
