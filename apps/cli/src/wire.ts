import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { connectFleet, type Fleet, silentLog } from "@mailfleet/checks/fleet";
import { type Config, type ConfigProblem, type ConfigWarning, type Environment, formatProblems, loadConfig } from "@mailfleet/config";
import { isSyncError, type Sharded, sharded, shellWord } from "@mailfleet/core";
import { openMessagesQueue } from "@mailfleet/queue";
import { describeTarget, type OpenShard, readPrivateRedis } from "@mailfleet/store";
import type { Cli } from "./cli.ts";
import { type CallOptions, CliError } from "./cli-error.ts";
import { givenOptions } from "./common-options.ts";
import { isProcessAlive } from "./up/data-lock.ts";

/** What `up` leaves in its data folder for the other verbs: which world runs there. */
export interface RunningWorld {
  /** Process of `up`. */
  readonly pid: number;
  readonly config: string;
  /** Environment variables that go with the configuration. */
  readonly env: Readonly<Record<string, string>>;
}

export function worldFile(dataDir: string): string {
  return path.join(dataDir, "running.json");
}

export interface LocatedConfig {
  readonly config: Config;
  /** What does not stop a start; it was told on stderr. */
  readonly warnings: readonly ConfigWarning[];
  readonly file: string;
  readonly isSandbox: boolean;
}

/**
 * The configuration that a verb is about: `--config`, else the sandbox that runs here, else ./mailfleet.yaml.
 * @throws CliError 2 with all problems
 */
export function locateConfig(cli: Cli, options: { readonly config?: string; readonly data?: string }): LocatedConfig {
  const dataEnv: Environment = options.data === undefined ? {} : { MAILFLEET_DATA_DIR: path.resolve(cli.cwd, options.data) };
  if (options.config !== undefined) {
    return { ...readChecked(cli, options.config, { ...cli.env, ...dataEnv }), file: options.config, isSandbox: false };
  }
  const world = readWorld(path.resolve(cli.cwd, options.data ?? ".mailfleet"));
  if (world !== undefined) {
    return { ...readChecked(cli, world.config, { ...cli.env, ...world.env }), file: world.config, isSandbox: true };
  }
  if (existsSync(path.join(cli.cwd, "mailfleet.yaml"))) {
    return { ...readChecked(cli, "mailfleet.yaml", { ...cli.env, ...dataEnv }), file: "mailfleet.yaml", isSandbox: false };
  }
  throw new CliError(2, {
    code: "NO_CONFIG",
    what: "No sandbox runs here, and there is no mailfleet.yaml in this folder.",
    todo: [{ say: "Start the sandbox", run: "up" }, "or name your configuration: --config FILE"],
  });
}

/** Of a call, for commands that are printed. */
export function callOptions(cwd: string, options: { readonly config?: string; readonly data?: string }): CallOptions {
  const given = givenOptions(options);
  const isFound =
    options.config === undefined &&
    readWorld(path.resolve(cwd, options.data ?? ".mailfleet")) === undefined &&
    existsSync(path.join(cwd, "mailfleet.yaml"));
  return { given, start: isFound ? ` --config mailfleet.yaml${given}` : given };
}

/** Where `up` logs that runs the fleet which a verb is about: its data folder, or the one around it where that is a sandbox's. */
export function logFolder(cwd: string, options: { readonly config?: string; readonly data?: string }, { dataDir }: Config): string {
  const folder = path.resolve(cwd, options.data ?? ".mailfleet");
  return options.config === undefined && readWorld(folder) !== undefined ? folder : dataDir;
}

function readWorld(dataDir: string): RunningWorld | undefined {
  try {
    const world = JSON.parse(readFileSync(worldFile(dataDir), "utf8")) as RunningWorld;
    return isProcessAlive(world.pid) ? world : undefined;
  } catch {
    return undefined;
  }
}

/** @throws CliError 2 with all problems at once; warnings go to stderr */
export function readConfig(cli: Cli, file: string, env: Environment): Config {
  return readChecked(cli, file, env).config;
}

function readChecked(cli: Cli, file: string, env: Environment): Pick<LocatedConfig, "config" | "warnings"> {
  const loaded = loadConfig({ file, env, cwd: cli.cwd });
  const { terminal } = cli;
  if (!loaded.ok) {
    const { problems } = loaded;
    const todo = configTodo(problems, file);
    throw new CliError(
      2,
      {
        code: "CONFIG_INVALID",
        what: `${file} has ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}. Nothing was started.`,
        todo,
        problems,
      },
      [formatProblems(problems, file, terminal.paint("yours", terminal.marks.yours)), ...todo.map((text) => `  ${text}`)].join("\n"),
    );
  }
  for (const { path: where, found, expected } of loaded.warnings) {
    terminal.err(`${terminal.paint("look", terminal.marks.look)} ${where} ${found}${expected === undefined ? "" : `; ${expected}`}\n`);
  }
  return { config: loaded.config, warnings: loaded.warnings };
}

/** What the operator can do, with commands to paste. */
function configTodo(problems: readonly ConfigProblem[], file: string): string[] {
  if (problems.some(({ path: where, found }) => where === "" && found.startsWith("the file cannot be read"))) {
    return ["Name the one that is there: --config FILE", "or start the sandbox, which needs none: npx mailfleet up"];
  }
  const secrets = problems.flatMap(({ path: where, found }) => {
    const name = where.endsWith(".secretFile") ? /^is "([\w./-]+)", and there is no such file$/.exec(found)?.[1] : undefined;
    return name === undefined ? [] : [path.isAbsolute(name) ? name : path.join(path.dirname(file), name)];
  });
  return [
    ...secrets.map((name) => `Write the secret, and end with Ctrl-D: install -m 600 /dev/stdin ${shellWord(name)}`),
    `${problems.length > secrets.length ? "Mend it, and check it" : "Check it"}: npx mailfleet doctor --config ${shellWord(file)}`,
  ];
}

/** What `open` makes of each shard, and how to close all of it. */
export async function eachShard<T>(
  { shards }: Fleet,
  open: (shard: OpenShard, queue: MessagesQueue) => Promise<T> | T,
): Promise<{ readonly parts: Sharded<T>; close(): Promise<void> }> {
  const queues = shards.map(({ connection, keys }) => openMessagesQueue({ connection, keys, log: silentLog }));
  const close = async (): Promise<void> => void (await Promise.allSettled(queues.map((queue) => queue.close())));
  try {
    const parts = await Promise.all(shards.map((shard, i) => open(shard, queues[i] as MessagesQueue)));
    return { parts: sharded(parts), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type MessagesQueue = ReturnType<typeof openMessagesQueue>;

/** @throws CliError 1 when nothing runs, SyncError REDIS_UNAVAILABLE */
export async function openFleet(config: Config): Promise<Fleet> {
  const target = config.redis ?? readPrivateRedis(path.join(config.dataDir, "redis"));
  if (target === undefined) throw notRunning(`No Redis is configured, and none was ever started in ${config.dataDir}.`);
  try {
    return await connectFleet(config, target, silentLog);
  } catch (error) {
    if (config.redis !== undefined || (isSyncError(error) && error.failure.code === "CONFIG_INVALID")) throw error;
    throw notRunning(`The private Redis of ${config.dataDir} does not run (${describeTarget(target)}).`);
  }
}

function notRunning(what: string): CliError {
  return new CliError(1, {
    code: "NOT_RUNNING",
    what,
    next: "mailfleet does not run here, so there is nothing to show. What was handed off is kept.",
    todo: [{ say: "Start it", run: "up" }],
  });
}
