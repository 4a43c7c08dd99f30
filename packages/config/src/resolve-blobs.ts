import { resolve } from "node:path";
import type { BlobsConfig, S3Config } from "./config.ts";
import { readSecret } from "./files.ts";
import { isLinkLocal, isLoopback } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import type { FileConfig } from "./schema.ts";
import { describeValue } from "./show.ts";

type S3Block = NonNullable<NonNullable<FileConfig["blobs"]>["s3"]>;

const place = ["blobs", "s3"];

export function resolveBlobs(reading: Reading, blobs: FileConfig["blobs"], dataDir: string): BlobsConfig {
  const dir = blobs?.dir === undefined ? resolve(dataDir, "blobs") : resolve(reading.folder, blobs.dir);
  const s3 = blobs?.s3 && resolveS3(reading, blobs.s3);
  return { dir, ...(s3 && { s3 }) };
}

function resolveS3(reading: Reading, given: S3Block): S3Config | undefined {
  const { bucket, endpoint, prefix = "", accessKeyId, kmsKeyId } = given;
  const secret = readSecret(
    reading,
    place,
    { file: given.secretKeyFile, env: given.secretKeyEnv },
    { file: "secretKeyFile", env: "secretKeyEnv" },
  )?.secret;
  const hasSecret = given.secretKeyFile !== undefined || given.secretKeyEnv !== undefined;
  if ((accessKeyId === undefined) === hasSecret) {
    reading.report(
      place,
      hasSecret ? "has a secret key without accessKeyId" : "has accessKeyId without its secret",
      "expected accessKeyId with secretKeyFile or secretKeyEnv, or none of them",
    );
  }
  if (endpoint !== undefined) checkEndpoint(reading, endpoint);
  else if (given.region === undefined && !reading.hasProblem([...place, "region"]))
    reading.report([...place, "region"], "is missing", "expected the bucket's region, such as eu-central-1");
  const serverSideEncryption = given.serverSideEncryption ?? (endpoint === undefined ? "AES256" : undefined);
  if (kmsKeyId !== undefined && serverSideEncryption !== "aws:kms")
    reading.report([...place, "kmsKeyId"], "stands without serverSideEncryption: aws:kms", "expected both or none");
  if (bucket === undefined) return undefined;
  return {
    bucket,
    // Servers other than Amazon's take this one, unless they were told another.
    region: given.region ?? "us-east-1",
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    forcePathStyle: given.forcePathStyle ?? endpoint !== undefined,
    ...(endpoint !== undefined && { endpoint }),
    ...(accessKeyId !== undefined && secret && { credentials: { accessKeyId, secretAccessKey: secret } }),
    ...(serverSideEncryption && { serverSideEncryption }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
  };
}

/** Mail never goes over a network in the clear (T66). */
function checkEndpoint(reading: Reading, text: string): void {
  const path = [...place, "endpoint"];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return reading.report(path, describeValue(text), "expected a URL, such as https://minio.internal:9000");
  if (isLinkLocal(url.hostname)) return reading.report(path, "is a link-local address, where no bucket is", "expected the bucket's server");
  if (url.username !== "" || url.password !== "")
    return reading.report(path, "has a password in it (not shown)", "expected accessKeyId with secretKeyFile or secretKeyEnv");
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    reading.report(path, "would send mail in the clear", "expected https, or a loopback address");
}
