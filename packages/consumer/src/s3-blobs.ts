import type { BlobReader } from "./blob-folder.ts";
import { readRef } from "./blob-ref.ts";
import { BlobError } from "./errors.ts";

export interface S3BlobsOptions {
  /** As `blobs.s3.bucket` of mailfleet's configuration. */
  readonly bucket: string;
  readonly region?: string;
  /** URL of another server than Amazon's. */
  readonly endpoint?: string;
  /** As `blobs.s3.prefix`. */
  readonly prefix?: string;
  /** Default true with `endpoint`, else false. */
  readonly forcePathStyle?: boolean;
  /** Default: what AWS's SDK finds in the environment, in shared files or at the machine. Reading needs `s3:GetObject` alone. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
}

/** How often a download goes on behind the last byte that came. */
const resumes = 3;
const silenceMs = 30_000;

/** The blob store in an S3 bucket. Needs `@aws-sdk/client-s3` beside this package; it is loaded with the first blob. */
export function s3Blobs(options: S3BlobsOptions): BlobReader {
  const { bucket: Bucket, prefix = "", endpoint } = options;
  const root = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  let opened: ReturnType<typeof connect> | undefined;

  async function* fetch(key: string, from: number, to: number): AsyncGenerator<Uint8Array, void, void> {
    const { sdk, client } = await (opened ??= connect(options));
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: key, Range: `bytes=${from}-${to}` }));
    if (Body) yield* Body as unknown as AsyncIterable<Uint8Array>;
  }

  return {
    async *read({ ref }) {
      const { pack, offset, length } = readRef(ref);
      let done = 0;
      for (let tries = 0; done < length; tries++) {
        try {
          for await (const piece of fetch(root + pack, offset + done, offset + length - 1)) {
            done += piece.length;
            yield piece;
          }
          if (done < length) throw new BlobError(ref, `The blob store has ${done} of ${length} bytes`);
        } catch (error) {
          if (error instanceof BlobError) throw error;
          if (tries >= resumes || statusOf(error) !== undefined || isMissingSdk(error)) throw blobError(ref, error, endpoint);
        }
      }
    },
  };
}

async function connect({ region, endpoint, forcePathStyle, credentials }: S3BlobsOptions) {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 5_000, socketTimeout: silenceMs },
    ...(endpoint !== undefined && { endpoint, region: region ?? "us-east-1" }),
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
  });
  return { sdk, client };
}

/** An S3 error quotes keys and what was signed: its name is all that is told. */
function blobError(ref: string, error: unknown, endpoint: string | undefined): BlobError {
  if (isMissingSdk(error)) return new BlobError(ref, "s3Blobs needs @aws-sdk/client-s3: npm install @aws-sdk/client-s3");
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const word = [code, name].find(
    (one): one is string => typeof one === "string" && /^[A-Za-z][A-Za-z0-9_.]{1,60}$/.test(one) && one !== "Error",
  );
  const what =
    word === "NoSuchKey" || word === "NotFound" || word === "InvalidRange"
      ? "The bucket does not have these bytes; are `bucket` and `prefix` those that the workers write to?"
      : `Reading the bucket${endpoint === undefined ? "" : ` at ${new URL(endpoint).host}`} failed: ${word ?? statusOf(error) ?? "unknown error"}`;
  return new BlobError(ref, what);
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function isMissingSdk(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
}
