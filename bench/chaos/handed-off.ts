import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { type BlobPointer, type BlobStore, type FolderLedger, type MailEvent, mailboxId, redisKeys } from "@mailfleet/core";
import { pointersOf } from "@mailfleet/testkit/servers";

const keys = redisKeys();

/** Reads what the fleet left in Redis. Nobody takes events in a run, so the queue is the whole history, in order. */
export class HandedOff {
  readonly #redis: Redis;
  readonly #url: string;
  /** Event ids that BullMQ found to be there already. */
  readonly repeatedIds: string[] = [];
  #seenUpTo = "0";

  constructor(url: string) {
    this.#url = url;
    this.#redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 200, enableOfflineQueue: false, lazyConnect: true });
    // Redis is killed on purpose.
    this.#redis.on("error", () => undefined);
    this.#redis.connect().catch(() => undefined);
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** Events in the queue, or undefined while Redis is away. */
  async count(): Promise<number | undefined> {
    try {
      return await this.#redis.llen(`${keys.bullPrefix}:messages:wait`);
    } catch {
      return undefined;
    }
  }

  /** BullMQ keeps the last ten thousand happenings of a queue; asked often enough, none is missed. */
  async noteRepeated(): Promise<void> {
    try {
      const entries = await this.#redis.xrange(`${keys.bullPrefix}:messages:events`, `(${this.#seenUpTo}`, "+");
      for (const [id, fields] of entries) {
        this.#seenUpTo = id;
        const value = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
        if (value("event") === "duplicated") this.repeatedIds.push(value("jobId") ?? id);
      }
    } catch {
      // Asked again when Redis is back.
    }
  }

  async history(): Promise<readonly MailEvent[]> {
    const { hostname, port } = new URL(this.#url);
    const queue = new Queue("messages", { connection: { host: hostname, port: Number(port) }, prefix: keys.bullPrefix });
    try {
      const found: MailEvent[] = [];
      const total = await queue.getWaitingCount();
      const page = 1_000;
      for (let from = 0; from < total; from += page) {
        for (const job of await queue.getJobs(["waiting"], from, from + page - 1, true)) found.push(job.data as MailEvent);
      }
      return found;
    } finally {
      await queue.close();
    }
  }

  /** Every folder's, and the sums that mailboxes, tenants and the fleet keep. */
  async ledgers(boxes: readonly { readonly tenant: string; readonly address: string }[]): Promise<ReadonlyMap<string, FolderLedger>> {
    const all = new Map<string, FolderLedger>();
    for (const box of boxes) {
      const id = mailboxId(box);
      for (const [folder, text] of Object.entries(await this.#redis.hgetall(keys.checkpoints(id)))) {
        all.set(`${id} ${folder}`, toLedger((text.split("\n")[2] ?? "").split(" ")));
      }
      all.set(id, await this.#sum(keys.mailbox(id)));
      all.set(box.tenant, await this.#sum(keys.tenantLedger(box.tenant)));
    }
    all.set("the fleet", await this.#sum(keys.fleetLedger));
    return all;
  }

  async #sum(key: string): Promise<FolderLedger> {
    return toLedger(await this.#redis.hmget(key, "l", "h", "e", "q", "t"));
  }

  /** Mailboxes that are not at rest: with a cause, with history to do, or not looked at since `since`. */
  async restless(boxes: readonly { readonly tenant: string; readonly address: string }[], since: number): Promise<readonly string[]> {
    const found: string[] = [];
    for (const box of boxes) {
      const id = mailboxId(box);
      const [checkedAt, cause, history, toDo] = await this.#redis.hmget(keys.mailbox(id), "checkedAt", "cause", "history", "t");
      if (cause) found.push(`${id}: ${cause}`);
      else if (history === "1" || Number(toDo ?? 0) !== 0) found.push(`${id}: history is left`);
      else if (Number(checkedAt ?? 0) <= since) found.push(`${id}: not checked since`);
    }
    return found;
  }
}

/** Reads every claim check there is, and names those whose bytes are not what they should be. */
export async function findMissingBlobs(store: BlobStore, history: readonly MailEvent[]): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  const look = async (pointer: BlobPointer): Promise<void> => {
    await store.read(pointer).catch(() => missing.add(pointer.ref));
  };
  for (const event of history) {
    if (event.type === "message.added" || event.type === "message.quarantined")
      for (const pointer of pointersOf(event)) await look(pointer);
    if (event.type === "message.rekeyed" && event.raw) await look(event.raw);
  }
  return missing;
}

function toLedger(values: readonly (string | null)[]): FolderLedger {
  const [listed = 0, handedOff = 0, excluded = 0, quarantined = 0, toDo = 0] = values.map((value) => Number(value ?? 0));
  return { listed, handedOff, excluded, quarantined, toDo };
}
