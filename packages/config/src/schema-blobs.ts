import { file, filled, map, oneOf, pattern, variable, yesNo } from "./schema-parts.ts";

/** `blobs`: a folder, or an S3 bucket. */
export const blobsBlock = map(
  {
    dir: filled(
      "expected a folder",
      "Where raw messages and attachments are kept; with s3, where large ones wait for their upload. Default blobs under dataDir.",
    ),
    s3: map(
      {
        bucket: pattern(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "expected a bucket's name, such as mail-blobs", "The bucket; it must exist."),
        region: pattern(/^[a-z0-9-]{1,40}$/, "expected a region, such as eu-central-1", "Its region. Needed without endpoint."),
        endpoint: filled("expected a URL, such as https://minio.internal:9000", "Of another server than Amazon's; https, or loopback."),
        prefix: pattern(
          /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\/?$/,
          "expected names separated by slashes, such as mailfleet/blobs",
          "What all keys begin with. Default none.",
        ),
        forcePathStyle: yesNo("The bucket in the path, not in the host's name. Default true with endpoint, else false."),
        accessKeyId: pattern(
          /^[A-Za-z0-9._-]{3,128}$/,
          "expected an access key id",
          "Absent: the machine's role, or what AWS's SDK finds else.",
        ),
        secretKeyFile: file("the secret access key"),
        secretKeyEnv: variable("the secret access key"),
        serverSideEncryption: oneOf(
          ["AES256", "aws:kms"],
          "Asked for with each object. Default AES256 without endpoint; else as the bucket is set up.",
        ),
        kmsKeyId: filled("expected a key's id or ARN", "With aws:kms; absent: the account's own key."),
      },
      "An S3 bucket in place of the folder.",
      { required: ["bucket"] },
    ).optional(),
  },
  "The claim-check store.",
).optional();
