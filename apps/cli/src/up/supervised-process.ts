import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock } from "@mailfleet/core";
import type { LogFile } from "./log-file.ts";

export interface ProcessSpec {
  /** `worker 2`. */
  readonly name: string;
  /** A TypeScript entry, absolute. */
  readonly file: string;
  /** Asked at every start. */
  readonly args: () => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Node's own flags, beside those that all children get. */
  readonly nodeFlags?: readonly string[];
  /** How it says that it is ready: a message over IPC, or a first JSON line on stdout with `ready: true`. */
  readonly readyBy: "message" | "line";
}

export interface ProcessHooks {
  readonly clock: Clock;
  readonly log: LogFile;
  readonly scrub: (text: string) => string;
  /** A line of stdout that is JSON. */
  readonly onLine?: (fields: Readonly<Record<string, unknown>>) => void;
  /** It ended though nobody asked; `inMs` until it is started again. */
  readonly onRestart: (name: string, how: string, inMs: number) => void;
  /** It cannot go on: wrong configuration. */
  readonly onFatal: (error: ProcessFailure) => void;
}

/** A role that could not start, or ended with 2. `reason` is what it wrote to stderr. */
export class ProcessFailure extends Error {
  readonly exitCode: number;
  readonly reason: string;

  constructor(name: string, how: string, exitCode: number, reason: string) {
    super(`${name} ended with ${how}`);
    this.name = "ProcessFailure";
    this.exitCode = exitCode;
    this.reason = reason;
  }
}

export interface SupervisedProcess {
  readonly name: string;
  /** What it said when it was ready; rejects with ProcessFailure when the first start fails. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly pid: number | undefined;
  send(message: object): void;
  /** SIGTERM, after `graceMs` SIGKILL; it is not started again. True when it ended by itself in time. */
  stop(graceMs: number): Promise<boolean>;
  /** SIGKILL at once. */
  kill(): void;
}

const firstBackoffMs = 1_000;
const lastBackoffMs = 30_000;
/** A process that lived this long was sound: its next fall counts as the first. */
const soundMs = 60_000;
const stderrKept = 4_000;
/** Nothing that others may read by signal or report (T03). */
const nodeFlags = ["--disable-sigusr1", "--report-exclude-env"];

/** A child in a process group of its own, so that Ctrl-C in the terminal reaches only us; started again when it dies. */
export function superviseProcess(spec: ProcessSpec, hooks: ProcessHooks): SupervisedProcess {
  const { clock } = hooks;
  const ready = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  ready.promise.catch(() => undefined);
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let isStopping = false;
  let wasReady = false;
  let falls = 0;

  const becomeReady = (facts: Readonly<Record<string, unknown>>): void => {
    wasReady = true;
    ready.resolve(facts);
  };

  const start = (): void => {
    const startedAt = clock.monotonic();
    const made = spawn(process.execPath, [...nodeFlags, ...(spec.nodeFlags ?? []), spec.file, ...spec.args()], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...spec.env },
      cwd: spec.cwd,
      detached: true,
    });
    child = made;
    let stderr = "";
    made.on("message", (message) => {
      if (spec.readyBy === "message" && isRecord(message) && message["type"] === "ready") becomeReady(message);
    });
    if (made.stdout === null || made.stderr === null) throw new TypeError("a child without pipes");
    createInterface({ input: made.stdout }).on("line", (text) => {
      const fields = parseLine(text);
      if (spec.readyBy === "line" && fields?.["ready"] === true) becomeReady(fields);
      else hooks.log.write(text);
      if (fields) hooks.onLine?.(fields);
    });
    createInterface({ input: made.stderr }).on("line", (text) => {
      const clean = hooks.scrub(text);
      stderr = `${stderr}${clean}\n`.slice(-stderrKept);
      hooks.log.note("warn", { process: spec.name, stderr: clean });
    });
    let hasEnded = false;
    const end = (code: number | null, how: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      child = undefined;
      hooks.log.note(isStopping ? "info" : "warn", { process: spec.name, ended: how });
      const failure = new ProcessFailure(spec.name, how, code ?? 1, stderr.trim());
      if (isStopping) return void ready.reject(failure);
      if (!wasReady) return void ready.reject(failure);
      if (code === 2) return hooks.onFatal(failure);
      falls = clock.monotonic() - startedAt > soundMs ? 1 : falls + 1;
      const inMs = Math.min(lastBackoffMs, firstBackoffMs * 2 ** (falls - 1));
      hooks.onRestart(spec.name, how, inMs);
      restart = setTimeout(start, inMs);
    };
    made.once("error", (error) => end(null, error.message));
    // `close` and not `exit`: the last lines of stderr are the reason.
    made.once("close", (code, signal) => end(code, signal ?? `exit code ${code}`));
  };
  start();

  const signal = (what: NodeJS.Signals): void => {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, what);
    } catch {
      // Gone in between.
    }
  };
  return {
    name: spec.name,
    ready: ready.promise,
    get pid() {
      return child?.pid;
    },
    send: (message) => void child?.send(message),
    async stop(graceMs) {
      isStopping = true;
      clearTimeout(restart);
      const ending = child;
      if (ending === undefined) return true;
      const ended = new Promise<void>((resolve) => ending.once("close", () => resolve()));
      signal("SIGTERM");
      let wasKilled = false;
      const timer = setTimeout(() => {
        wasKilled = true;
        signal("SIGKILL");
      }, graceMs);
      await ended;
      clearTimeout(timer);
      return !wasKilled;
    },
    kill() {
      isStopping = true;
      clearTimeout(restart);
      signal("SIGKILL");
    },
  };
}

function parseLine(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
