import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

const processes = path.resolve(import.meta.dirname, "../../../../scripts/lib/processes.mjs");
/** Says that it is there, and ends with 7 when it is interrupted. */
const program = `process.on("SIGINT", () => process.exit(7)); setInterval(() => {}, 1000); console.log("ready");`;

test("an interrupt that only the launcher got reaches the program that it runs", async () => {
  const code = `const { runInForeground } = await import(${JSON.stringify(processes)});
    process.exitCode = await runInForeground(process.execPath, ["-e", ${JSON.stringify(program)}], { takesInterruptTwice: true });`;
  // In a group of its own, as on a terminal that did not send it.
  const launcher = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  onTestFinished(() => {
    if (launcher.exitCode === null && launcher.pid !== undefined) process.kill(-launcher.pid, "SIGKILL");
  });
  await once(launcher.stdout, "data");
  launcher.kill("SIGINT");
  expect(await once(launcher, "exit")).toEqual([7, null]);
});
