import { readFileSync } from "node:fs";
import path from "node:path";
import { openSandboxControl, type SandboxControl, SandboxControlError } from "@mailfleet/sandbox/control";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { worldFile } from "./wire.ts";

export interface ControlOptions {
  /** mailfleet's own folder. */
  readonly data?: string;
  /** The sandbox's folder. */
  readonly dataDir?: string;
}

/**
 * The sandbox that `--data-dir` names, else that of `up`, else the one alone, each in its usual folder. Its requests throw CliError 2 with
 * the sandbox's own problems, 1 where it does not answer.
 * @throws CliError 2 where none runs
 */
export function findSandbox(cli: Cli, options: ControlOptions): SandboxControl {
  const data = path.resolve(cli.cwd, options.data ?? ".mailfleet");
  const dirs =
    options.dataDir === undefined ? [...upDirs(data), path.join(data, "sandbox-alone")] : [path.resolve(cli.cwd, options.dataDir)];
  for (const dir of dirs) {
    const found = openSandboxControl(dir);
    if (found) return { dir, request: (method, route, body) => found.request(method, route, body).catch(refuse) };
  }
  throw new CliError(2, {
    code: "NO_SANDBOX",
    what: `No sandbox runs ${options.dataDir === undefined ? "in ./.mailfleet" : `in ${options.dataDir}`}.`,
    next: "Nothing was changed.",
    todo: ["Start one: npx mailfleet up, or alone: npx mailfleet sandbox", "or name the folder of one that runs: --data-dir DIR"],
  });
}

function upDirs(data: string): readonly string[] {
  try {
    const { config } = JSON.parse(readFileSync(worldFile(data), "utf8")) as { readonly config?: unknown };
    return typeof config === "string" ? [path.dirname(config)] : [];
  } catch {
    return [];
  }
}

function refuse(error: unknown): never {
  if (!(error instanceof SandboxControlError)) throw error;
  if (error.kind === "refused") throw orderError(error.message, error.problems);
  throw new CliError(1, { code: "SANDBOX_UNREACHABLE", what: error.message, next: "Nothing was changed, as far as is known." });
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
