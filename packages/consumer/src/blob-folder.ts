import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { readRef } from "./blob-ref.ts";
import { BlobError } from "./errors.ts";

/** What names bytes in a blob store. */
export interface BlobPointer {
  readonly ref: string;
  readonly sha256: string;
  readonly size: number;
}

/** Reads one kind of `ref`. */
export interface BlobReader {
  /** The bytes in pieces; verifying them is the SDK's. @throws BlobError for a `ref` that is not its own, or whose bytes are gone */
  read(pointer: BlobPointer): AsyncIterable<Uint8Array>;
}

/** As much as is held of a blob that is streamed. */
const pieceBytes = 256 * 1024;

/** The blob store in a folder, as `blobs.dir` of mailfleet's configuration names it: `pack:TENANT/BOX/MONTH/PACK@OFFSET+LENGTH`. */
export function blobFolder(dir: string): BlobReader {
  return {
    async *read({ ref }) {
      const { pack, offset: begin, length: size } = readRef(ref);
      let file: FileHandle | undefined;
      try {
        file = await open(path.join(dir, pack), constants.O_RDONLY | constants.O_NOFOLLOW);
        for (let done = 0; done < size;) {
          const piece = new Uint8Array(Math.min(pieceBytes, size - done));
          const { bytesRead } = await file.read(piece, 0, piece.length, begin + done);
          if (bytesRead === 0) throw new BlobError(ref, `The blob store has ${done} of ${size} bytes`);
          done += bytesRead;
          yield piece.subarray(0, bytesRead);
        }
      } catch (error) {
        if (error instanceof BlobError) throw error;
        const code = (error as { code?: string }).code ?? "unknown error";
        const what =
          code === "ENOENT"
            ? "The blob store does not have these bytes; is `blobs` the folder that the workers write to?"
            : `Reading the blob store failed: ${code}`;
        throw new BlobError(ref, what, error);
      } finally {
        await file?.close();
      }
    },
  };
}

/** The same pieces; where they are not the bytes that `pointer` means, an error in place of the end. */
export async function* verified(
  pieces: AsyncIterable<Uint8Array>,
  { ref, sha256, size }: BlobPointer,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash("sha256");
  let seen = 0;
  for await (const piece of pieces) {
    seen += piece.length;
    if (seen > size) break;
    hash.update(piece);
    yield piece;
  }
  if (seen !== size || hash.digest("hex") !== sha256) throw new BlobError(ref, "The stored bytes are not the ones that were put there");
}
