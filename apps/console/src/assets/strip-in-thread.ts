import { Worker } from "node:worker_threads";
import type { BrowserModule } from "./browser-modules.ts";

/** The pages' files without their types. @throws Error where a file is missing or cannot be read as TypeScript */
export async function stripInThread(): Promise<readonly BrowserModule[]> {
  const thread = new Worker(new URL("strip-thread.ts", import.meta.url));
  try {
    return await new Promise((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
      thread.once("exit", (code) => reject(new Error(`the pages could not be prepared: the thread ended with ${code}`)));
    });
  } finally {
    await thread.terminate();
  }
}
