import path from "node:path";
import { capture, root, workspaceEnv } from "./processes.mjs";

/** The static checks, cheap ones first. */
const checks = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "core's types", command: ["tsc", "-p", "packages/core"] },
  { name: "pages' types", command: ["tsc", "-p", "packages/web"] },
  { name: "import rule", command: ["turbo", "boundaries", "--no-color"] },
  { name: "dead code", command: ["knip", "--no-progress", "--no-config-hints"] },
  // Says what it found also where that is no failure: a registry may have nothing to ask.
  { name: "known vulnerabilities", command: ["scripts/audit.mjs"], isTold: true },
];

/**
 * Runs every static check, also after one has failed, and prints what failed.
 * @returns {Promise<string[]>} the names of those that failed
 */
export async function runChecks(node) {
  const env = workspaceEnv({ TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_COLOR: "1", FORCE_COLOR: undefined });
  const failed = [];
  for (const { name, command, isTold } of checks) {
    const [binary, ...args] = command;
    // Through Node by name: the links in .bin would take the machine's own Node, which may be too old.
    const entry = binary.endsWith(".mjs") ? path.join(root, binary) : path.join(root, "node_modules", ".bin", binary);
    const start = Date.now();
    const result = await capture(node, [entry, ...args], { env });
    const took = `${((Date.now() - start) / 1000).toFixed(1)} s`;
    const told = isTold && result.code === 0 ? `   ${result.output.trim().split("\n").at(-1)}` : "";
    console.log(`${result.code === 0 ? "✓" : "✗"} ${name}   ${took}${told}`);
    if (result.code === 0) continue;
    failed.push(name);
    console.log(`  ${command.join(" ")}\n${result.output.trim().replace(/^/gm, "  ")}\n`);
  }
  return failed;
}
