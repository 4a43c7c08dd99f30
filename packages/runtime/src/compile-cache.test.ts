import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-compiled-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A process that keeps nothing, and then keeps what it compiled in `dir`. */
const program = `
  const { enableCompileCache } = await import("node:module");
  const { readdirSync, rmSync } = await import("node:fs");
  const { shareCompiledCode } = await import(${JSON.stringify(path.join(import.meta.dirname, "compile-cache.ts"))});
  const before = shareCompiledCode("elsewhere");
  enableCompileCache(${JSON.stringify(dir)});
  await import(${JSON.stringify(path.join(import.meta.dirname, "node-flags.ts"))});
  const after = shareCompiledCode("elsewhere");
  const files = readdirSync(after, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length;
  rmSync(${JSON.stringify(dir)}, { recursive: true });
  console.log(JSON.stringify({ before, after, files, unwritable: shareCompiledCode("elsewhere") }));
`;

test("what a process compiled is there for those that it starts before it ends; one that keeps nothing, or may not write, names the other folder", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8", env: {} });
  expect(JSON.parse(stdout), stderr).toEqual({ before: "elsewhere", after: dir, files: expect.any(Number), unwritable: "elsewhere" });
  expect((JSON.parse(stdout) as { files: number }).files).toBeGreaterThan(0);
});
