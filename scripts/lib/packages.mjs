import { readFileSync } from "node:fs";
import path from "node:path";
import { capture, isWindows, root, SetupError } from "./processes.mjs";

/** Installs the locked packages when what is installed differs from the lock. Returns true when it did. */
export async function ensurePackages() {
  if (arePackagesInstalled()) return false;
  const args = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
  let result = await runNpm(args);
  // A registry that hiccups gets a second chance; a lock that does not fit fails twice.
  if (result.code !== 0) result = await runNpm(args);
  if (result.code === 0 && arePackagesInstalled()) return true;
  throw new SetupError(
    `The packages could not be installed (npm ci, exit code ${result.code}):\n${lastLines(result.output)}\n` +
      "Check that the npm registry can be reached (npm ping), then run the same command again.",
  );
}

/**
 * npm writes node_modules/.package-lock.json last, so its content says what a finished install left. Compared by content, not by time: a
 * checkout gives files any time it likes.
 */
export function arePackagesInstalled(folder = root) {
  const wanted = readLock(path.join(folder, "package-lock.json"));
  const installed = readLock(path.join(folder, "node_modules", ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  const inModules = Object.entries(wanted).filter(([name]) => name.includes("node_modules/"));
  return inModules.every(([name, entry]) => {
    const found = installed[name];
    if (found === undefined) return entry.optional === true || entry.peer === true;
    return found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

export function runNpm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) return capture(process.execPath, [cli, ...args]);
  return capture(isWindows ? "npm.cmd" : "npm", args, { shell: isWindows });
}

export function lastLines(text, count = 15) {
  return text.trim().split("\n").slice(-count).join("\n");
}
