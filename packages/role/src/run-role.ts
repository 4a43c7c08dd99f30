import { parseArgs } from "node:util";
import { type Config, type ConfigWarning, type Environment, formatProblems, loadConfig, secretsOf } from "@mailfleet/config";
import { growingScrubber, isSyncError, type Log } from "@mailfleet/core";
import { programVersion, stopSignals, systemChance, systemClock } from "@mailfleet/runtime";
import { closeShards, type OpenShard } from "@mailfleet/store";
import { createLog, type ProcessLog } from "@mailfleet/telemetry";
import { awaitRedis } from "./await-redis.ts";
import { openPanel, type RolePanel } from "./role-panel.ts";

/** A program of the fleet: what is its own of it. `Ahead` is what it begins before Redis is asked. */
export interface Role<Ahead> {
  readonly name: "producer" | "worker" | "console";
  /** Of its package.json, for the version. */
  readonly manifest: URL;
  /** Whether its first start writes down how many shards the fleet has. */
  readonly marksShards: boolean;
  /** Arguments beside `--config`. */
  readonly options?: Readonly<Record<string, { readonly type: "string" | "boolean" }>>;
  /** Begins what needs no Redis and takes its time. A start that ends before `begin` leaves it to the end of the process. */
  ahead(config: Config): Ahead;
  /** Resolves once it is at work. A stop meanwhile ends the process without waiting for it. */
  begin(start: RoleStart, ahead: Ahead): Promise<RunningRole>;
}

/** What a role has when it begins: Redis answers, and may be used. */
export interface RoleStart {
  readonly config: Config;
  /** Where it was read, as `--config` names it. */
  readonly file: string;
  /** Of the configuration. */
  readonly warnings: readonly ConfigWarning[];
  readonly given: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly log: Log;
  readonly scrub: (text: string) => string;
  /** Told of secrets that are read later than the configuration. */
  readonly hide: (secret: string) => void;
  readonly shards: readonly OpenShard[];
  readonly panel: RolePanel;
}

export interface RunningRole {
  /** For the line that says that it started. */
  readonly facts?: object;
  /** For the parent that started it, beside that it is ready. */
  readonly tells?: object;
  /** Settles only if it ends without being asked; a rejection ends the process. */
  readonly ended?: Promise<unknown>;
  /** Ends in bounded time whatever Redis does. @returns fields for the last line of the log */
  stop(why: string): Promise<object>;
}

/**
 * Runs a role from its arguments to its end: configuration, log, metrics and health, Redis, signals.
 * @returns the exit code: 0 stopped, 1 failed, 2 bad usage or configuration
 */
export async function runRole<Ahead>(role: Role<Ahead>, env: Environment): Promise<number> {
  const given = readArguments(role);
  if (given === undefined) return 2;
  const file = typeof given["config"] === "string" ? given["config"] : "mailfleet.yaml";
  const loaded = loadConfig({ file, env, cwd: process.cwd() });
  if (!loaded.ok) return complain(formatProblems(loaded.problems, file));
  const signals = stopSignals({ leaveInterrupt: env["MAILFLEET_MANAGED"] === "1" });
  const { scrub, hide } = growingScrubber(secretsOf(loaded.config));
  const base = { role: role.name, pid: process.pid };
  const log = createLog({
    level: "info",
    destination: process.stdout,
    scrub,
    mailboxes: loaded.config.log.mailboxes,
    clock: systemClock,
    base,
  });
  try {
    return await serve(role, { ...loaded, file, given, env, log, scrub, hide }, log, signals.asked);
  } catch (error) {
    if (!isSyncError(error)) throw error;
    log.error({ code: error.failure.code }, `${role.name} failed`);
    complain(error.message);
    return error.failure.code === "CONFIG_INVALID" ? 2 : 1;
  } finally {
    await log.close();
  }
}

async function serve<Ahead>(
  role: Role<Ahead>,
  parts: Omit<RoleStart, "shards" | "panel">,
  log: ProcessLog,
  stop: Promise<string>,
): Promise<number> {
  const { config } = parts;
  const panel = await openPanel(config, log, { role: role.name, version: programVersion(role.manifest) });
  const ahead = role.ahead(config);
  const starting = awaitRedis({
    config,
    marksShards: role.marksShards,
    clock: systemClock,
    chance: systemChance,
    log,
    onAway: panel.waitsFor,
  }).then(async ({ shards, version }) => ({ shards, version, running: await role.begin({ ...parts, shards, panel }, ahead) }));
  // A Redis that is away, or freezes in between, would hold the start, and with it the stop, for ever.
  const started = await Promise.race([starting, stop]);
  if (typeof started === "string") {
    log.info({ why: started, began: false }, `${role.name} stopped`);
    return 0;
  }
  const { shards, version, running } = started;
  log.info({ redis: version, ...running.facts }, `${role.name} started`);
  process.send?.({ ...running.tells, type: "ready" });
  const why = await Promise.race([stop, ...(running.ended ? [running.ended.then(() => "failure")] : [])]);
  const fields = await running.stop(why);
  panel.close();
  closeShards(shards);
  log.info({ why, ...fields }, `${role.name} stopped`);
  return 0;
}

/** Undefined where they are wrong, which is said. */
function readArguments(role: Pick<Role<unknown>, "name" | "options">): Readonly<Record<string, unknown>> | undefined {
  try {
    return parseArgs({ options: { config: { type: "string" }, ...role.options } }).values;
  } catch (error) {
    const more = Object.entries(role.options ?? {}).map(([name, { type }]) => ` [--${name}${type === "string" ? " TEXT" : ""}]`);
    complain(
      `${error instanceof Error ? error.message : "The arguments are wrong."}\nUsage: ${role.name} [--config mailfleet.yaml]${more.join("")}`,
    );
    return undefined;
  }
}

function complain(words: string): 2 {
  process.stderr.write(`${words}\n`);
  return 2;
}
