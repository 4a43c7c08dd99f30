// Compiles every program into the folder that NODE_COMPILE_CACHE names, for an image whose containers cannot write:
//   NODE_COMPILE_CACHE=/srv/compile-cache node apps/cli/bin/compile-all.mjs built
// Its argument is the folder that scripts/build-roles.mjs built them in, below that of the sources.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

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
  // A thread of workers: the first, and those that begin once the worker keeps what is compiled (packages/runtime/src/keep-compiled.ts).
  { file: `${built}/parse-task.mjs`, args: [], code: 0 },
  { file: `${built}/parse-task.mjs`, flags: ["--no-flush-bytecode"], args: [], code: 0 },
  // What takes types out of the console's pages.
  { file: "apps/console/src/assets/strip-child.ts", args: [], code: 0 },
];

for (const { file, flags = [], args, code } of programs) {
  const { status, stderr, error } = spawnSync(process.execPath, [...flags, path.join(root, file), ...args], { encoding: "utf8" });
  if (status === code) continue;
  process.stderr.write(`${file} ended with ${status ?? error?.message} in place of ${code}:\n${stderr}\n`);
  process.exitCode = 1;
}

// What a program reads only when it is asked for, such as the client that gets tokens. Whatever no program is does nothing when it is read.
const names = new Set(programs.map(({ file }) => path.basename(file)));
for (const name of readdirSync(path.join(root, built)))
  if (!names.has(name)) await import(pathToFileURL(path.join(root, built, name)).href);
