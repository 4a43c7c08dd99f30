import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { finished } from "node:stream/promises";

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** stdout and stderr go here. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Removed when this process dies without stopping the server. */
  readonly removeOnDeath?: string;
}

/** A server that we started, with its children. Ends with us, also when we are killed. */
export interface ServerProcess {
  readonly pid: number;
  readonly hasExited: boolean;
  /** Resolves when the process is gone, however it ended. */
  readonly exited: Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL at once, as a crash. */
  kill(): Promise<void>;
  /** The last lines of its log, for an error message. */
  logTail(): Promise<string>;
}

/**
 * Starts a server in a process group of its own. A small watcher holds a pipe to us: when the pipe breaks (we were killed), it
 * kills the group, so that no test run leaves a server behind.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const log = createWriteStream(options.logFile, { flags: "a" });
  const child = spawn(options.command, options.args, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: options.env ?? process.env,
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const state = { exited: false };
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      log.write(`${error.message}\n`);
      state.exited = true;
      resolve();
    });
    child.once("exit", (code, signal) => {
      log.write(`ended with ${signal ?? `exit code ${code}`}\n`);
      state.exited = true;
      resolve();
    });
  });
  const pid = child.pid;
  if (pid === undefined) {
    await exited;
    throw new Error(`cannot start ${options.command}`);
  }
  const watcher = spawn(
    "sh",
    ["-c", 'cat >/dev/null; kill -9 -"$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"', "sh", String(pid), options.removeOnDeath ?? ""],
    {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    },
  );
  watcher.on("error", () => undefined);
  // Neither server nor watcher keeps our process alive: a run that forgets to stop ends, and the broken pipe cleans up.
  child.unref();
  watcher.unref();
  unrefStream(child.stdout);
  unrefStream(child.stderr);
  unrefStream(watcher.stdin);

  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone.
    }
  };
  const finish = async (): Promise<void> => {
    child.ref();
    await exited;
    signalGroup("SIGKILL");
    watcher.kill("SIGKILL");
    log.end();
    await finished(log).catch(() => undefined);
  };
  return {
    pid,
    get hasExited() {
      return state.exited;
    },
    exited,
    async stop(graceMs = 5_000) {
      if (!state.exited) {
        signalGroup("SIGTERM");
        const timer = setTimeout(() => signalGroup("SIGKILL"), graceMs);
        child.ref();
        await exited;
        clearTimeout(timer);
      }
      await finish();
    },
    async kill() {
      signalGroup("SIGKILL");
      await finish();
    },
    async logTail() {
      const text = await readFile(options.logFile, "utf8").catch(() => "");
      return text.trim().split("\n").slice(-15).join("\n");
    },
  };
}

function unrefStream(stream: unknown): void {
  if (typeof stream === "object" && stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
}
