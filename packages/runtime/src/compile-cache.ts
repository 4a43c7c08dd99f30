import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/** The folder that this process keeps compiled code in, for `NODE_COMPILE_CACHE` of its threads and children; undefined where it keeps none. */
export function compileCacheFolder(): string | undefined {
  const own = getCompileCacheDir();
  // Node keeps a folder of its version, flags and user in the one that it was given.
  return own === undefined ? undefined : dirname(own);
}
