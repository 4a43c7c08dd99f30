// Compiles every program into the folder that NODE_COMPILE_CACHE names, for an image whose containers cannot write:
//   NODE_COMPILE_CACHE=/srv/compile-cache node apps/cli/bin/compile-all.mjs built
// Its argument is the folder that scripts/build-roles.mjs built them in, below that of the sources.
import { spawnSync } from "node:child_process";
import path from "node:path";

const root = path.join(import.meta.dirname, "../../..");
const [built = "built"] = process.argv.slice(2);
/** A role reads all of its files, finds no configuration, and ends with 2. */
const role = { args: ["--config", path.join(root, "no-such-file.yaml")], code: 2 };
const programs = [
  { file: `${built}/mailfleet.mjs`, args: ["--help"], code: 0 },
  { file: `${built}/producer.mjs`, ...role },
  { file: `${built}/worker.mjs`, ...role },
  { file: `${built}/console.mjs`, ...role },
  { file: `${built}/sandbox.mjs`, args: ["--help"], code: 0 },
  // A thread of workers, and what takes types out of the console's pages.
  { file: `${built}/parse-task.mjs`, args: [], code: 0 },
  { file: "apps/console/src/assets/strip-child.ts", args: [], code: 0 },
];

for (const { file, args, code } of programs) {
  const { status, stderr, error } = spawnSync(process.execPath, [path.join(root, file), ...args], { encoding: "utf8" });
  if (status === code) continue;
  process.stderr.write(`${file} ended with ${status ?? error?.message} in place of ${code}:\n${stderr}\n`);
  process.exitCode = 1;
}
