import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { openQueuesToLookAt } from "@mailfleet/queue";

type Queue = ReturnType<typeof openQueuesToLookAt>[number];
type Job = NonNullable<Awaited<ReturnType<BullMQAdapter["getJob"]>>>;

const sealed = "Not shown here: the page Dead letters reveals one message at a time, and writes it down.";
/** bull-board takes a job with a reason for a failed one. */
const sealedReason = "The consumer's words are on the page Dead letters.";

/**
 * A queue as the board may see it: counts, times and ids of jobs, and nothing that a message, a mailbox or a consumer said. Not by
 * bull-board's formatters, which leave out reasons, stack traces, options and logs: what is not named here is not there.
 */
export class SealedQueue extends BullMQAdapter {
  /** @param shard its number where there are several, for its name */
  constructor(queue: Queue, shard: number | undefined) {
    super(queue, { readOnlyMode: true, allowRetries: false, ...(shard !== undefined && { prefix: `${shard}-` }) });
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job && sealJob(job);
  }

  override async getJobs(...asked: Parameters<BullMQAdapter["getJobs"]>): Promise<Job[]> {
    const jobs = await super.getJobs(...asked);
    // Those that were taken away meanwhile are empty.
    return jobs.flatMap((job: Job | undefined) => (job ? [sealJob(job)] : []));
  }

  /** Names and addresses of others' connections, by a command that no user of deploy/redis/users.acl may use: the board leaves them out then. */
  override getWorkers(): Promise<never> {
    return Promise.reject(new Error(sealed));
  }

  override getJobLogs(): Promise<string[]> {
    return Promise.resolve([]);
  }
}

/** As far as bull-board reads a job that it only shows. */
function sealJob(job: Job): Job {
  const { id, name, timestamp, processedOn, finishedOn, attemptsMade, delay, failedReason } = job;
  const facts = {
    id,
    name,
    timestamp,
    ...(processedOn !== undefined && { processedOn }),
    ...(finishedOn !== undefined && { finishedOn }),
    attemptsMade,
    delay,
    progress: 0,
    opts: {},
    data: sealed,
    returnvalue: null,
    stacktrace: [],
    ...(failedReason && { failedReason: sealedReason }),
  };
  return { toJSON: () => facts, getState: () => job.getState() } as unknown as Job;
}
