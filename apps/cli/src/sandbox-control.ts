import { readFileSync } from "node:fs";
import path from "node:path";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { isProcessAlive } from "./up/data-lock.ts";
import { worldFile } from "./wire.ts";

/** The control API of a sandbox that runs on this machine. */
export interface SandboxControl {
  /** Where the sandbox's files are, absolute. */
  readonly dir: string;
  /** The body of a good answer. @throws CliError 2 with the sandbox's own problems, 1 if it does not answer */
  request(method: "GET" | "POST" | "DELETE", route: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
}

export interface ControlOptions {
  /** mailfleet's own folder. */
  readonly data?: string;
  /** The sandbox's folder. */
  readonly dataDir?: string;
}

const patienceMs = 10_000;

/**
 * The sandbox that `--data-dir` names, else that of `up`, else the one alone, each in its usual folder.
 * @throws CliError 2 where none runs
 */
export function findSandbox(cli: Cli, options: ControlOptions): SandboxControl {
  const data = path.resolve(cli.cwd, options.data ?? ".mailfleet");
  const dirs =
    options.dataDir === undefined ? [...upDirs(data), path.join(data, "sandbox-alone")] : [path.resolve(cli.cwd, options.dataDir)];
  for (const dir of dirs) {
    const found = readControl(path.join(dir, "control.json"));
    if (found) return { dir, request: (method, route, body) => ask(found, method, route, body) };
  }
  throw new CliError(2, {
    code: "NO_SANDBOX",
    what: `No sandbox runs ${options.dataDir === undefined ? "in ./.mailfleet" : `in ${options.dataDir}`}.`,
    next: "Nothing was changed.",
    todo: ["Start one: npx mailfleet up, or alone: npx mailfleet sandbox", "or name the folder of one that runs: --data-dir DIR"],
  });
}

interface Control {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
}

function upDirs(data: string): readonly string[] {
  const config = readObject(worldFile(data))?.["config"];
  return typeof config === "string" ? [path.dirname(config)] : [];
}

/** Undefined where there is none, or the process that wrote it is gone. */
function readControl(file: string): Control | undefined {
  const { url, token, pid } = readObject(file) ?? {};
  if (typeof url !== "string" || typeof token !== "string" || typeof pid !== "number") return undefined;
  // What a crash left, or somebody's else: the token goes to this machine only.
  return isProcessAlive(pid) && /^http:\/\/127\.0\.0\.1:[0-9]+$/.test(url) ? { url, token, pid } : undefined;
}

function readObject(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

async function ask(control: Control, method: string, route: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
  let response: Response;
  let answer: Readonly<Record<string, unknown>>;
  try {
    response = await fetch(`${control.url}${route}`, {
      method,
      headers: { authorization: `Bearer ${control.token}` },
      redirect: "error",
      signal: AbortSignal.timeout(patienceMs),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    answer = (await response.json()) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const code = error instanceof Error ? ((error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.name) : "unknown";
    throw new CliError(1, {
      code: "SANDBOX_UNREACHABLE",
      what: `The sandbox with process id ${String(control.pid)} does not answer (${code}).`,
      next: "Nothing was changed, as far as is known.",
    });
  }
  if (response.ok) return answer;
  const problems = Array.isArray(answer["problems"]) ? answer["problems"].map(String) : [`HTTP ${String(response.status)}`];
  throw orderError("The sandbox does not take that.", problems);
}

/** All that is wrong with what was ordered, at once. */
export function orderError(what: string, problems: readonly string[]): CliError {
  return new CliError(2, {
    code: "FAULT_ORDER",
    what: `${what}${problems.map((problem) => `\n  ${problem}`).join("")}`,
    next: "Nothing was changed.",
    todo: ["All faults and their parameters: npx mailfleet sandbox fault list"],
    problems: problems.map((problem) => ({ problem })),
  });
}
