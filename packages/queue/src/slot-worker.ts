import { type Job, type Processor, Worker, type WorkerOptions } from "bullmq";
import type { SharedSlots } from "./shared-slots.ts";

/**
 * A worker of one shard's queue that shares its slots with those of the other shards. It fetches a job when it has a slot for it and not
 * before, so that a job waits in its queue, where any worker can take it, and not at one that has no time.
 *
 * Overridden are the two methods through which BullMQ's main loop gets jobs: `moveToActive`, and `processJob`, which fetches the next one
 * as it ends. BullMQ is pinned; `shared-slots.redis.test.ts` notices when either is left out.
 */
export class SlotWorker extends Worker {
  readonly #slots: SharedSlots;
  /** Jobs that have a slot and were not begun yet: the main loop begins them when it has no more to fetch, so it may not wait for a slot then. */
  readonly #fetched = new Set<Job>();
  #wait = new AbortController();

  constructor(name: string, processor: Processor, options: WorkerOptions, slots: SharedSlots) {
    // Begun below: the main loop needs the fields of this class.
    super(name, processor, { ...options, autorun: false });
    this.#slots = slots;
    this.on("closing", () => this.#wait.abort());
    this.run().catch((error: unknown) => this.emit("error", error as Error));
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    // BullMQ's types leave out that there may be none.
    const none = undefined as unknown as Job;
    if (!(await this.#takeSlot())) return none;
    if (this.paused || this.closing !== undefined) {
      this.#slots.giveBack();
      return none;
    }
    let job: Job | undefined;
    try {
      job = await super.moveToActive(token, name);
    } finally {
      if (job === undefined) this.#slots.giveBack();
    }
    if (job !== undefined) this.#fetched.add(job);
    return job ?? none;
  }

  override async processJob(...[job, token, fetchNext = () => true]: Parameters<Worker["processJob"]>): Promise<void | Job> {
    this.#fetched.delete(job);
    let next: void | Job = undefined;
    try {
      // Who waits for a slot is first.
      next = await super.processJob(job, token, () => !this.#slots.isWanted() && fetchNext());
    } finally {
      if (next === undefined) this.#slots.giveBack();
    }
    if (next !== undefined) {
      this.#fetched.add(next);
      // The main loop may be waiting for a slot, and would not begin it before: its slots could all be such ones.
      this.#wait.abort();
    }
    return next;
  }

  async #takeSlot(): Promise<boolean> {
    if (this.#slots.tryTake()) return true;
    if (this.#fetched.size > 0 || this.closing !== undefined) return false;
    // The word that there is a job reached this worker, which has no time for it: passed on to one that has.
    await this.#passOn().catch(() => undefined);
    if (this.#fetched.size > 0 || this.closing !== undefined) return false;
    this.#wait = new AbortController();
    return this.#slots.take(this.#wait.signal);
  }

  async #passOn(): Promise<void> {
    const { client } = this.getBackend() as unknown as {
      client: Promise<{ zadd(key: string, score: number, member: string): Promise<unknown> }>;
    };
    await (await client).zadd(this.toKey("marker"), 0, "0");
  }
}
