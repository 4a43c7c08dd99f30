import { execFile, spawnSync } from "node:child_process";
import { root } from "../e2e/fleet.ts";

export interface CommandEnd {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

/** Of a whole fleet's logs, or a volume as an archive. */
const mostBytes = 256 * 1024 * 1024;
/** `up` waits for the health checks of what it starts; nothing but a build takes longer. */
const commandMs = 180_000;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is killed. */
  readonly limitMs?: number;
}

/** The engine's command line, as a person calls it. */
export function docker(args: readonly string[], { env = {}, limitMs = commandMs }: CommandOptions = {}): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...env }, maxBuffer: mostBytes, timeout: limitMs };
    execFile("docker", args, options, (error, out, err) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? error.message), out, err });
    });
  });
}

/** @throws Error with what the engine said */
export async function mustDocker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, out, err } = await docker(args, options);
  if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}:\n${err.slice(-4_000)}`);
  return out.trim();
}

/** docker-compose.yml with what tests add, under a name of its own, so that projects do not meet. */
export class ComposeProject {
  readonly name: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #files: readonly string[];

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#env = env;
    this.#files = ["compose", "-p", name, "-f", "docker-compose.yml", "-f", "test/compose/outside.yml", "--profile", "sandbox"];
  }

  /** Whatever comes of it. */
  try(...args: readonly string[]): Promise<CommandEnd> {
    return docker([...this.#files, ...args], { env: this.#env });
  }

  /** @returns what it wrote to stdout. @throws Error */
  run(...args: readonly string[]): Promise<string> {
    return mustDocker([...this.#files, ...args], { env: this.#env });
  }

  /** All that is not up yet, and as many workers as said. */
  async up(workers: number): Promise<void> {
    await this.run("up", "--detach", "--no-build", "--scale", `worker=${workers}`);
  }

  /** Ids of the service's containers that run. */
  async containers(service: string): Promise<readonly string[]> {
    const ids = await this.run("ps", "--quiet", "--status", "running", service);
    return ids.split("\n").filter((id) => id !== "");
  }

  /** In the first container of the service; its stdout. */
  async exec(service: string, ...command: readonly string[]): Promise<string> {
    const [first = service] = await this.containers(service);
    return mustDocker(["exec", first, ...command]);
  }

  /** `127.0.0.1:PORT` that leads to a port of the service. */
  address(service: string, port: number): Promise<string> {
    return this.run("port", service, String(port));
  }

  logs(...more: readonly string[]): string {
    const { stdout } = spawnSync("docker", [...this.#files, "logs", "--no-color", ...more], {
      cwd: root,
      env: { ...process.env, ...this.#env },
      maxBuffer: mostBytes,
    });
    return stdout.toString();
  }

  /** With its volumes. */
  async remove(): Promise<void> {
    await this.run("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5");
  }
}

/** What the engine knows of a container, as far as tests look. */
export interface ContainerState {
  readonly RestartCount: number;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly Gateway: string }>> };
  readonly State: {
    readonly Status: string;
    /** On the engine's machine. */
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
}

export async function inspect(id: string): Promise<ContainerState> {
  const [state] = JSON.parse(await mustDocker(["inspect", id])) as readonly ContainerState[];
  if (state === undefined) throw new Error(`no container ${id}`);
  return state;
}
