export { peekEvents, type SampleConsumerOptions, startConsumer } from "./consumer.ts";
export { createIntakeWatch, type IntakeWatch, type LoadClient, readDownstream, type Watched } from "./downstream-load.ts";
export { eventJobId, eventJobOptions } from "./event-jobs.ts";
export { followEvents, type FollowedEvent } from "./follow-events.ts";
export { createHandOff, type HandOffOptions } from "./hand-off.ts";
export { openMessagesQueue, openSyncQueues, type QueueOptions, type SyncQueues } from "./queues.ts";
export { readSyncJob, type SyncJob } from "./sync-jobs.ts";
export { startSyncWorker, type SyncWorker, type SyncWorkerOptions } from "./sync-worker.ts";
