import { dirname, resolve } from "node:path";
import { type RoleStart, type RunningRole, runRole } from "@mailfleet/role";
import { settlesWithin, systemClock } from "@mailfleet/runtime";
import { webViews } from "./http/web-views.ts";
import { runConsole } from "./run-console.ts";
import { wireConsole } from "./wire.ts";

/** Open answers end within this at a stop; nothing is lost with them. */
const closeMs = 2_000;

async function begin(start: RoleStart): Promise<RunningRole> {
  const { config, file, given, log, panel } = start;
  const { sandbox, "sandbox-dir": folder, options } = given;
  // The sandbox's files lie beside the configuration that it wrote.
  const sandboxDir = typeof folder === "string" ? folder : sandbox === true ? dirname(file) : undefined;
  const about = {
    options: typeof options === "string" ? options : "",
    ...(sandboxDir !== undefined && { sandboxDir: resolve(sandboxDir) }),
  };
  const [parts, views] = await Promise.all([wireConsole({ ...start, ...about, clock: systemClock }), webViews()]);
  const { url, close } = await runConsole({ config, clock: systemClock, log, panel, parts, views });
  return {
    facts: { url },
    tells: { url },
    async stop() {
      await settlesWithin(systemClock, closeMs, close());
      await parts.close();
      return {};
    },
  };
}

const options = { sandbox: { type: "boolean" }, "sandbox-dir": { type: "string" }, options: { type: "string" } } as const;
const console = {
  name: "console",
  manifest: new URL("../package.json", import.meta.url),
  marksShards: false,
  options,
  ahead: () => undefined,
  begin,
} as const;
// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await runRole(console, process.env));
