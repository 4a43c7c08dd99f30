import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findImportViolations } from "./import-rule.ts";
import { repository } from "./workspace.ts";

test("the repository keeps the import rule", () => {
  expect(findImportViolations(repository)).toEqual([]);
});

describe("a deliberate violation in a small workspace", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "mailfleet-rule-"));
    for (const file of ["turbo.json", ".npmrc"]) cpSync(path.join(repository, file), path.join(root, file));
    writeJson("package.json", { name: "fixture", private: true, workspaces: ["apps/*", "packages/*"], packageManager: "npm@11.19.1" });
    addPackage("packages/core", "@mailfleet/core", "core", []);
    addPackage("packages/engine", "@mailfleet/engine", "engine", ["@mailfleet/core"]);
    addPackage("packages/store", "@mailfleet/store", "adapter", ["@mailfleet/core"]);
    addPackage("packages/queue", "@mailfleet/queue", "adapter", ["@mailfleet/core"]);
    addPackage("packages/testkit", "@mailfleet/testkit", "testkit", ["@mailfleet/core"]);
    addPackage("apps/worker", "@mailfleet/worker-app", "app", ["@mailfleet/engine", "@mailfleet/store"]);
    addPackage("apps/producer", "@mailfleet/producer-app", "app", ["@mailfleet/store"]);
    write("packages/engine/src/index.ts", `import type { Thing } from "@mailfleet/core";\nexport type { Thing };\n`);
    write("apps/worker/src/main.ts", `import "@mailfleet/engine";\nimport "@mailfleet/store";\n`);
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  test("is needed: without one nothing is reported", () => {
    expect(findImportViolations(root)).toEqual([]);
  });

  test.each([
    [
      "core uses a Node module",
      "packages/core/src/bad.ts",
      `import { readFile } from "node:fs/promises";`,
      "core imports nothing, not even node:fs/promises",
    ],
    ["core uses the engine", "packages/core/src/bad.ts", `export { x } from "@mailfleet/engine";`, "core must not import engine"],
    [
      "the engine uses an adapter",
      "packages/engine/src/bad.ts",
      `import { store } from "@mailfleet/store";`,
      "engine must not import adapter",
    ],
    [
      "an adapter uses another, lazily",
      "packages/store/src/bad.ts",
      `const q = await import("@mailfleet/queue");`,
      "adapter must not import adapter",
    ],
    [
      "an adapter uses the engine by its path",
      "packages/store/src/bad.ts",
      `import { x } from "../../engine/src/index.ts";`,
      "lies in another package",
    ],
    [
      "a test of an adapter uses another",
      "packages/store/src/bad.test.ts",
      `import { queue } from "@mailfleet/queue";`,
      "adapter must not import adapter",
    ],
    ["an app uses another app", "apps/worker/src/bad.ts", `import "@mailfleet/producer-app";`, "app must not import app"],
    [
      "the product uses testkit",
      "packages/store/src/bad.ts",
      `import { fakeClock } from "@mailfleet/testkit";`,
      "adapter must not import testkit",
    ],
    [
      "an adapter uses a library it does not declare",
      "packages/store/src/bad.ts",
      `import {\n  Redis,\n} from "ioredis";`,
      "ioredis is not declared",
    ],
  ])("%s", (_name, file, source, message) => {
    write(file, `${source}\n`);
    const found = findImportViolations(root);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${file}: `);
    expect(found[0]).toContain(message);
  });

  test("a forbidden dependency is reported even before anything imports it", () => {
    addPackage("packages/store", "@mailfleet/store", "adapter", ["@mailfleet/core", "@mailfleet/queue"]);
    expect(findImportViolations(root)).toEqual(["packages/store/package.json: adapter must not depend on adapter @mailfleet/queue"]);
  });

  test("turbo boundaries reports it too", () => {
    writeLock();
    expect(turboBoundaries()).toContain("no issues found");
    addPackage("packages/store", "@mailfleet/store", "adapter", ["@mailfleet/core", "@mailfleet/queue"]);
    write("packages/store/src/bad.ts", `import { queue } from "@mailfleet/queue";\nexport { queue };\n`);
    writeLock();
    expect(turboBoundaries()).toMatch(/@mailfleet\/queue.+found without any tag listed in allowlist[^]*@mailfleet\/store/);
  });

  function addPackage(dir: string, name: string, tag: string, dependencies: readonly string[]): void {
    writeJson(`${dir}/package.json`, {
      name,
      version: "0.1.0",
      type: "module",
      exports: { ".": "./src/index.ts" },
      dependencies: versions(dependencies),
    });
    writeJson(`${dir}/turbo.json`, { extends: ["//"], tags: [tag] });
    write(`${dir}/src/index.ts`, "export const x = 1;\n");
    mkdirSync(path.join(root, "node_modules", "@mailfleet"), { recursive: true });
    const link = path.join(root, "node_modules", name);
    rmSync(link, { force: true });
    symlinkSync(path.join(root, dir), link);
  }

  /** turbo wants a lock file; links are all it needs to hold here. */
  function writeLock(): void {
    writeJson("package-lock.json", {
      name: "fixture",
      lockfileVersion: 3,
      requires: true,
      packages: { "": { name: "fixture", workspaces: ["apps/*", "packages/*"] } },
    });
  }

  function turboBoundaries(): string {
    const turbo = path.join(repository, "node_modules", "turbo", "bin", "turbo");
    const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
    try {
      return execFileSync(process.execPath, [turbo, "boundaries", "--no-color"], {
        cwd: root,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `${stdout}${stderr}`;
    }
  }

  function versions(names: readonly string[]): Record<string, string> {
    return Object.fromEntries(names.map((name) => [name, "0.1.0"]));
  }

  function writeJson(file: string, content: object): void {
    write(file, `${JSON.stringify(content, null, 2)}\n`);
  }

  function write(file: string, content: string): void {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), content);
  }
});
