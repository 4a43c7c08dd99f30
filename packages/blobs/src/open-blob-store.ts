import { randomBytes } from "node:crypto";
import type { BlobEraser, BlobStore, BucketLook, Chance, Clock, PieceReader } from "@mailfleet/core";
import { createFileStore } from "./file-store.ts";
import { type BucketOptions, openBucket } from "./s3-bucket.ts";
import { createS3Store } from "./s3-store.ts";
import type { S3Place } from "./s3-place.ts";

/** Where the blobs are: a bucket, else the folder. */
export interface BlobsPlace {
  readonly dir: string;
  readonly s3?: S3Place;
}

/** The blob store that is configured. Nothing is opened before it is used. */
export function openBlobStore(
  { dir, s3 }: BlobsPlace,
  { clock, chance }: { readonly clock: Clock; readonly chance: Chance },
): BlobStore & PieceReader & BlobEraser {
  return s3 === undefined ? createFileStore({ dir, clock, chance }) : createS3Store({ place: s3, scratchDir: dir, clock, chance });
}

/** Writes, reads, lists and deletes one small object, as a worker would. Never rejects. */
export async function lookAtBucket(s3: S3Place, clock: Clock, options?: BucketOptions): Promise<BucketLook> {
  const bucket = openBucket(s3, options);
  const body = randomBytes(16);
  const key = `${s3.prefix}doctor/${body.toString("hex")}`;
  const begun = clock.monotonic();
  let at: Extract<BucketLook, { kind: "refused" }>["at"] = "write";
  try {
    await bucket.put(key, body);
    at = "read";
    const { bytes } = await bucket.readEnd(key, body.length);
    if (!body.equals(bytes)) return { kind: "refused", bucket: s3.bucket, at, code: "OtherBytes" };
    at = "list";
    for await (const _ of bucket.list(key)) break;
    at = "delete";
    await bucket.remove(key);
    return { kind: "ready", bucket: s3.bucket, tookMs: clock.monotonic() - begun };
  } catch (error) {
    if (at !== "write" && at !== "delete") await bucket.remove(key).catch(() => undefined);
    return { kind: "refused", bucket: s3.bucket, at, code: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return (error as { readonly failure?: { readonly facts?: { readonly code?: string } } }).failure?.facts?.code ?? "UNKNOWN";
}
