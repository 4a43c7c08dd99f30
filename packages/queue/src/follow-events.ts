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

/** BullMQ's client, as far as it is needed. */
interface StreamClient {
  xrevrange(
    key: string,
    end: string,
    start: string,
    count: "COUNT",
    n: number,
  ): Promise<readonly (readonly [id: string, fields: unknown])[]>;
}

/**
 * Tells of every event that enters the `messages` queue after this resolved, without consuming it. It reads the queue's own stream of
 * what happened, which keeps the latest 10,000 or so: who looks slower than that misses some.
 */
export async function followEvents(
  options: QueueOptions & { readonly queue: Queue },
  onEvent: (followed: FollowedEvent) => void,
): Promise<{ close(): Promise<void> }> {
  const { connection, keys, queue } = options;
  // A definite place to begin: BullMQ's own `$` means "from now on" anew at every empty read, and misses what comes in between.
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as StreamClient;
  const [newest] = await client.xrevrange(queue.toKey("events"), "+", "-", "COUNT", 1);
  const stream = new QueueEvents(queueNames.messages, { connection, prefix: keys.bullPrefix, lastEventId: newest?.[0] ?? "0-0" });
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
