import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CliError } from "../cli-error.ts";

const tries = 100;
const pauseMs = 20;

/**
 * One `up` per data folder: a second one would adopt the first one's Redis and end it. The lock of a killed `up` is taken over.
 * @returns what gives the lock back
 * @throws CliError 2
 */
export function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, "up.pid");
  // Linked and renamed into place, so that nobody ever reads half a lock.
  const own = path.join(dataDir, `up.${randomUUID()}.tmp`);
  writeFileSync(own, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
  try {
    for (let attempt = 0; attempt < tries; attempt++) {
      if (tryLink(own, file)) return () => unlock(file);
      const { state, pid } = readLock(file);
      if (state === "held") {
        throw new CliError(2, {
          code: "ALREADY_RUNNING",
          what: `mailfleet runs on ${dataDir} already (process ${pid}).`,
          next: "Nothing was started; the other one goes on.",
          todo: [
            "Look at it: npx mailfleet status, with the --config that it was started with",
            "or use another folder: npx mailfleet up --data ./other",
          ],
        });
      }
      if (state === "stale" && takeOver(own, file)) return () => unlock(file);
      if (state === "stale") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new CliError(1, { code: "LOCK", what: `The lock ${file} cannot be taken: others take it at the same time.` });
}

/**
 * Replaces a stale lock by ours. Only the holder of a second lock may, and looks again first: else one of two that saw the same stale
 * lock would throw away the new lock of the other.
 */
function takeOver(own: string, file: string): boolean {
  const turn = `${file}.takeover`;
  if (!tryLink(own, turn)) {
    if (readLock(turn).state === "stale") setAside(turn, `${own}.old`, file);
    return false;
  }
  try {
    if (readLock(file).state !== "stale") return false;
    renameSync(own, file);
    return true;
  } finally {
    rmSync(turn, { force: true });
  }
}

/** Removes the turn of one that was killed in the middle of it; what is renamed is looked at before it is thrown away. */
function setAside(turn: string, aside: string, file: string): void {
  try {
    renameSync(turn, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const { state, pid } = readLock(aside);
  if (state === "held") {
    tryLink(aside, turn);
    // Its holder may have won, and given its turn back, while it was set aside.
    if (readLock(file).pid === pid) rmSync(turn, { force: true });
  }
  rmSync(aside, { force: true });
}

function unlock(file: string): void {
  if (readLock(file).pid === process.pid) rmSync(file, { force: true });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

interface LockState {
  readonly state: "absent" | "held" | "stale";
  readonly pid?: number;
}

/** A lock with our own pid is one of an earlier life: pids are dealt again. */
function readLock(file: string): LockState {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { state: "absent" };
    throw error;
  }
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid < 2) return { state: "stale" };
  return { state: pid !== process.pid && isMailfleet(pid) ? "held" : "stale", pid };
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
