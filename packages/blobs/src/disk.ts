import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { syncError } from "@mailfleet/core";

/** writev may write less than it was given, above all on a disk that fills up. */
export async function writeFully(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await file.writev(chunks, position);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length;) {
    done += (await file.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten;
  }
}

/** A folder is durable only once its parent is synced: all that are new, up to the one that was there. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(folder)); at.length >= top.length; at = dirname(at)) {
    await syncFolder(at);
    if (at === top) return;
  }
}

/** The new name is durable only once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const fullDiskCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function asBlobError(error: unknown, verb: "read" | "write"): Error {
  if (error instanceof Error && error.name === "SyncError") return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
  if (fullDiskCodes.has(code)) {
    return syncError("BLOB_STORE_FULL", `The disk of the blob store is full (${code}). No message is lost: nothing was committed.`, {
      layer: "blobs",
      code,
    });
  }
  return unavailable(`The blob store cannot ${verb} (${code}). No message is lost: nothing was committed.`, code);
}

export function unavailable(message: string, code?: string): Error {
  return syncError("BLOB_UNAVAILABLE", message, { layer: "blobs", ...(code !== undefined && { code }) });
}
