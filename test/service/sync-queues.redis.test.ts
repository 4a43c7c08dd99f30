import { redisKeys } from "@mailfleet/core";
import { openSyncQueues, startSyncWorker, type SyncWorker } from "@mailfleet/queue";
import { redisOptions } from "@mailfleet/store";
import { sharedRedisUrl, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterEach, expect, test } from "vitest";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const mailbox = "contoso/support@contoso.example";

/** A queue whose worker does what the test says, and tells when it begins and ends. */
function begin(process: (run: number) => Promise<void>) {
  const { hostname, port } = new URL(sharedRedisUrl());
  const connection = redisOptions({ host: hostname, port: Number(port), db: 0, tls: false });
  const keys = redisKeys(uniqueName("queues"));
  const queues = openSyncQueues({ connection, keys, log: silentLog });
  let runs = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  const watchers: { readonly count: number; resolve(): void }[] = [];
  const worker: SyncWorker = startSyncWorker({
    lane: "fresh",
    concurrency: 4,
    connection,
    keys,
    log: silentLog,
    process: async () => {
      runs++;
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      await process(runs);
      atOnce--;
      for (const watcher of watchers) if (runs >= watcher.count) watcher.resolve();
      return {};
    },
  });
  closing.push(
    () => queues.close(),
    () => worker.drain(),
  );
  return {
    queues,
    mostAtOnce: () => mostAtOnce,
    ended: (count: number) => new Promise<void>((resolve) => watchers.push({ count, resolve })),
  };
}

test("a mailbox that falls due again while its job runs is looked at once more, right behind it and never beside it", async () => {
  const fleet = begin(async (run) => {
    // Twice: the second one says no more than the first.
    if (run === 1) for (let i = 0; i < 2; i++) await fleet.queues.add("fresh", [{ id: mailbox, isAhead: false }]);
  });
  const twice = fleet.ended(2);
  await fleet.queues.add("fresh", [{ id: mailbox, isAhead: false }]);
  await twice;
  expect(fleet.mostAtOnce()).toBe(1);
  expect(await fleet.queues.waiting("fresh")).toBe(0);
});
