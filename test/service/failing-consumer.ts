import { UnrecoverableError, Worker } from "bullmq";
import { redisOptions } from "@mailfleet/store";
import { sharedRedisUrl } from "@mailfleet/testkit";
import { keys, queue } from "./sync-bench.ts";

/**
 * A consumer that fails on the oldest events of the running test, for good.
 * @param say what it says of each
 * @returns the ids of the letters, in the order of failing
 */
export async function failOldest(count: number, say: string | ((n: number) => string), name?: string): Promise<string[]> {
  const { hostname, port } = new URL(sharedRedisUrl());
  // Two versions of one type do not meet under exactOptionalPropertyTypes.
  const connection: object = redisOptions({ host: hostname, port: Number(port), db: 0, tls: false });
  const worker = new Worker(queue.name, null, { connection, prefix: keys.bullPrefix, autorun: false, ...(name !== undefined && { name }) });
  const failed: string[] = [];
  try {
    for (let n = 0; n < count; n++) {
      const job = await worker.getNextJob("token");
      if (!job) throw new Error("no event waits");
      await job.moveToFailed(new UnrecoverableError(typeof say === "string" ? say : say(n)), "token");
      failed.push(job.id ?? "");
    }
  } finally {
    await worker.close();
  }
  return failed;
}
