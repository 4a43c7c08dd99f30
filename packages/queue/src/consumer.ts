import { type Queue, Worker } from "bullmq";
import { type MailEvent, queueNames, type RedisKeys } from "@mailfleet/core";
import type { RedisClientOptions } from "./queues.ts";

export interface SampleConsumerOptions {
  readonly connection: RedisClientOptions;
  readonly keys: RedisKeys;
  readonly concurrency: number;
  readonly handle: (event: MailEvent) => Promise<void> | void;
}

/** A consumer of the `messages` queue, as any BullMQ client can be one. */
export function startConsumer(options: SampleConsumerOptions): { close(): Promise<void> } {
  const worker = new Worker<MailEvent>(queueNames.messages, async (job) => options.handle(job.data), {
    connection: options.connection,
    prefix: options.keys.bullPrefix,
    concurrency: options.concurrency,
  });
  worker.on("error", () => undefined);
  return { close: () => worker.close() };
}

/** The newest events that wait, without consuming them, newest last. */
export async function peekEvents(queue: Queue, count: number): Promise<MailEvent[]> {
  const jobs = await queue.getJobs(["waiting", "active", "delayed", "failed"], 0, count - 1, false);
  return jobs
    .filter((job) => job !== undefined)
    .reverse()
    .sort((a, b) => a.timestamp - b.timestamp)
    .slice(-count)
    .map((job) => job.data as MailEvent);
}
