import { Redis } from "ioredis";
import { queueNames, redisKeys } from "@mailfleet/core";
import type { Delivery } from "../kit/sandbox-process.ts";

/** When messages entered the queue: by Redis' own clock, from the stream that BullMQ keeps, so a busy reader does not make them late. */
export interface EventTimes {
  /** Epoch ms; undefined: not yet. */
  of(delivery: Delivery): number | undefined;
  close(): Promise<void>;
}

const blockMs = 200;
const mostAtOnce = 5_000;
const stream = `${redisKeys().bullPrefix}:${queueNames.messages}:events`;

/** @param isWanted of a tenant's alias: the backlog's events are many, and nobody asks for them */
export async function followEventTimes(url: string, isWanted: (alias: string) => boolean): Promise<EventTimes> {
  const redis = new Redis(url);
  const times = new Map<string, number>();
  const over = new AbortController();
  let last = (await redis.xrevrange(stream, "+", "-", "COUNT", 1))[0]?.[0] ?? "0-0";
  const read = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const [found] = (await redis.xread("COUNT", mostAtOnce, "BLOCK", blockMs, "STREAMS", stream, last)) ?? [];
      for (const [id, fields] of found?.[1] ?? []) {
        last = id;
        // event, added, jobId, ID, name, TYPE. The id is `tenant/address/folder/place/uid`.
        if (fields[1] !== "added" || fields[5] !== "message.added") continue;
        const [alias = "", address = "", folder, , uid = ""] = (fields[3] ?? "").split("/");
        if (folder === "INBOX" && isWanted(alias)) times.set(`${address}/${uid}`, Number(id.split("-")[0]));
      }
    }
  };
  const reading = read();
  // Whoever waits for times learns it from `close`.
  reading.catch(() => undefined);
  return {
    of: ({ address, uid }) => times.get(`${address}/${uid}`),
    async close() {
      over.abort();
      await reading;
      redis.disconnect();
    },
  };
}
