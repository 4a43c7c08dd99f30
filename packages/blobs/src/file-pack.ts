import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, syncFolder, writeFully } from "./disk.ts";
import type { IndexPart } from "./index-format.ts";
import { appendIndex, type MailboxPlace } from "./message-index.ts";
import type { PackTarget } from "./pack-target.ts";

/** A pack in a folder: written as `.tmp`, synced once, renamed, and its folder synced. */
export class FilePack implements PackTarget {
  readonly #place: MailboxPlace;
  readonly #folder: string;
  readonly #pack: string;
  #file: Promise<FileHandle> | undefined;
  #isSealed = false;

  constructor(place: MailboxPlace, period: string, pack: string) {
    this.#place = place;
    this.#folder = join(place.path, period);
    this.#pack = pack;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    await writeFully(await this.#open(), chunks, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await (await this.#open()).read(into, 0, into.length, position)).bytesRead;
  }

  async truncate(size: number): Promise<void> {
    await (await this.#open()).truncate(size);
  }

  async seal(rest: readonly Uint8Array[], position: number, index: readonly IndexPart[]): Promise<void> {
    const file = await this.#open();
    if (rest.length > 0) await writeFully(file, rest, position);
    await file.datasync();
    await rename(this.#path("tmp"), this.#path("pack"));
    this.#isSealed = true;
    this.#file = undefined;
    // Side by side: each step is a turn of a thread and one of the event loop, and new mail waits for all of them.
    const last = [file.close(), syncFolder(this.#folder), ...(index.length > 0 ? [appendIndex(this.#place, index)] : [])];
    // None is under way any more when this fails: the pack may be removed next.
    await Promise.allSettled(last);
    await Promise.all(last);
  }

  async remove(): Promise<void> {
    try {
      await (await this.#file)?.close();
    } catch {
      // A handle that cannot be closed has nothing left to lose: the file is removed next.
    }
    this.#file = undefined;
    await rm(this.#path(this.#isSealed ? "pack" : "tmp"), { force: true }).catch(() => undefined);
  }

  #open(): Promise<FileHandle> {
    this.#file ??= (async () => {
      const create = () => open(this.#path("tmp"), constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW, 0o600);
      // There but for the first pack of a mailbox and period.
      return create().catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
        await makeFolder(this.#folder);
        return create();
      });
    })();
    return this.#file;
  }

  #path(ending: "tmp" | "pack"): string {
    return join(this.#folder, `${this.#pack}.${ending}`);
  }
}
