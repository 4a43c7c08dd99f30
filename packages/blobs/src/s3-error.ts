import { bucketTrouble, syncError } from "@mailfleet/core";
import { unavailable } from "./disk.ts";

type Verb = "read" | "write" | "list" | "delete";

const fullCodes: ReadonlySet<string> = new Set(["XMinioStorageFull", "QuotaExceeded", "EntityTooLarge"]);
/** Errors of S3 quote keys, ids and what was signed; a name of this shape does not. */
const codeShape = /^[A-Za-z][A-Za-z0-9_.]{0,63}$/;

/** @returns a SyncError BLOB_UNAVAILABLE or BLOB_STORE_FULL in our words; nothing that the server wrote but its error's name is quoted */
export function asS3Error(error: unknown, verb: Verb): Error {
  if (error instanceof Error && error.name === "SyncError") return error;
  const code = s3Code(error);
  if (fullCodes.has(code)) {
    return syncError(
      "BLOB_STORE_FULL",
      `The bucket of the blob store takes no more (${code}). No message is lost: nothing was committed.`,
      {
        layer: "blobs",
        code,
      },
    );
  }
  const { cause } = bucketTrouble(code);
  return unavailable(`The blob store cannot ${verb} (${code}). ${cause} No message is lost: nothing was committed.`, code);
}

/** The error's own name: `NoSuchBucket`, `ECONNREFUSED`, `TimeoutError`; `HTTP503` where it has none. */
export function s3Code(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  const { code, name } = error as Error & { readonly code?: unknown };
  const status = (error as { readonly $metadata?: { readonly httpStatusCode?: unknown } }).$metadata?.httpStatusCode;
  for (const one of [code, name]) {
    if (typeof one === "string" && codeShape.test(one) && !meaningless.has(one)) return one;
  }
  return typeof status === "number" ? `HTTP${status}` : "UNKNOWN";
}

const meaningless: ReadonlySet<string> = new Set(["Error", "UnknownError", "Unknown", "AggregateError", "S3ServiceException"]);
