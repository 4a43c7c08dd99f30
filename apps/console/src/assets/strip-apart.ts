import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compileCacheFolder } from "@mailfleet/runtime";
import type { BrowserModule } from "./browser-modules.ts";

/**
 * The pages' files without their types. By a process of its own, because the compiler that takes types out leaves 40 MB behind in the
 * process that used it, a thread's end included (measured with Node 24).
 * @throws Error where a file is missing or cannot be read as TypeScript
 */
export async function stripApart(): Promise<readonly BrowserModule[]> {
  const cache = compileCacheFolder();
  const child = fork(fileURLToPath(new URL("strip-child.ts", import.meta.url)), {
    // Nothing that is secret, and no flags of ours.
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    return await new Promise((resolve, reject) => {
      child.once("message", (made) => resolve(made as readonly BrowserModule[]));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the pages could not be prepared: the process for it ended with ${code}`)));
    });
  } finally {
    child.kill();
  }
}
