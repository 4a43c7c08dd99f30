import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { workerNodeFlags } from "@mailfleet/runtime";
import { type RunningRedis, startRedis } from "@mailfleet/testkit/servers";

export interface FleetOptions {
  readonly configFile: string;
  readonly dir: string;
  readonly redisPort: number;
  readonly producers: number;
  readonly workers: number;
}

/** How much of a process' output is kept for a report. */
const tailLength = 4_000;
/** A role that cannot start, because Redis is away, is tried again after this. */
const restartMs = 300;

/** One place in the fleet: whoever dies there is replaced. */
export class SupervisedRole {
  readonly name: string;
  readonly #role: "producer" | "worker";
  readonly #options: FleetOptions;
  #child: ChildProcess | undefined;
  #isStopping = false;
  #isPaused = false;
  isReady = false;
  output = "";

  constructor(role: "producer" | "worker", serial: number, options: FleetOptions) {
    this.name = `${role}-${serial}`;
    this.#role = role;
    this.#options = options;
    this.#start();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  kill(): void {
    this.isReady = false;
    this.#child?.kill("SIGKILL");
  }

  pause(): void {
    this.#isPaused = true;
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#isPaused = false;
    this.#child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  #start(): void {
    const root = join(import.meta.dirname, "../..");
    const flags = this.#role === "worker" ? workerNodeFlags : [];
    const child = spawn(process.execPath, [...flags, join(root, `apps/${this.#role}/src/main.ts`), "--config", this.#options.configFile], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: join(this.#options.dir, "compile-cache"),
      },
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => void (this.output = (this.output + chunk.toString()).slice(-tailLength));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("message", () => void (this.isReady = true));
    child.once("exit", () => {
      this.isReady = false;
      this.#isPaused = false;
      if (!this.#isStopping) setTimeout(() => this.#isStopping || this.#start(), restartMs);
    });
  }
}

/** Redis on a folder and port of its own, so that it can be killed and started again on its AOF. */
export class MortalRedis {
  readonly #dir: string;
  readonly #port: number;
  #server: RunningRedis | undefined;

  constructor(dir: string, port: number) {
    this.#dir = join(dir, "redis");
    this.#port = port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = await startRedis({ shared: false, dir: this.#dir, port: this.#port });
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}
