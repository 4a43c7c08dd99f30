import type { Fleet } from "@mailfleet/checks";
import type { MailEvent } from "@mailfleet/core";
import { startConsumer } from "@mailfleet/queue";
import type { LatestEvent } from "./panel.ts";

/** The consumer of the demo: it acknowledges every event and remembers the latest few, without what their senders wrote. */
export interface SampleConsumer {
  readonly count: number;
  /** Newest first. */
  latest(): readonly LatestEvent[];
  close(): Promise<void>;
}

/** Its work is nothing but round trips, so many at once keep up with any worker. */
const concurrency = 64;
const remembered = 20;

export function startSampleConsumer(fleet: Fleet, now: () => number): SampleConsumer {
  let latest: LatestEvent[] = [];
  let count = 0;
  const handle = (event: MailEvent): void => {
    count++;
    if (event.lane !== "fresh") return;
    const seen: LatestEvent = {
      type: event.type,
      tenant: event.tenant,
      mailbox: event.mailbox,
      folder: "folder" in event ? event.folder.path : "",
      uid: "uid" in event ? event.uid : undefined,
      uidl: "uidl" in event ? event.uidl : undefined,
      at: now(),
    };
    if ("folder" in event) latest = [seen, ...latest].slice(0, remembered);
  };
  const consumers = fleet.shards.map(({ connection, keys }) => startConsumer({ connection, keys, concurrency, handle }));
  return {
    get count() {
      return count;
    },
    latest: () => latest,
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()));
    },
  };
}
