import { readFileSync } from "node:fs";
import path from "node:path";
import { readYaml } from "@mailfleet/config";
import { type FaultOrder, readOrder, readOrderText } from "@mailfleet/sandbox/faults";
import { orderError } from "./sandbox-control.ts";

/**
 * The sandbox's flags with the faults of `--fault` and `--faults FILE` checked, each then as one `--fault` of its own. All that is wrong in
 * any of them is said at once, with the line in the file.
 * @throws CliError 2
 */
export function checkFaultFlags(flags: readonly string[], cwd: string): string[] {
  const kept: string[] = [];
  const orders: FaultOrder[] = [];
  const problems: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? "";
    const [, name, inline] = /^--(faults?)(?:=(.*))?$/s.exec(flag) ?? [];
    const next = inline ?? flags[i + 1];
    // `--faults` alone is the sandbox's own: its planted troubles.
    if (name === undefined || next === undefined || (inline === undefined && next.startsWith("-"))) {
      kept.push(flag);
      continue;
    }
    if (inline === undefined) i++;
    if (name === "faults") readFile(path.resolve(cwd, next), next, orders, problems);
    else take(readOrderText(next), `--fault ${next}`, orders, problems);
  }
  if (problems.length > 0) throw orderError("Faults that cannot be:", problems);
  return [...kept, ...orders.flatMap((order) => ["--fault", JSON.stringify(order)])];
}

function readFile(file: string, shown: string, orders: FaultOrder[], problems: string[]): void {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    problems.push(`${shown} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
    return;
  }
  const yaml = readYaml(text);
  problems.push(...yaml.problems.map(({ line, found }) => `${shown} line ${String(line ?? 1)}: ${found}`));
  if (yaml.problems.length > 0) return;
  if (!Array.isArray(yaml.value)) {
    problems.push(`${shown} has no list of faults; expected: - name: token-5xx`);
    return;
  }
  for (const [index, one] of yaml.value.entries()) {
    const where = `${shown} line ${String(yaml.lineOf([index]))}`;
    take(typeof one === "string" ? readOrderText(one) : readOrder(one), where, orders, problems);
  }
}

function take(read: ReturnType<typeof readOrder>, where: string, orders: FaultOrder[], problems: string[]): void {
  if ("order" in read) orders.push(read.order);
  else problems.push(...read.problems.map((problem) => `${where}: ${problem}`));
}
