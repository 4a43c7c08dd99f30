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
];

/**
 * Runs every static check, also after one has failed, and prints what failed.
 * @returns {Promise<string[]>} the names of those that failed
 */
export async function runChecks(node) {
  const env = workspaceEnv({ TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_COLOR: "1", FORCE_COLOR: undefined });
  const failed = [];
  for (const { name, command } of checks) {
    const [binary, ...args] = command;
    // Through Node by name: the links in .bin would take the machine's own Node, which may be too old.
    const entry = path.join(root, "node_modules", ".bin", binary);
    const start = Date.now();
    const result = await capture(node, [entry, ...args], { env });
    const took = `${((Date.now() - start) / 1000).toFixed(1)} s`;
    console.log(`${result.code === 0 ? "✓" : "✗"} ${name}   ${took}`);
    if (result.code === 0) continue;
    failed.push(name);
    console.log(`  ${command.join(" ")}\n${result.output.trim().replace(/^/gm, "  ")}\n`);
  }
  return failed;
}
