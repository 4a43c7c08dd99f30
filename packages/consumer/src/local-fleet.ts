import { readFileSync } from "node:fs";
import path from "node:path";

export interface LocalFleet {
  readonly redis: { readonly host: string; readonly port: number; readonly password?: string };
  readonly blobs: string;
}

/**
 * Where a fleet on this machine keeps its queue and blobs, from its data folder: with `npm start` the sandbox's, `.mailfleet/sandbox`; else
 * `dataDir` of the configuration, where mailfleet started Redis itself.
 * @throws Error when no private Redis runs there
 */
export function localFleet(dataDir = ".mailfleet/sandbox"): LocalFleet {
  const file = path.join(dataDir, "redis", "connection.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    throw noFleet(dataDir, `${file}: ${code}`, error);
  }
  if (!isServing(path.join(dataDir, "redis", "redis.pid"))) throw noFleet(dataDir, "it was stopped");
  const { port, password } = JSON.parse(text) as { port: number; password?: string };
  return { redis: { host: "127.0.0.1", port, ...(password !== undefined && { password }) }, blobs: path.join(dataDir, "blobs") };
}

function noFleet(dataDir: string, why: string, cause?: unknown): Error {
  return new Error(
    `No fleet runs in ${dataDir} (${why}). Start one with: npm start -- --keep-events`,
    cause === undefined ? {} : { cause },
  );
}

/** The file with the address outlives the server, so that the next one keeps it; Redis takes its own pid file away when it ends. */
function isServing(pidFile: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, "utf8"));
    process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
  try {
    // A killed server leaves its file, and pids are dealt again.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("redis-server");
  } catch {
    // Only Linux has /proc; elsewhere the pid is believed.
    return true;
  }
}
