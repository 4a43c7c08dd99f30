import { type Queue, QueueEvents } from "bullmq";
import { type MailEvent, queueNames } from "@mailfleet/core";
import type { QueueOptions } from "./queues.ts";

/** An event that entered the queue. */
export interface FollowedEvent {
  /** The job's id, which is the event's key unless that was very long. */
  readonly id: string;
  readonly type: string;
  /** Absent when a consumer was faster. */
  readonly event: MailEvent | undefined;
}

/**
 * Tells of every event that enters the `messages` queue from now on, without consuming it. It reads the queue's own stream of what
 * happened, which keeps the latest 10,000 or so: who looks slower than that misses some.
 */
export function followEvents(
  options: QueueOptions & { readonly queue: Queue },
  onEvent: (followed: FollowedEvent) => void,
): { close(): Promise<void> } {
  const { connection, keys, queue } = options;
  const stream = new QueueEvents(queueNames.messages, { connection, prefix: keys.bullPrefix });
  stream.on("error", () => undefined);
  // One after the other, so that they are told in the queue's order.
  let last: Promise<unknown> = Promise.resolve();
  stream.on("added", ({ jobId, name }) => {
    const reading = queue.getJob(jobId).catch(() => undefined);
    last = last.then(async () => onEvent({ id: jobId, type: name, event: (await reading)?.data as MailEvent | undefined }));
  });
  return {
    async close() {
      await stream.close();
      await last;
    },
  };
}
