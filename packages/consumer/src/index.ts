export { blobFolder, type BlobPointer, type BlobReader } from "./blob-folder.ts";
export { consume, type ConsumeOptions, type Consumer, type Handler, type HandlerContext } from "./consume.ts";
export { BlobError, GiveUp, RetryLater } from "./errors.ts";
export {
  type Address,
  type Attachment,
  type Blob,
  eventId,
  type EventOf,
  type EventType,
  type Folder,
  type FolderReset,
  type MailboxParked,
  type MailboxResumed,
  type MailfleetEvent,
  type Message,
  type MessageAdded,
  type MessageFlags,
  type MessageQuarantined,
  type MessageRekeyed,
  type MessageRemoved,
  type Quarantine,
} from "./event.ts";
export type { Filters } from "./filters.ts";
export { localFleet, type LocalFleet } from "./local-fleet.ts";
export { type DoneMemory, onlyOnce, redisMemory, type RedisMemoryOptions } from "./only-once.ts";
export { oneLine } from "./one-line.ts";
export { htmlOf, textOf } from "./openable.ts";
export { s3Blobs, type S3BlobsOptions } from "./s3-blobs.ts";
export { safeFileName } from "./safe-file-name.ts";
export { shardPrefixes } from "./shards.ts";
