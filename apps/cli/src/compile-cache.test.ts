import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-compiled-"));
afterAll(() => rmSync(dir, { recursive: true }));

const program = path.join(import.meta.dirname, "../bin/mailfleet.mjs");
const version = (dataDir: string): { readonly status: number | null; readonly stdout: string } =>
  spawnSync(process.execPath, [program, "--version"], { encoding: "utf8", env: { PATH: "/usr/bin", MAILFLEET_DATA_DIR: dataDir } });

test("a start keeps its compiled code in the data folder, and where none can be made it starts all the same", () => {
  expect(version(dir)).toMatchObject({ status: 0, stdout: "0.1.0\n" });
  expect(existsSync(path.join(dir, "compile-cache"))).toBe(true);
  expect(version("/dev/null/nowhere")).toMatchObject({ status: 0, stdout: "0.1.0\n" });
});
