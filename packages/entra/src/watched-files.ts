import { readFile, stat } from "node:fs/promises";
import type { Clock } from "@mailfleet/core";

/** A file that changed is read once it was left alone for this long: not every writer renames a finished file into place. */
const settleMs = 1_000;
/** A key with a long chain has 20 kB. */
const maxBytes = 1024 * 1024;

interface Watched {
  /** Of the content that `text` is; undefined before the first good reading. */
  signature?: string;
  text?: string;
}

/**
 * Small text files that others replace while we run. Each look costs one stat per file; what changed is read. A file that is missing,
 * unreadable or being written keeps its last text. No watch of the system's: they miss the swapped links of Kubernetes, and what
 * happens on network drives.
 */
export class WatchedFiles {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #files = new Map<string, Watched>();

  constructor(paths: Iterable<string>, clock: Pick<Clock, "sleep">) {
    for (const path of paths) this.#files.set(path, {});
    this.#clock = clock;
  }

  readonly textOf = (path: string): string | undefined => this.#files.get(path)?.text;

  /** Reads everything as it is. Never throws. */
  async open(): Promise<void> {
    await Promise.all([...this.#files].map(async ([path, file]) => this.#read(path, file, await signatureOf(path))));
  }

  /** @returns the files with a new text, and those that can't be read now. Throws only what `signal` aborts with. */
  async look(signal?: AbortSignal): Promise<{ readonly changed: ReadonlySet<string>; readonly missing: ReadonlySet<string> }> {
    const changed = new Set<string>();
    const missing = new Set<string>();
    const pending = new Map<string, string>();
    await Promise.all(
      [...this.#files].map(async ([path, file]) => {
        const signature = await signatureOf(path);
        if (signature === undefined) missing.add(path);
        else if (signature !== file.signature) pending.set(path, signature);
      }),
    );
    if (pending.size === 0) return { changed, missing };
    await this.#clock.sleep(settleMs, signal);
    await Promise.all(
      [...pending].map(async ([path, before]) => {
        const signature = await signatureOf(path);
        // Still being written: the next look sees it finished.
        if (signature !== before) return;
        const file = this.#files.get(path);
        if (file && (await this.#read(path, file, signature))) changed.add(path);
      }),
    );
    return { changed, missing };
  }

  async #read(path: string, file: Watched, signature: string | undefined): Promise<boolean> {
    if (signature === undefined) return false;
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined || (await signatureOf(path)) !== signature) return false;
    const isNew = text !== file.text;
    file.signature = signature;
    file.text = text;
    return isNew;
  }
}

/** Changes whenever a file's content may have. Undefined where there is none that may be read. */
async function signatureOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    const { ino, size, mtimeMs, ctimeMs } = found;
    return found.isFile() && size <= maxBytes ? `${ino} ${size} ${mtimeMs} ${ctimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
