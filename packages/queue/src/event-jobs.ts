import { hash } from "node:crypto";
import { Job, type JobsOptions, type Queue } from "bullmq";

/**
 * How every event is queued: retried with capped exponential backoff and jitter by the consumer's worker, removed when completed,
 * kept as a dead letter when exhausted. Part of the contract.
 */
export const eventJobOptions: JobsOptions = {
  attempts: 8,
  backoff: { type: "exponential", delay: 1_000, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: false,
  stackTraceLimit: 5,
};

/** BullMQ reads ids into keys and lists: long ones become a hash of the key. 8 KB folder names exist only in attacks. */
const longestPlainId = 300;

/** The BullMQ job id of an event: its id, or a hash of it. */
export function eventJobId(id: string): string {
  return id.length <= longestPlainId ? id : `key-${hash("sha256", id, "hex")}`;
}

/** What BullMQ passes to its script for a job of the queue: the nine keys, its key prefix, and the packed options. */
export interface JobTemplate {
  readonly keys: readonly string[];
  readonly prefix: string;
  readonly options: Buffer;
}

/**
 * Asks BullMQ itself, by adding a job to a client that only listens: nothing reaches Redis.
 * @param traceparent goes where BullMQ's own telemetry has it, so that every consumer that traces goes on under it
 */
export async function readJobTemplate(queue: Queue, traceparent?: string): Promise<JobTemplate> {
  let seen: unknown[] | undefined;
  const listener = {
    runCommand: (_name: string, args: unknown[]): Promise<string> => {
      seen = args;
      return Promise.resolve("1");
    },
  };
  const telemetry = traceparent === undefined ? {} : { telemetry: { metadata: JSON.stringify({ traceparent }) } };
  const probe = new Job(queue, "message.added", {}, { ...eventJobOptions, ...telemetry });
  await probe.addJob(listener as unknown as Parameters<typeof probe.addJob>[0]);
  if (seen?.length !== 12) throw new Error("BullMQ passes other arguments to its addStandardJob script than 9 keys and 3 values");
  const keys = seen.slice(0, 9) as string[];
  return { keys, prefix: queue.toKey(""), options: seen[11] as Buffer };
}
