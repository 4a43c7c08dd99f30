import { formatDuration } from "../words/times.ts";
import { failed, type StepVerdict } from "./finding.ts";

/** What the doctor saw of the blob store's bucket, by writing, reading, listing and deleting one small object. */
export type BucketLook =
  | { readonly kind: "ready"; readonly bucket: string; readonly tookMs: number }
  | {
      readonly kind: "refused";
      readonly bucket: string;
      readonly at: "write" | "read" | "list" | "delete";
      /** The error's own name: `NoSuchBucket`, `ECONNREFUSED`. */
      readonly code: string;
    };

/** Where an administrator looks, by the name of an error of S3 or of the network. Total: an unknown one has words as well. */
export function bucketTrouble(code: string): { readonly cause: string; readonly conclusion: string } {
  switch (code) {
    case "NoSuchBucket":
      return {
        cause: "There is no bucket of this name at this place: look at blobs.s3.bucket, region and endpoint.",
        conclusion: "there is no such bucket",
      };
    case "AccessDenied":
    case "Forbidden":
    case "AllAccessDisabled":
    case "HTTP403":
      return {
        cause:
          "The bucket refuses mailfleet: its identity needs s3:PutObject, s3:GetObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and s3:ListBucket and s3:ListBucketMultipartUploads on the bucket.",
        conclusion: "the bucket refuses mailfleet",
      };
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "InvalidToken":
      return {
        cause:
          "The access key is not known there, or its secret is another: look at blobs.s3.accessKeyId and secretKeyFile or secretKeyEnv.",
        conclusion: "the bucket's access key is wrong",
      };
    case "ExpiredToken":
      return {
        cause:
          "The credentials for the bucket have ended, and temporary ones of the environment are not renewed by themselves: give the machine a role, or set blobs.s3.accessKeyId with secretKeyFile or secretKeyEnv.",
        conclusion: "the credentials for the bucket have ended",
      };
    case "CredentialsProviderError":
      return {
        cause:
          "There are no credentials for the bucket: set blobs.s3.accessKeyId with secretKeyFile or secretKeyEnv, or give the machine a role.",
        conclusion: "there are no credentials for the bucket",
      };
    case "RequestTimeTooSkewed":
      return { cause: "The clock of this machine is more than 15 minutes off: start a time service.", conclusion: "the clock is wrong" };
    case "AuthorizationHeaderMalformed":
    case "PermanentRedirect":
    case "TemporaryRedirect":
    case "IllegalLocationConstraintException":
    case "HTTP301":
      return { cause: "The bucket is in another region: look at blobs.s3.region.", conclusion: "the bucket is in another region" };
    case "NoSuchKey":
    case "NotFound":
    case "InvalidRange":
      return {
        cause: "The bucket does not have these bytes: they were removed, or the prefix is another one.",
        conclusion: "the bucket does not have what was put there",
      };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return {
        cause: "The name of its server is not resolved: look at blobs.s3.endpoint, and bucket where the bucket stands in the name.",
        conclusion: "the bucket's server is not found",
      };
    case "ECONNREFUSED":
      return { cause: "Nothing listens there: look at blobs.s3.endpoint.", conclusion: "the bucket's server does not answer" };
    case "SlowDown":
    case "ServiceUnavailable":
    case "InternalError":
    case "ThrottlingException":
    case "RequestLimitExceeded":
    case "HTTP500":
    case "HTTP503":
      return {
        cause: "The server of the bucket is overloaded or out of order; mailfleet tries again by itself.",
        conclusion: "the bucket's server is overloaded",
      };
    case "WrongLength":
    case "ListCut":
      return {
        cause:
          "What it answered is not whole, and looks as if it were: look at proxies between here and the bucket, and at blobs.s3.endpoint.",
        conclusion: "answers of the bucket are cut on their way",
      };
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        cause:
          "Its certificate is not believed: give an authority of your own in NODE_EXTRA_CA_CERTS, and set forcePathStyle if the bucket's name is not in it.",
        conclusion: "the certificate of the bucket's server is not believed",
      };
    default:
      return {
        cause: "The server of the bucket did not do what it was asked; mailfleet tries again by itself.",
        conclusion: "the bucket does not answer as it should",
      };
  }
}

/** Undefined where the bucket does what is asked of it. */
export function bucketVerdict(look: BucketLook): StepVerdict | undefined {
  if (look.kind === "ready") return undefined;
  const { bucket, at, code } = look;
  const { cause, conclusion } = bucketTrouble(code);
  return failed("this machine", {
    code: "BLOB_UNAVAILABLE",
    certainty: "certain",
    happened: `cannot ${verbs[at]} the bucket ${bucket} (${code}).`,
    cause,
    conclusion,
  });
}

const verbs = { write: "write to", read: "read from", list: "list", delete: "delete from" } as const;

/** Half a sentence: `bucket mail-blobs in 0.2 s`. */
export function bucketWords({ bucket, tookMs }: Extract<BucketLook, { kind: "ready" }>): string {
  return `bucket ${bucket} written and read in ${formatDuration(tookMs)}`;
}
