import { statfs } from "node:fs/promises";
import { dirname } from "node:path";

export interface FreeSpace {
  /** Bytes that this process may still write, and of the whole file system. */
  readonly free: number;
  readonly total: number;
}

/** Of the file system that a folder lies on, or will lie on once it is made. Undefined where the system does not say. */
export async function readFreeSpace(dir: string): Promise<FreeSpace | undefined> {
  for (let at = dir; ; at = dirname(at)) {
    try {
      const { bavail, blocks, bsize } = await statfs(at);
      return { free: bavail * bsize, total: blocks * bsize };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(at) === at) return undefined;
    }
  }
}
