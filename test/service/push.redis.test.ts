import type { MailSession } from "@mailfleet/core";
import { createMailboxStore } from "@mailfleet/store";
import { silentLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { until } from "../e2e/fleet.ts";
import { arrived, calmDown, connected, dueInMs, hour, id, mail, push, setUpPushFleet, work } from "./push-fleet.ts";
import { withMethod } from "./session-faults.ts";
import { address, events, keys, mailbox, noFault, ports, redis, sandbox, setUpSyncBench, world } from "./sync-bench.ts";

setUpSyncBench();
setUpPushFleet();

test("a message is handed off at once though the poll is an hour away", async () => {
  work(hour);
  await connected(push());
  await calmDown();
  sandbox.deliver(address, "INBOX", mail("at-once"));
  await arrived(["at-once"]);
});

test("a burst is handed off whole, with few pokes", async () => {
  work(hour);
  const started = push();
  await connected(started);
  await calmDown();
  const before = started.state().pokes;
  const wanted = Array.from({ length: 60 }, (_, i) => `burst-${i}`);
  for (const [i, subject] of wanted.entries()) {
    sandbox.deliver(address, "INBOX", mail(subject));
    if (i % 10 === 0) await ports.clock.sleep(50);
  }
  await arrived(wanted, 30_000);
  expect(started.state().pokes - before).toBeLessThan(10);
  expect(new Set((await events()).map(({ key }) => key)).size).toBe((await events()).length);
});

test("a server whose IDLE says nothing changes nothing: the mail comes with the poll", async () => {
  let idles = 0;
  const silent = withMethod("idle", (session: MailSession) => async (maxMs, signal) => {
    idles++;
    const quiet = new AbortController();
    signal.addEventListener("abort", () => quiet.abort(), { once: true });
    await session.idle(1, signal);
    await ports.clock.sleep(maxMs, quiet.signal).catch(() => undefined);
    return "quiet";
  });
  world.fault = silent;
  work(1_000);
  const started = push();
  await connected(started);
  const before = started.state().pokes;
  sandbox.deliver(address, "INBOX", mail("by-poll"));
  await arrived(["by-poll"]);
  expect(idles).toBeGreaterThan(0);
  expect(started.state().pokes).toBe(before);
});

test("what comes while push is not connected is handed off when it is again", async () => {
  let cut = (): void => undefined;
  world.fault = withMethod("idle", (session: MailSession) => (maxMs, signal) => {
    const isCut = new Promise<never>((_, reject) => {
      cut = () =>
        reject(
          Object.assign(new Error("cut"), {
            name: "SyncError",
            failure: { code: "SESSION_CLOSED", scope: "session", message: "cut", facts: { layer: "imap" } },
          }),
        );
    });
    return Promise.race([session.idle(maxMs, signal), isCut]);
  });
  work(hour);
  const started = push();
  await connected(started);
  await calmDown();
  world.fault = noFault;
  cut();
  sandbox.deliver(address, "INBOX", mail("in-the-gap"));
  await arrived(["in-the-gap"]);
  expect(started.state()).toMatchObject({ failures: 1, connects: 2 });
});

test("a session that works on the mailbox is told, and the mailbox is due again when it ends", async () => {
  const started = push();
  await connected(started);
  const store = createMailboxStore({ redis, keys, clock: ports.clock, chance: ports.chance, log: silentLog, worker: "other" });
  const lease = await store.acquire(mailbox, "fresh");
  sandbox.deliver(address, "INBOX", mail("meanwhile"));
  await until(
    () => redis.hget(keys.mailbox(id), "poke"),
    (poke) => poke === "1",
    30_000,
  );
  if (!lease) throw new Error("the mailbox was taken");
  await ports.handOff.settle(lease, { checked: true, opened: true, freshDueInMs: hour, events: [] });
  lease.stop();
  expect(await dueInMs()).toBeLessThan(5_000);
});

test("a mailbox that is refused keeps its cause and its time; push does not knock at it", async () => {
  sandbox.setRefused(address, true);
  try {
    work(hour);
    await until(
      () => redis.hget(keys.mailbox(id), "cause"),
      (cause) => cause !== null,
      30_000,
    );
    const before = sandbox.counters.commands.get("login refused") ?? 0;
    const started = push();
    // Looked at by a round, and put off; a mailbox that is held has an infinite time.
    await until(
      async () => (await redis.zscore(keys.pushFree("contoso"), id)) ?? "",
      (at) => at !== "inf" && Number(at) > Date.now(),
      30_000,
    );
    expect(started.state()).toMatchObject({ connects: 0, failures: 0 });
    expect(sandbox.counters.commands.get("login refused") ?? 0).toBeLessThanOrEqual(before + 2);
  } finally {
    sandbox.setRefused(address, false);
  }
});
