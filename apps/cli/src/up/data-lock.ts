import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CliError } from "../cli-error.ts";

/**
 * One `up` per data folder: a second one would adopt the first one's Redis and end it. The lock of a killed `up` is taken over.
 * @returns what gives the lock back
 * @throws CliError 2
 */
export function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, "up.pid");
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const pid = readPid(file);
      if (pid !== undefined && pid !== process.pid && isMailfleet(pid)) {
        throw new CliError(2, {
          code: "ALREADY_RUNNING",
          what: `mailfleet runs on ${dataDir} already (process ${pid}).`,
          next: "Nothing was started; the other one goes on.",
          todo: ["Look at it: npx mailfleet status", "or use another folder: npx mailfleet up --data ./other"],
        });
      }
      rmSync(file, { force: true });
    }
  }
  throw new CliError(1, { code: "LOCK", what: `The lock ${file} cannot be taken: others take it at the same time.` });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

export function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 2) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Pids are dealt again: only a process that looks like ours holds the lock. */
function isMailfleet(pid: number): boolean {
  return isProcessAlive(pid) && /main\.ts|mailfleet/.test(commandOf(pid));
}

/** Where it cannot be read the pid is believed, because two at once would be worse. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // Only Linux has /proc.
  }
  try {
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "mailfleet";
  }
}
