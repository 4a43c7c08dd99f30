export { createFileStore, type FileStoreOptions } from "./file-store.ts";
export { type FreeSpace, readFreeSpace } from "./free-space.ts";
export { type BlobsPlace, lookAtBucket, openBlobStore } from "./open-blob-store.ts";
export { type BlobLocation, formatRef, packMagic, parseRef, type RecordHead } from "./pack-format.ts";
export { createS3Store, type S3StoreOptions } from "./s3-store.ts";
export type { S3Place } from "./s3-place.ts";
