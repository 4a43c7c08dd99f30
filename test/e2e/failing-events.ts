import { UnrecoverableError, Worker } from "bullmq";
import { redisKeys } from "@mailfleet/core";
import { redisOptions } from "@mailfleet/store";

/** A consumer that fails for good on so many of the messages that wait; other events it handles. */
export async function failEvents(redisUrl: string, count: number, say: string): Promise<void> {
  const { hostname, port } = new URL(redisUrl);
  // Two versions of one type do not meet under exactOptionalPropertyTypes.
  const connection: object = redisOptions({ host: hostname, port: Number(port), db: 0, tls: false });
  const worker = new Worker("messages", null, { connection, prefix: redisKeys().bullPrefix, autorun: false, name: "crm" });
  try {
    for (let n = 0; n < count;) {
      const job = await worker.getNextJob("token");
      if (!job) throw new Error("no event waits");
      if (job.name !== "message.added") {
        await job.moveToCompleted(null, "token", false);
        continue;
      }
      n++;
      await job.moveToFailed(new UnrecoverableError(say), "token");
    }
  } finally {
    await worker.close();
  }
}
