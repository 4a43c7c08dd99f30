import type { FileHandle } from "node:fs/promises";
import { writeFully } from "./disk.ts";
import type { PackTarget } from "./pack-target.ts";
import type { Bucket } from "./s3-bucket.ts";
import { openScratch } from "./scratch-file.ts";

/**
 * A pack in a bucket. What comes with one flush goes up from memory as one PUT; a larger one waits in a scratch file, because its records'
 * heads are known last, and S3 writes nothing over.
 */
export class S3Pack implements PackTarget {
  readonly #bucket: Bucket;
  readonly #key: string;
  readonly #scratchDir: string;
  #scratch: Promise<FileHandle> | undefined;
  #isSent = false;

  constructor(bucket: Bucket, key: string, scratchDir: string) {
    this.#bucket = bucket;
    this.#key = key;
    this.#scratchDir = scratchDir;
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

  async seal(rest: readonly Uint8Array[], position: number): Promise<void> {
    // A request whose answer is lost may have been done.
    this.#isSent = true;
    if (this.#scratch === undefined) return this.#bucket.put(this.#key, Buffer.concat(rest));
    try {
      await this.#upload(await this.#scratch, rest, position);
    } finally {
      await this.#close();
    }
  }

  async #upload(file: FileHandle, rest: readonly Uint8Array[], position: number): Promise<void> {
    if (rest.length > 0) await writeFully(file, rest, position);
    const size = rest.reduce((sum, chunk) => sum + chunk.length, position);
    await this.#bucket.putLarge(this.#key, size, (into, at) => this.read(into, at));
  }

  async remove(): Promise<void> {
    await this.#close();
    // What is not reached here stays as an orphan, which no event refers to.
    if (this.#isSent) await this.#bucket.remove(this.#key).catch(() => undefined);
  }

  #open(): Promise<FileHandle> {
    return (this.#scratch ??= openScratch(this.#scratchDir));
  }

  async #close(): Promise<void> {
    try {
      await (await this.#scratch)?.close();
    } catch {
      // It has no name: closed or not, it is gone with the process.
    }
    this.#scratch = undefined;
  }
}
