export { createFileStore, type FileStoreOptions } from "./file-store.ts";
export { type BlobLocation, formatRef, packMagic, parseRef, type RecordHead } from "./pack-format.ts";
export { type FreeSpace, readFreeSpace } from "./free-space.ts";
