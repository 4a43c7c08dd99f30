import { fileURLToPath } from "node:url";
import { consoleEnvironment, consoleNodeFlags, producerNodeFlags, workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { type Lane, lanes } from "@mailfleet/core";
import { CliError } from "../cli-error.ts";
import { ProcessFailure, type ProcessHooks, type SupervisedProcess, superviseProcess } from "./supervised-process.ts";
import type { UpOptions } from "./up-options.ts";

/** The entries of the other apps: programs of their own, started and never imported. */
export const roleEntries = {
  producer: fileURLToPath(new URL("../../../producer/src/main.ts", import.meta.url)),
  worker: fileURLToPath(new URL("../../../worker/src/main.ts", import.meta.url)),
  console: fileURLToPath(new URL("../../../console/src/main.ts", import.meta.url)),
  sandbox: fileURLToPath(new URL("../../../../packages/sandbox/src/main.ts", import.meta.url)),
} as const;

/** What a worker serves; `as configured` by `worker.lane`. */
export type WorkerLane = Lane | "as configured";

/** One entry for each worker. @param count with lanes apart of each */
export function workersOf({ workers: count, lanes: how }: Pick<UpOptions, "workers" | "lanes">): readonly WorkerLane[] {
  const each: readonly WorkerLane[] = how === "apart" ? lanes : ["as configured"];
  return Array.from({ length: count }, () => each).flat();
}

export interface RolesOptions {
  readonly config: string;
  readonly producers: number;
  readonly workers: readonly WorkerLane[];
  /** Of `metrics.listen`: the roles take the ports from there on, in the order in which they are started. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly hooks: ProcessHooks;
}

const readyWithinMs = 60_000;

/** Starts producers and workers. The list grows as they start, so that whoever stops early stops all of them. */
export async function startRoles(options: RolesOptions, started: SupervisedProcess[]): Promise<void> {
  const { config, env, cwd, hooks } = options;
  const args = (): readonly string[] => ["--config", config];
  // Of these alone: others may stand in the list already.
  let shown = 0;
  const start = (role: "producer" | "worker", index: number, lane: WorkerLane = "as configured"): void => {
    const laneEnv = lane === "as configured" ? {} : { MAILFLEET_WORKER_LANE: lane };
    const ownEnv = { ...(role === "worker" && workerEnvironment), ...env, ...laneEnv, ...metricsEnvironment(options.metrics, shown++) };
    const nodeFlags = role === "worker" ? workerNodeFlags : producerNodeFlags;
    started.push(
      superviseProcess(
        { name: `${role} ${index + 1}`, file: roleEntries[role], args, env: ownEnv, nodeFlags, cwd, readyBy: "message" },
        hooks,
      ),
    );
  };
  for (let i = 0; i < options.producers; i++) start("producer", i);
  for (const [i, lane] of options.workers.entries()) start("worker", i, lane);
  await Promise.all(started.map((process) => becomeReady(process, hooks)));
}

export interface ConsoleOptions extends Pick<RolesOptions, "config" | "env" | "cwd" | "hooks" | "metrics"> {
  /** Producers and workers, whose ports of metrics come first. */
  readonly roles: number;
  readonly isSandbox: boolean;
  /** What printed commands need besides to reach this fleet. */
  readonly commandOptions: string;
}

/**
 * Starts the console beside the roles. Undefined where it could not start: mail flows without it, and it is tried again.
 * @returns its address
 */
export async function startConsole(options: ConsoleOptions, started: SupervisedProcess[]): Promise<string | undefined> {
  const { config, cwd, hooks, isSandbox, commandOptions } = options;
  const env = { ...consoleEnvironment, ...options.env, ...metricsEnvironment(options.metrics, options.roles) };
  const args = ["--config", config, ...(isSandbox ? ["--sandbox"] : []), ...(commandOptions === "" ? [] : ["--options", commandOptions])];
  const process = superviseProcess(
    { name: "console", file: roleEntries.console, args: () => args, env, nodeFlags: consoleNodeFlags, cwd, readyBy: "message" },
    hooks,
  );
  started.push(process);
  try {
    const { url } = await becomeReady(process, hooks);
    return typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Each role of one machine needs a port of its own. */
function metricsEnvironment(first: RolesOptions["metrics"], index: number): Readonly<Record<string, string>> {
  if (!first) return {};
  const host = first.host.includes(":") ? `[${first.host}]` : first.host;
  return { MAILFLEET_METRICS_LISTEN: `${host}:${first.port === 0 ? 0 : first.port + index}` };
}

export interface SandboxOptions {
  readonly dir: string;
  readonly corpus?: string;
  readonly seed?: string;
  /** No new mail while a pass is counted. */
  readonly isStill: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly hooks: ProcessHooks;
}

/** What the sandbox prints when it is ready, as far as it matters here. */
interface ReadyLine extends Readonly<Record<string, unknown>> {
  readonly configFile: string;
  readonly authority: string;
  readonly imap: { readonly port: number };
  readonly pop3: { readonly port: number };
  readonly tenants: readonly { readonly mailboxes: number; readonly messages: number }[];
}

export interface SandboxFacts {
  readonly configFile: string;
  readonly tenants: number;
  readonly mailboxes: number;
  readonly messages: number;
}

/** Starts the sandbox; its ports stay the same when it has to be started again. */
export async function startSandboxProcess(options: SandboxOptions, started: SupervisedProcess[]): Promise<SandboxFacts> {
  const { dir, corpus, seed, isStill, env, cwd, hooks } = options;
  const given = ["--data-dir", dir];
  if (corpus !== undefined) given.push("--corpus", corpus);
  if (seed !== undefined) given.push("--seed", seed);
  if (isStill) given.push("--trickle", "0");
  let ports: readonly string[] = [];
  const args = (): readonly string[] => [...given, ...ports];
  const process = superviseProcess({ name: "sandbox", file: roleEntries.sandbox, args, env, cwd, readyBy: "line" }, hooks);
  started.push(process);
  const facts = (await becomeReady(process, hooks)) as ReadyLine;
  ports = ["--token-port", new URL(facts.authority).port, "--imap-port", String(facts.imap.port), "--pop3-port", String(facts.pop3.port)];
  const { tenants } = facts;
  return {
    configFile: facts.configFile,
    tenants: tenants.length,
    mailboxes: tenants.reduce((sum, tenant) => sum + tenant.mailboxes, 0),
    messages: tenants.reduce((sum, tenant) => sum + tenant.messages, 0),
  };
}

async function becomeReady(process: SupervisedProcess, hooks: ProcessHooks): Promise<Readonly<Record<string, unknown>>> {
  const late = new AbortController();
  try {
    return await Promise.race([
      process.ready,
      hooks.clock.sleep(readyWithinMs, late.signal).then(() => {
        throw new ProcessFailure(process.name, "no answer", 1, `it was not ready within ${readyWithinMs / 1_000} s`);
      }),
    ]);
  } catch (error) {
    throw error instanceof ProcessFailure ? startFailure(error, process.name, hooks.log.path) : error;
  } finally {
    late.abort();
  }
}

/** Why a role could not start, in its own words. */
export function startFailure(failure: ProcessFailure, name: string, logPath: string): CliError {
  const prefix = `${name}: `;
  // Alone on a terminal a role says who speaks; here the sentence does.
  const said = failure.reason.startsWith(prefix) ? failure.reason.slice(prefix.length) : failure.reason;
  const reason = said === "" ? failure.message : said;
  const first = reason.split("\n")[0] ?? reason;
  return new CliError(failure.exitCode === 2 ? 2 : 1, {
    code: "START_FAILED",
    what: `The ${name} could not start: ${reason.split("\n").length > 6 ? first : reason.replaceAll("\n", "\n  ")}`,
    next: "Everything that was started is stopped again. Nothing is lost.",
    todo: [`Its log: ${logPath}`],
  });
}
