#!/usr/bin/env node
// Runs on any Node from 20 on: the program itself is TypeScript and needs the Node that the checkout installs when the machine's is older.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const main = path.join(here, "../src/main.ts");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 14)) {
  keepCompiledCode();
  await import(pathToFileURL(main).href);
} else {
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `mailfleet needs Node 24.14.1 or newer; this is ${process.versions.node}, and the checkout has none of its own.\n` +
        "Install it with the dependencies: npm install\n",
    );
    process.exitCode = 2;
  } else runWith(node);
}

/**
 * Half of a start is taking types out of 400 files and compiling them: what came of it is kept for the next one. `NODE_COMPILE_CACHE`, if it
 * is set, has been obeyed already. In a folder of our own only: who writes there writes our code, and everybody may write to Node's default.
 * Where it cannot be written to, or is of another user, nothing is kept, and nothing fails.
 */
function keepCompiledCode() {
  const data = process.env.MAILFLEET_DATA_DIR;
  module.enableCompileCache(data ? path.resolve(data, "compile-cache") : path.join(here, "../../../node_modules/.cache/mailfleet"));
}

function findNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  const kind = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  for (let dir = here; dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const candidate = path.join(dir, "node_modules", kind, "bin", name);
    if (existsSync(candidate)) return candidate;
  }
  return undefined;
}

function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both of us, `kill` only to this process, and nobody says which it was. The program takes two at once for one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", (error) => {
    process.stderr.write(`cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
