import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlFile } from "./control-file.ts";

/** The control API of a sandbox that runs on this machine, for other programs on it. */
export interface SandboxControl {
  /** Where the sandbox's files are, absolute. */
  readonly dir: string;
  /** The body of a good answer. @throws SandboxControlError */
  request(method: "GET" | "POST" | "DELETE", route: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
}

/** `refused`: with all that was wrong, and nothing was changed. `unreachable`: it does not answer. */
export class SandboxControlError extends Error {
  override readonly name = "SandboxControlError";
  readonly kind: "refused" | "unreachable";
  readonly problems: readonly string[];

  constructor(kind: "refused" | "unreachable", message: string, problems: readonly string[] = []) {
    super(message);
    this.kind = kind;
    this.problems = problems;
  }
}

/** It answers from memory, on this machine: what takes longer hangs. */
const patienceMs = 10_000;

/** The sandbox whose files lie in a folder; undefined where there is none, or the process that wrote them is gone. @param dir absolute */
export function openSandboxControl(dir: string): SandboxControl | undefined {
  const found = readControl(join(dir, "control.json"));
  return found && { dir, request: (method, route, body) => ask(found, method, route, body) };
}

function readControl(file: string): ControlFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  const { url, token, pid } = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (typeof url !== "string" || typeof token !== "string" || typeof pid !== "number") return undefined;
  // What a crash left, or somebody else's: the token goes to this machine only.
  return isAlive(pid) && /^http:\/\/127\.0\.0\.1:[0-9]+$/.test(url) ? { url, token, pid } : undefined;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 2) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function ask(control: ControlFile, method: string, route: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
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
    throw new SandboxControlError("unreachable", `The sandbox with process id ${String(control.pid)} does not answer (${code}).`);
  }
  if (response.ok) return answer;
  const problems = Array.isArray(answer["problems"]) ? answer["problems"].map(String) : [`HTTP ${String(response.status)}`];
  throw new SandboxControlError("refused", "The sandbox does not take that.", problems);
}
