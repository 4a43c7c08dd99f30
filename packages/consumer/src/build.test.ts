import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = path.join(import.meta.dirname, "../../..");

test("the built package is plain JavaScript with types, and depends on nothing of mailfleet", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-sdk-build-"));
  try {
    const modules = path.join(dir, "node_modules");
    const out = path.join(modules, "@mailfleet/consumer");
    await mkdir(out, { recursive: true });
    await run(process.execPath, [path.join(root, "packages/consumer/scripts/build.ts"), out]);
    for (const name of ["bullmq", "ioredis", "@types", "undici-types"])
      await symlink(path.join(root, "node_modules", name), path.join(modules, name));
    const manifest = JSON.parse(await readFile(path.join(out, "package.json"), "utf8")) as { dependencies: object };
    expect(Object.keys(manifest.dependencies)).toEqual(["bullmq", "ioredis"]);

    // As who installs it would use it: no type stripping, and the compiler at its strictest.
    const use = `import { eventId, type MessageAdded, safeFileName } from "@mailfleet/consumer";
import schema from "@mailfleet/consumer/schema" with { type: "json" };
export const idOf = (event: MessageAdded): string => eventId(event) + (event.message.subject ?? "") + schema.title;
console.log(safeFileName("a/b"), typeof schema);\n`;
    await writeFile(path.join(dir, "package.json"), '{ "type": "module" }');
    await writeFile(path.join(dir, "use.ts"), use);
    const options = ["--strict", "--module", "nodenext", "--target", "es2024", "--resolveJsonModule", "--skipLibCheck"];
    await run(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), ...options, "use.ts"], { cwd: dir });
    const { stdout } = await run(process.execPath, ["--no-strip-types", "use.js"], { cwd: dir });
    expect(stdout).toBe("a_b object\n");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
