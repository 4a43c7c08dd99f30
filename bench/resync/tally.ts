import { createHash } from "node:crypto";
import { Worker } from "bullmq";
import { queueNames, type RedisKeys } from "@mailfleet/core";

/** What came out of the queue, told by a consumer of its own. */
export interface Tally {
  /** Events by type since the last `restart`. */
  counts(): Readonly<Record<string, number>>;
  /** Job ids that came more than once, ever. */
  twice(): number;
  /** Messages that are known downstream now: added, minus removed, rekeyed ones under their last key. */
  known(): number;
  restart(): void;
  close(): Promise<void>;
}

interface Told {
  readonly key: string;
  readonly previousKey?: string;
}

/** Consumes everything; keys are kept as half a hash, so that 100,000 of them are small. */
export function startTally(connection: { host: string; port: number }, keys: RedisKeys): Tally {
  const ids = new Set<string>();
  const known = new Set<string>();
  let counts: Record<string, number> = {};
  let twice = 0;
  const short = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 16);
  const worker = new Worker<Told>(
    queueNames.messages,
    (job) => {
      const id = short(job.id ?? "");
      if (ids.has(id)) twice++;
      ids.add(id);
      counts[job.name] = (counts[job.name] ?? 0) + 1;
      const { key, previousKey } = job.data;
      if (job.name === "message.added" || job.name === "message.quarantined") known.add(short(key));
      if (job.name === "message.removed") known.delete(short(key));
      if (job.name === "message.rekeyed" && known.delete(short(previousKey ?? ""))) known.add(short(key));
      return Promise.resolve();
    },
    { connection, prefix: keys.bullPrefix, concurrency: 50 },
  );
  worker.on("error", () => undefined);
  return {
    counts: () => counts,
    twice: () => twice,
    known: () => known.size,
    restart: () => void (counts = {}),
    close: () => worker.close(),
  };
}
