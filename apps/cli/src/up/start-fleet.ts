import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Config, type Environment, identityVariables, secretsOf } from "@mailfleet/config";
import { createScrubber } from "@mailfleet/core";
import { shareCompiledCode, systemClock } from "@mailfleet/runtime";
import type { Cli } from "../cli.ts";
import { givenOptions } from "../common-options.ts";
import { CliError } from "../cli-error.ts";
import { readConfig, type RunningWorld, worldFile } from "../wire.ts";
import { childEnvironment, recordEnvironment } from "./child-env.ts";
import { lockDataDir } from "./data-lock.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { type RedisService, startRedisService } from "./redis-service.ts";
import { startConsole, startRoles, startSandboxProcess, type SandboxFacts, workersOf } from "./start-roles.ts";
import type { ProcessFailure, ProcessHooks, SupervisedProcess } from "./supervised-process.ts";
import type { UpOptions } from "./up-options.ts";
import { claimName, worldDir } from "./world.ts";

export interface FleetHooks {
  readonly onRestart: ProcessHooks["onRestart"];
  readonly onFatal: (failure: ProcessFailure) => void;
  readonly onLine: (fields: Readonly<Record<string, unknown>>) => void;
  /** Redis is there and the roles are not started yet: the moment to look at what is known. */
  readonly beforeRoles: (parts: { readonly config: Config; readonly redis: RedisService }) => Promise<void>;
}

/** Everything that `up` runs, and how to end it. */
export interface RunningFleet {
  readonly config: Config;
  readonly redis: RedisService;
  readonly log: LogFile;
  readonly sandbox: SandboxFacts | undefined;
  readonly dataDir: string;
  /** The console's address; absent where none was wanted or it could not start. */
  readonly console: string | undefined;
  /** Roles first: they drain into Redis. True when all ended in time. */
  stop(): Promise<boolean>;
  /** SIGKILL for all; the private Redis still writes its file. */
  kill(): Promise<void>;
}

const drainMs = 9_000;
const sandboxStopMs = 2_000;

/**
 * Starts sandbox, Redis, producers and workers, each when what it needs is ready. When one cannot start, all are stopped again.
 * @throws CliError
 */
export async function startFleet(cli: Cli, options: UpOptions, hooks: FleetHooks): Promise<RunningFleet> {
  const environment = recordEnvironment(cli.env);
  const given = options.config === undefined ? undefined : readConfig(cli, options.config, withData(environment.env, cli, options));
  const dataDir = given?.dataDir ?? path.resolve(cli.cwd, options.data ?? ".mailfleet");
  const corpus = options.corpus === undefined ? undefined : path.resolve(cli.cwd, options.corpus);
  const choice = { dataDir, ...(corpus !== undefined && { corpus }), ...(options.seed !== undefined && { seed: options.seed }) };
  const world = given === undefined ? worldDir(choice) : dataDir;
  makeFolders(dataDir, world);
  const unlock = lockDataDir(dataDir);
  const log = openLogFile(path.join(dataDir, "mailfleet.log"), () => systemClock.now());
  const roles: SupervisedProcess[] = [];
  const sandboxes: SupervisedProcess[] = [];
  let redis: RedisService | undefined;
  let scrub = createScrubber([], { maxLength: 1_000 });
  const processHooks: ProcessHooks = {
    ...hooks,
    clock: systemClock,
    log,
    scrub: (text) => scrub(text),
  };

  const stopAll = async (): Promise<boolean> => {
    const inTime = await Promise.all(roles.map((role) => role.stop(drainMs)));
    await Promise.all(sandboxes.map((one) => one.stop(sandboxStopMs)));
    await redis?.stop();
    rmSync(worldFile(dataDir), { force: true });
    await log.close();
    unlock();
    return inTime.every(Boolean);
  };

  try {
    const managed = { MAILFLEET_MANAGED: "1", NODE_COMPILE_CACHE: shareCompiledCode(path.join(dataDir, "compile-cache")) };
    let config = given;
    let file = options.config ?? "";
    const roleEnv: Record<string, string> = given === undefined ? { MAILFLEET_DATA_DIR: world } : dataVariable(cli, options);
    let sandbox: SandboxFacts | undefined;
    if (config === undefined) {
      const env = childEnvironment(cli.env, [], managed);
      sandbox = await startSandboxProcess(
        { ...choice, dir: path.join(world, "sandbox"), isStill: options.once === true, env, cwd: cli.cwd, hooks: processHooks },
        sandboxes,
      );
      file = sandbox.configFile;
      config = readConfig(cli, file, overlay(environment.env, roleEnv));
    }
    scrub = createScrubber(secretsOf(config), { maxLength: 1_000 });
    redis = await startRedisService({ config, clock: systemClock, searchPath: cli.env["PATH"] ?? "" });
    if (sandbox !== undefined && !redis.isPrivate && !cli.env["MAILFLEET_NAME"]) {
      const name = await claimName(redis.fleet.first.redis, world);
      if (name !== config.name) {
        roleEnv["MAILFLEET_NAME"] = name;
        config = readConfig(cli, file, overlay(environment.env, roleEnv));
        await redis.stop();
        redis = await startRedisService({ config, clock: systemClock, searchPath: cli.env["PATH"] ?? "" });
      }
    }
    if (sandbox !== undefined) rememberWorld(dataDir, { pid: process.pid, config: file, env: roleEnv });
    await hooks.beforeRoles({ config, redis });
    const env = childEnvironment(cli.env, [...environment.used(), ...identityNames(config)], { ...roleEnv, ...managed });
    const { producers } = options;
    const workers = workersOf(options);
    const metrics = config.metrics?.listen;
    const common = { config: path.resolve(cli.cwd, file), env, cwd: cli.cwd, hooks: processHooks };
    const isShown = options.console !== false && options.once !== true;
    const [url] = await Promise.all([
      isShown
        ? startConsole(
            {
              ...common,
              metrics,
              roles: producers + workers.length,
              isSandbox: sandbox !== undefined,
              commandOptions: givenOptions(options),
            },
            roles,
          )
        : undefined,
      startRoles({ ...common, workers, producers, metrics }, roles),
    ]);
    return {
      config,
      redis,
      log,
      sandbox,
      dataDir,
      console: url,
      stop: stopAll,
      async kill() {
        for (const role of [...roles, ...sandboxes]) role.kill();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll().catch(() => undefined);
    throw error;
  }
}

function makeFolders(dataDir: string, world: string): void {
  try {
    mkdirSync(world, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CliError(2, {
      code: "DATA_DIR",
      what: `The data folder ${dataDir} cannot be made (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`,
      next: "Nothing was started.",
      todo: ["Name a folder that mailfleet may write to: --data DIR"],
    });
  }
}

function dataVariable(cli: Cli, options: UpOptions): Record<string, string> {
  return options.data === undefined ? {} : { MAILFLEET_DATA_DIR: path.resolve(cli.cwd, options.data) };
}

function withData(env: Environment, cli: Cli, options: UpOptions): Environment {
  return overlay(env, dataVariable(cli, options));
}

/** Keeps `env` the one that is asked, so that what is asked for is still recorded. */
function overlay(env: Environment, more: Readonly<Record<string, string>>): Environment {
  return new Proxy(env, {
    get: (target, name) => (typeof name === "string" && Object.hasOwn(more, name) ? more[name] : (Reflect.get(target, name) as unknown)),
  });
}

function rememberWorld(dataDir: string, world: RunningWorld): void {
  writeFileSync(worldFile(dataDir), `${JSON.stringify(world)}\n`, { mode: 0o600 });
}

/** Where Azure says who gives tokens to its machines' identities: only where a tenant has one. */
function identityNames({ tenants }: Config): readonly string[] {
  const hasIdentity = Object.values(tenants).some((tenant) =>
    [tenant.credential, tenant.nextCredential].some((credential) => credential?.kind === "managedIdentity"),
  );
  return hasIdentity ? identityVariables : [];
}
