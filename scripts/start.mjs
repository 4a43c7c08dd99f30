// npm start: sets up what is missing, then runs `mailfleet up` on Node 24.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, runInForeground, workspaceEnv } from "./lib/processes.mjs";
import { setUp } from "./lib/setup.mjs";

const args = process.argv.slice(2);
const node = await setUp({ redis: needsRedisServer() });
process.exitCode = await runInForeground(node, [path.join(root, "apps/cli/bin/mailfleet.mjs"), "up", ...args], {
  env: workspaceEnv(),
  takesInterruptTwice: true,
});

/** A Redis of our own is started unless one is named, in the environment or in the configuration. */
function needsRedisServer() {
  if (process.env.REDIS_URL || args.includes("--help") || args.includes("-h")) return false;
  const at = args.indexOf("--config");
  const file = at === -1 ? (args.find((arg) => arg.startsWith("--config="))?.slice("--config=".length) ?? "mailfleet.yaml") : args[at + 1];
  const full = path.resolve(root, file ?? "mailfleet.yaml");
  // Only a look for the key; reading the file properly is up to `mailfleet up`.
  return !(existsSync(full) && /^redis\s*:/m.test(readFileSync(full, "utf8")));
}
