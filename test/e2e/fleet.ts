import { type ChildProcess, spawn, type SpawnOptionsWithStdioTuple } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path, { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { type MailEvent, redisKeys } from "@mailfleet/core";
import { searchText } from "@mailfleet/testkit";

export const root = join(import.meta.dirname, "../..");
const corpusDir = join(root, "../shared/corpus");

export interface Role {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Without what came on stderr. */
  readonly stdout: () => string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  stop(): Promise<number | string>;
}

/**
 * Any of our programs as a process, with an environment of its own.
 * @param limits as `ulimit` takes them, such as `-f 1` for files of 1 KiB at most or `-n 64` for 64 open ones
 */
export function startProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}, limits?: string): Role {
  const options: SpawnOptionsWithStdioTuple<"ignore", "pipe", "pipe"> = {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env },
    cwd: root,
  };
  const child =
    limits === undefined
      ? spawn(process.execPath, args, options)
      : spawn("bash", ["-c", `ulimit ${limits}; exec "$0" "$@"`, process.execPath, ...args], options);
  let text = "";
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise<number | string>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? "?")));
  const ended = closed.then((code) => {
    searchText(`output of ${args.map((arg) => path.basename(arg)).join(" ")}`, text);
    return code;
  });
  return {
    process: child,
    output: () => text,
    stdout: () => out,
    ended,
    stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      return ended;
    },
  };
}

export const startRole = (role: "producer" | "worker", config: string): Role =>
  startProgram([join(root, `apps/${role}/src/main.ts`), "--config", config]);

/** Waits for a state, with a limit; the message says what was the state when the limit was reached. */
export async function until<T>(
  look: () => Promise<T>,
  isReached: (state: T) => boolean,
  limitMs: number,
  also = (): string => "",
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const state = await look();
    if (isReached(state)) return state;
    if (performance.now() > deadline)
      throw new Error(`not reached within ${limitMs} ms: ${JSON.stringify(state)}\n${also().slice(-4_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every event in the `messages` queue, whatever its state. */
export async function readEvents(redisUrl: string, name?: string): Promise<MailEvent[]> {
  const { hostname, port, password } = new URL(redisUrl);
  const connection = { host: hostname, port: Number(port || 6379), ...(password && { password: decodeURIComponent(password) }) };
  const queue = new Queue("messages", { connection, prefix: redisKeys(name).bullPrefix });
  try {
    const jobs = await queue.getJobs(["waiting", "active", "delayed", "failed"], 0, -1, true);
    return jobs.map((job) => job.data as MailEvent);
  } finally {
    await queue.close();
  }
}

export interface FleetSums {
  readonly listed: number;
  readonly handedOff: number;
  readonly quarantined: number;
  readonly toDo: number;
}

export async function readSums(redis: Redis, name?: string): Promise<FleetSums> {
  const [listed, handedOff, quarantined, toDo] = (await redis.hmget(redisKeys(name).fleetLedger, "l", "h", "q", "t")).map(Number);
  return { listed: listed ?? 0, handedOff: handedOff ?? 0, quarantined: quarantined ?? 0, toDo: toDo ?? 0 };
}

/**
 * Mail for a test: the shared corpus where it lies beside the checkout, else messages made here, so that the test tests the same either way.
 */
export async function readMail(part: "real" | "hard", fallbackCount: number): Promise<Buffer[]> {
  const dir = join(corpusDir, part);
  if (!existsSync(dir)) return Array.from({ length: fallbackCount }, (_, i) => inventedMail(i));
  const names = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith(".eml")).sort();
  return Promise.all(names.map((name) => readFile(join(dir, name))));
}

function inventedMail(n: number): Buffer {
  const lines = [
    `From: =?utf-8?q?J=C3=BCrgen?= <sender${n}@mail.example>`,
    "To: support@contoso.example",
    `Subject: message ${n}`,
    `Message-ID: <${n}@mail.example>`,
    "Date: Mon, 23 Nov 2026 14:03:22 +0000",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    `Größe ${"x".repeat(n % 5_000)}`,
    "",
  ];
  return Buffer.from(lines.join("\n"));
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
