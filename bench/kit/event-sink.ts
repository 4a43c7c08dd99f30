import { Queue, type QueueOptions } from "bullmq";
import { queueNames, redisKeys } from "@mailfleet/core";
import { redisOptions } from "@mailfleet/store";

/** Takes events out of the queue as they come, without looking at them: consumers that keep up, and whose work is not in any figure. */
export interface EventSink {
  /** Once more, and not again. */
  close(): Promise<void>;
}

/**
 * One script takes all that wait: of a second's events, with a backlog, it stops Redis for 40 ms, as no consumer does. Rarely enough to cost
 * an idle Redis nothing; far below the mark at which intake slows.
 */
const everyMs = 100;

export function startEventSink(redisUrl: string): EventSink {
  const { hostname: host, port } = new URL(redisUrl);
  const connection = redisOptions({ host, port: Number(port), db: 0, tls: false }) as QueueOptions["connection"];
  const queue = new Queue(queueNames.messages, { connection, prefix: redisKeys().bullPrefix });
  queue.on("error", () => undefined);
  let draining: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    draining = draining.then(() => queue.drain(true)).catch(() => undefined);
  }, everyMs);
  return {
    async close() {
      clearInterval(timer);
      await draining;
      await queue.drain(true);
      await queue.close();
    },
  };
}
