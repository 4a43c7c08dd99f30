import { accessSync, constants } from "node:fs";
import { flushCompileCache, getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/** The folder that this process keeps compiled code in, for `NODE_COMPILE_CACHE` of its threads and children; undefined where it keeps none. */
export function compileCacheFolder(): string | undefined {
  const own = getCompileCacheDir();
  // Node keeps a folder of its version, flags and user in the one that it was given.
  return own === undefined ? undefined : dirname(own);
}

/**
 * For a process that starts others which read much the same files: what it compiled is written now and not at its end, so that even the first
 * start compiles the core, its libraries and Redis' clients once and not five times.
 * @param otherwise where this process keeps nothing, or only reads what an image was built with: that is for other flags than theirs
 * @returns the folder for their `NODE_COMPILE_CACHE`
 */
export function shareCompiledCode(otherwise: string): string {
  const folder = compileCacheFolder();
  if (folder === undefined || !isWritable(folder)) return otherwise;
  flushCompileCache();
  return folder;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
