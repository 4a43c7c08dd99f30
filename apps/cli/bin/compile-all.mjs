// Compiles every program into the folder that NODE_COMPILE_CACHE names, for an image whose containers cannot write:
//   NODE_COMPILE_CACHE=/srv/compile-cache node apps/cli/bin/compile-all.mjs
import { spawnSync } from "node:child_process";
import path from "node:path";

const root = path.join(import.meta.dirname, "../../..");
/** A role reads all of its files, finds no configuration, and ends with 2. */
const role = { args: ["--config", path.join(root, "no-such-file.yaml")], code: 2 };
const programs = [
  { file: "apps/cli/bin/mailfleet.mjs", args: ["--help"], code: 0 },
  { file: "apps/producer/src/main.ts", ...role },
  { file: "apps/worker/src/main.ts", ...role },
  { file: "apps/console/src/main.ts", ...role },
  { file: "packages/sandbox/src/main.ts", args: ["--help"], code: 0 },
  // A thread of workers, and what takes types out of the console's pages.
  { file: "packages/mime/src/parse-task.ts", args: [], code: 0 },
  { file: "apps/console/src/assets/strip-child.ts", args: [], code: 0 },
];

for (const { file, args, code } of programs) {
  const { status, stderr, error } = spawnSync(process.execPath, [path.join(root, file), ...args], { encoding: "utf8" });
  if (status === code) continue;
  process.stderr.write(`${file} ended with ${status ?? error?.message} in place of ${code}:\n${stderr}\n`);
  process.exitCode = 1;
}
