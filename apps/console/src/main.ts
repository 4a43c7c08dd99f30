import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Config, formatProblems, loadConfig, secretsOf } from "@mailfleet/config";
import { createScrubber, isSyncError } from "@mailfleet/core";
import { settlesWithin, stopSignals, systemClock } from "@mailfleet/runtime";
import { readPrivateRedis } from "@mailfleet/store";
import { createLog } from "@mailfleet/telemetry";
import { webViews } from "./http/web-views.ts";
import { runConsole } from "./run-console.ts";
import { wireConsole, type WireOptions } from "./wire.ts";

/** Open answers end within this at a stop; nothing is lost with them. */
const closeMs = 2_000;

/** Exit codes: 0 stopped, 1 failed, 2 bad usage or configuration. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { config: { type: "string" }, sandbox: { type: "boolean" }, "sandbox-dir": { type: "string" }, options: { type: "string" } },
  });
  const file = values.config ?? "mailfleet.yaml";
  const loaded = loadConfig({ file, env: process.env, cwd: process.cwd() });
  if (!loaded.ok) {
    process.stderr.write(`${formatProblems(loaded.problems, file)}\n`);
    return 2;
  }
  const signals = stopSignals({ leaveInterrupt: process.env["MAILFLEET_MANAGED"] === "1" });
  // Its files lie beside the configuration that it wrote.
  const sandboxDir = values["sandbox-dir"] ?? (values.sandbox === true ? dirname(file) : undefined);
  const about = {
    options: values.options ?? "",
    warnings: loaded.warnings,
    ...(sandboxDir !== undefined && { sandboxDir: resolve(sandboxDir) }),
  };
  return show(loaded.config, about, signals.asked);
}

async function show(
  config: Config,
  about: Pick<WireOptions, "options" | "sandboxDir" | "warnings">,
  stop: Promise<string>,
): Promise<number> {
  const log = createLog({
    level: "info",
    destination: process.stdout,
    scrub: createScrubber(secretsOf(config)),
    clock: systemClock,
    base: { role: "console", pid: process.pid },
  });
  const redisTarget = config.redis ?? readPrivateRedis(join(config.dataDir, "redis"));
  if (!redisTarget) {
    process.stderr.write(
      "No Redis is configured and no private one runs. Set redis.url in the configuration, or start with: mailfleet up\n",
    );
    return 2;
  }
  try {
    const wiring = wireConsole({ config, redisTarget, log, clock: systemClock, env: process.env, ...about });
    // A Redis that freezes in between would hold the start, and with it the stop, for ever.
    const parts = await Promise.race([wiring, stop]);
    if (typeof parts === "string") return 0;
    const running = await runConsole({ config, clock: systemClock, log, parts, views: await webViews() });
    log.info({ url: running.url }, "console started");
    process.send?.({ type: "ready", url: running.url });
    const why = await stop;
    await settlesWithin(systemClock, closeMs, running.close());
    await parts.close();
    log.info({ why }, "console stopped");
    return 0;
  } catch (error) {
    if (!isSyncError(error)) throw error;
    log.error({ code: error.failure.code }, "console failed");
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    await log.close();
  }
}

// Not by itself: the IPC channel of a parent and clients that wait for a dead Redis would keep the process alive.
process.exit(await main());
