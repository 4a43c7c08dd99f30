import type * as S3 from "@aws-sdk/client-s3";
import { asS3Error, s3Code } from "./s3-error.ts";
import type { S3Place } from "./s3-place.ts";

/** What is larger goes up in parts of this size, which is what a process holds of it. S3 wants 5 MiB at least, and 10,000 parts at most: 80 GB. */
export const partBytes = 8 * 1024 * 1024;
/** Parts in memory at once in a process, over all sessions: 16 MiB. */
const partsAtOnce = 2;
/** One request and three more, with growing pauses of the SDK: a `SlowDown` is over by then, or the session waits (`BLOB_UNAVAILABLE`). */
const defaultAttempts = 4;
/** A connection that is not made by then is not made. */
const connectMs = 5_000;
/** No byte for so long. An upload of one part takes a slow line that long. */
const defaultSilenceMs = 30_000;
/** How often a download goes on behind the last byte that came. */
const resumes = 3;

export interface BucketOptions {
  /** Silence of the server that ends a request, ms. */
  readonly silenceMs?: number;
  /** Requests for one thing before it failed. */
  readonly attempts?: number;
}

/** One bucket. All methods throw SyncError BLOB_UNAVAILABLE or BLOB_STORE_FULL; keys are whole, with the prefix. */
export interface Bucket {
  put(key: string, body: Uint8Array): Promise<void>;
  /** Any size, of which a part is held. @param read fills `into` from this position on, and gives the bytes read */
  putLarge(key: string, size: number, read: (into: Uint8Array, position: number) => Promise<number>): Promise<void>;
  /** `length` bytes from `offset` on, in pieces; a connection that breaks is made again behind the last one. */
  readRange(key: string, offset: number, length: number): AsyncIterable<Uint8Array>;
  /** The last bytes of an object, up to `most`, and how many it has. */
  readEnd(key: string, most: number): Promise<{ readonly bytes: Uint8Array; readonly size: number }>;
  /** Keys that begin with `prefix` and sort behind `after`, in order, with their bytes. */
  list(prefix: string, after?: string): AsyncIterable<{ readonly key: string; readonly size: number }>;
  /** No error where it is not there. */
  remove(key: string): Promise<void>;
  /** Ends uploads in parts that were begun under the prefix and never completed: what came of them is held by the server, unseen. */
  abortUploads(prefix: string): Promise<void>;
}

type Sdk = typeof S3;

/** Nothing is loaded or connected before the first request: the SDK takes some 33 MB. */
export function openBucket(place: S3Place, options: BucketOptions = {}): Bucket {
  const { bucket: Bucket } = place;
  let opened: Promise<{ sdk: Sdk; client: S3.S3Client }> | undefined;
  const open = () => (opened ??= import("@aws-sdk/client-s3").then((sdk) => ({ sdk, client: connect(sdk, place, options) })));
  const gate = createGate(partsAtOnce);
  const encryption: Pick<S3.PutObjectCommandInput, "ServerSideEncryption" | "SSEKMSKeyId"> = {
    ...(place.serverSideEncryption && { ServerSideEncryption: place.serverSideEncryption }),
    ...(place.kmsKeyId !== undefined && { SSEKMSKeyId: place.kmsKeyId }),
  };

  async function put(key: string, body: Uint8Array): Promise<void> {
    try {
      const { sdk, client } = await open();
      await client.send(new sdk.PutObjectCommand({ Bucket, Key: key, Body: body, ...encryption }));
    } catch (error) {
      throw asS3Error(error, "write");
    }
  }

  async function sizeOf(key: string): Promise<number | undefined> {
    const { sdk, client } = await open();
    return (await client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }))).ContentLength;
  }

  async function* fetchRange(key: string, range: string): AsyncGenerator<Uint8Array, void, void> {
    const { sdk, client } = await open();
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: key, Range: range }));
    if (Body) yield* Body as unknown as AsyncIterable<Uint8Array>;
  }

  return {
    put,
    async putLarge(key, size, read) {
      if (size <= partBytes) {
        const release = await gate.enter();
        try {
          return await put(key, await fill(read, 0, size));
        } finally {
          release();
        }
      }
      try {
        const { sdk, client } = await open();
        const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: key, ...encryption }));
        try {
          const parts: { ETag: string | undefined; PartNumber: number }[] = [];
          for (let at = 0; at < size; at += partBytes) {
            const release = await gate.enter();
            try {
              const PartNumber = parts.length + 1;
              const Body = await fill(read, at, Math.min(partBytes, size - at));
              const { ETag } = await client.send(new sdk.UploadPartCommand({ Bucket, Key: key, UploadId, PartNumber, Body }));
              parts.push({ ETag, PartNumber });
            } finally {
              release();
            }
          }
          const MultipartUpload = { Parts: parts };
          await client
            .send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key: key, UploadId, MultipartUpload }))
            .catch(async (error: unknown) => {
              // Asked again because its answer was lost, though it was done: servers other than Amazon's know the upload no more.
              if (s3Code(error) !== "NoSuchUpload" || (await sizeOf(key)) !== size) throw error;
            });
        } catch (error) {
          // Parts that are left cost money and are seen by nobody; a lifecycle rule of the bucket takes those that this does not reach.
          await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: key, UploadId })).catch(() => undefined);
          throw error;
        }
      } catch (error) {
        throw asS3Error(error, "write");
      }
    },
    async *readRange(key, offset, length) {
      let done = 0;
      for (let tries = 0; done < length; tries++) {
        try {
          for await (const piece of fetchRange(key, `bytes=${offset + done}-${offset + length - 1}`)) {
            done += piece.length;
            if (done > length) throw wrongLength("more");
            yield piece;
          }
          if (done < length) throw wrongLength("fewer");
        } catch (error) {
          if (done > length || tries >= resumes || !isBroken(error)) throw asS3Error(error, "read");
        }
      }
    },
    async readEnd(key, most) {
      try {
        const { sdk, client } = await open();
        const { Body, ContentRange } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: key, Range: `bytes=-${most}` }));
        const bytes = Body === undefined ? new Uint8Array() : await Body.transformToByteArray();
        // Without a range the whole object came.
        const size = Number(/\/(\d+)$/.exec(ContentRange ?? "")?.[1] ?? bytes.length);
        if (ContentRange !== undefined && bytes.length !== Math.min(most, size)) throw wrongLength("other");
        return { bytes, size };
      } catch (error) {
        throw asS3Error(error, "read");
      }
    },
    async *list(prefix, after) {
      let token: string | undefined;
      do {
        try {
          const { sdk, client } = await open();
          const page = await client.send(
            new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter: after, ContinuationToken: token }),
          );
          for (const { Key, Size } of page.Contents ?? []) if (Key !== undefined) yield { key: Key, size: Size ?? 0 };
          token = page.IsTruncated ? page.NextContinuationToken : undefined;
          // The rest would pass for what is not there: a purge would leave it, a reader would not know its messages.
          if (page.IsTruncated && token === undefined) throw Object.assign(new Error("a list that is cut"), { code: "ListCut" });
        } catch (error) {
          throw asS3Error(error, "list");
        }
      } while (token !== undefined);
    },
    async abortUploads(prefix) {
      try {
        const { sdk, client } = await open();
        for (;;) {
          const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix }));
          for (const { Key, UploadId } of page.Uploads ?? [])
            await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
          // What was ended is no longer listed: the next page is the first one.
          if (!page.IsTruncated || (page.Uploads ?? []).length === 0) return;
        }
      } catch (error) {
        throw asS3Error(error, "delete");
      }
    },
    async remove(key) {
      try {
        const { sdk, client } = await open();
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: key }));
      } catch (error) {
        throw asS3Error(error, "delete");
      }
    },
  };
}

function connect(sdk: Sdk, place: S3Place, { silenceMs = defaultSilenceMs, attempts = defaultAttempts }: BucketOptions): S3.S3Client {
  const { region, endpoint, forcePathStyle, credentials } = place;
  return new sdk.S3Client({
    region,
    forcePathStyle,
    maxAttempts: attempts,
    // Each body is signed with its SHA-256 anyhow; servers other than Amazon's often know no further checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silenceMs },
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && {
      credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey.reveal() },
    }),
  });
}

async function fill(read: (into: Uint8Array, position: number) => Promise<number>, position: number, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let done = 0; done < size;) {
    const count = await read(bytes.subarray(done), position + done);
    if (count === 0) throw Object.assign(new Error("short file"), { code: "ESHORT" });
    done += count;
  }
  return bytes;
}

/** Of an answer that looks whole: a proxy between that keeps what was cut, or a server that knows no ranges. */
function wrongLength(what: "more" | "fewer" | "other"): Error {
  return Object.assign(new Error(`${what} bytes than were asked for`), { code: "WrongLength" });
}

/** The answer began and did not end: what a status says is not tried again here, the SDK did that. */
function isBroken(error: unknown): boolean {
  return error instanceof Error && !("$metadata" in error && (error.$metadata as { httpStatusCode?: number }).httpStatusCode !== undefined);
}

interface Gate {
  /** @returns leaves */
  enter(): Promise<() => void>;
}

function createGate(room: number): Gate {
  const waiting: (() => void)[] = [];
  let free = room;
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return {
    async enter() {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return leave;
    },
  };
}
