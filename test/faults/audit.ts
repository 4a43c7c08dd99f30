import type { Queue } from "bullmq";
import type { MailboxRef, MailEvent } from "@mailfleet/core";
import type { Sandbox } from "@mailfleet/sandbox";

/** What the queue holds against what the server holds. */
export interface Audit {
  /** On the server, and in no event. */
  readonly lost: number;
  /** In more than one event. */
  readonly twice: number;
  /** In an event, and not on the server. */
  readonly unexpected: number;
  /** Offered to the queue again while it was still there, and refused by its key. */
  readonly offeredAgain: number;
}

/** One mailbox's messages, each of which must be in exactly one event. For a queue that nobody consumes. */
export async function audit(sandbox: Sandbox, mailbox: MailboxRef, queue: Queue): Promise<Audit> {
  const truth = [...sandbox.truth()]
    .filter((one) => one.isMail && one.address === mailbox.address)
    .map((one) => `${one.folder} ${one.uid} ${one.sha256()}`);
  return compare(truth, await identities(queue), await countOfferedAgain(queue));
}

export function compare(truth: readonly string[], handed: readonly string[], offeredAgain: number): Audit {
  const expected = new Set(truth);
  const found = new Set(handed);
  return {
    lost: truth.filter((one) => !found.has(one)).length,
    twice: handed.length - found.size,
    unexpected: [...found].filter((one) => !expected.has(one)).length,
    offeredAgain,
  };
}

async function identities(queue: Queue): Promise<string[]> {
  const jobs = await queue.getJobs(["waiting", "active", "delayed", "failed"], 0, -1, true);
  return jobs.flatMap((job) => {
    const event = job.data as MailEvent;
    if (event.type !== "message.added" && event.type !== "message.quarantined") return [];
    return [`${event.folder.path} ${event.uid} ${event.raw?.sha256}`];
  });
}

/** BullMQ notes in its stream that it was given a job that it has already. */
async function countOfferedAgain(queue: Queue): Promise<number> {
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as {
    xrange(key: string, start: string, end: string): Promise<readonly (readonly [string, readonly string[]])[]>;
  };
  const entries = await client.xrange(queue.toKey("events"), "-", "+");
  return entries.filter(([, fields]) => JSON.stringify(fields).includes("duplicated")).length;
}
