import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a process used, read from /proc; the last reading before its end counts. */
export interface Usage {
  cpuMs: number;
  peakRssMb: number;
  rssMb: number;
}

/** Ticks per second of /proc/PID/stat: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** CPU of the process and of its children that ended, and its resident memory, highest and now. Undefined once the process is gone. */
export function readUsage(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; fields are counted behind it (proc(5): utime is the 14th).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (line: RegExp): number => Number(line.exec(status)?.[1] ?? 0) / 1_024;
    return {
      cpuMs: (ticks * 1_000) / ticksPerSecond,
      peakRssMb: megabytes(/VmHWM:\s+(\d+) kB/),
      rssMb: megabytes(/VmRSS:\s+(\d+) kB/),
    };
  } catch {
    return undefined;
  }
}

/** A child whose usage is sampled until it ends. */
export interface Watched {
  readonly process: ChildProcess;
  readonly usage: Usage;
  readonly output: () => string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  /** Takes a last reading and stops it. */
  stop(): Promise<void>;
}

/** Short enough for contestants that live for seconds. */
const shortSampleMs = 100;

export function watch(command: string, args: readonly string[], env: NodeJS.ProcessEnv, sampleMs: number = shortSampleMs): Watched {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], env });
  const usage: Usage = { cpuMs: 0, peakRssMb: 0, rssMb: 0 };
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const sample = (): void => {
    const now = child.pid === undefined ? undefined : readUsage(child.pid);
    if (!now) return;
    usage.cpuMs = Math.max(usage.cpuMs, now.cpuMs);
    usage.peakRssMb = Math.max(usage.peakRssMb, now.peakRssMb);
    usage.rssMb = now.rssMb;
  };
  const timer = setInterval(sample, sampleMs);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      clearInterval(timer);
      resolve(code ?? 1);
    });
  });
  return {
    process: child,
    usage,
    output: () => text,
    ended,
    async stop() {
      sample();
      child.kill("SIGTERM");
      await ended;
    },
  };
}
