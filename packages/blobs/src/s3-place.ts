import type { Secret } from "@mailfleet/core";

/** Where the packs lie in an S3 bucket, and how it is reached. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** URL of another server than Amazon's. */
  readonly endpoint?: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** The bucket in the path and not in the host's name, as most servers other than Amazon's want it. */
  readonly forcePathStyle: boolean;
  /** Absent: the SDK's own chain of environment, shared files, web identity and the machine's role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: Secret };
  /** Asked for with each object; absent: as the bucket is set up. */
  readonly serverSideEncryption?: "AES256" | "aws:kms";
  readonly kmsKeyId?: string;
}
