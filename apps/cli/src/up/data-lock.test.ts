import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

test("a lock that another took since is not given back", () => {
  const unlock = lockDataDir(dir);
  writeFileSync(file(), "1\n");
  unlock();
  expect(readFileSync(file(), "utf8")).toBe("1\n");
});

test(
  "of several that find a stale lock at the same moment one wins, and nothing is left beside the lock",
  { timeout: 60_000 },
  async () => {
    const source = `
    import { lockDataDir } from ${JSON.stringify(path.join(import.meta.dirname, "data-lock.ts"))};
    process.on("message", () => {
      let won = true;
      try { lockDataDir(process.argv[1]); } catch { won = false; }
      process.send({ won });
    });
    process.send("ready");`;
    const race = path.join(dir, "race");
    const args = ["--input-type=module", "-e", source, race];
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] }));
    const answers = (): Promise<unknown[]> =>
      Promise.all(children.map((child) => new Promise<unknown>((resolve) => child.once("message", resolve))));
    try {
      await answers();
      mkdirSync(race);
      for (let round = 0; round < 20; round++) {
        writeFileSync(path.join(race, "up.pid"), round % 2 === 0 ? "999999999\n" : "half");
        // A winner of the round before was killed while it took over.
        if (round % 3 === 0) writeFileSync(path.join(race, "up.pid.takeover"), "999999999\n");
        const answered = answers();
        for (const child of children) child.send("go");
        const winners = (await answered).flatMap((answer, i) => ((answer as { won: boolean }).won ? [children[i]?.pid] : []));
        expect(winners).toEqual([Number(readFileSync(path.join(race, "up.pid"), "utf8"))]);
        expect(readdirSync(race)).toEqual(["up.pid"]);
      }
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  },
);
