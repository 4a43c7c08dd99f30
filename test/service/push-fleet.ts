import { type Log, mailboxId } from "@mailfleet/core";
import { type RunningPush, startPush, syncMailbox } from "@mailfleet/engine";
import { createDueIndex, createPushLeases, openSignals } from "@mailfleet/store";
import { afterEach } from "vitest";
import { until } from "../e2e/fleet.ts";
import { calm, events, keys, mailbox, never, ports, redis } from "./sync-bench.ts";

export const id = mailboxId(mailbox);
export const hour = 3_600_000;
const running: (() => Promise<unknown>)[] = [];

/** Ends after each test what it started. */
export function setUpPushFleet(): void {
  afterEach(async () => {
    for (const stop of running.splice(0)) await stop();
  });
}

export function push(log: Log = ports.log): RunningPush {
  const leases = createPushLeases({ redis, keys, clock: ports.clock, chance: ports.chance });
  const signals = openSignals({ redis, keys, clock: ports.clock, log });
  const started = startPush({ ...ports, log, leases, signals }, { isChosen: () => true, budget: 10 });
  running.push(async () => {
    await started.stop();
    signals.close();
  });
  return started;
}

/** What producer and worker do: whatever is due is synced, one after the other. */
export function work(pollMs: number): void {
  const due = createDueIndex(redis, keys);
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const taken = await due.take({ lane: "fresh", count: 5, perTenant: 5 });
      if (taken.some((one) => one.id === id))
        await syncMailbox(ports, { ...calm, pollMs, freshWithinMs: 2 * pollMs, backfill: false }, mailbox, "fresh", never);
      await ports.clock.sleep(20, stop.signal).catch(() => undefined);
    }
  };
  const ended = loop();
  running.push(() => {
    stop.abort();
    return ended;
  });
}

export const mail = (subject: string): Buffer =>
  Buffer.from(`From: a@x.example\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x>\r\n\r\nhello\r\n`);

/** Waits until messages of these subjects are in the queue. */
export async function arrived(wanted: readonly string[], limitMs = 30_000): Promise<void> {
  await until(
    async () => (await events()).flatMap((event) => ("message" in event ? (event.message?.subject ?? []) : [])),
    (found) => wanted.every((subject) => found.includes(subject)),
    limitMs,
  );
}

export async function connected(one: RunningPush, connects = 1): Promise<void> {
  await until(
    () => Promise.resolve(one.state()),
    (state) => state.connected === 1 && state.pokes > 0 && state.connects >= connects,
    30_000,
  );
}

export const dueInMs = async (): Promise<number> => Number(await redis.zscore(keys.due("fresh", "contoso"), id)) - Date.now();

/** The first look of all, and the one after push connected, are over. */
export async function calmDown(): Promise<void> {
  await until(dueInMs, (inMs) => inMs > hour / 2, 30_000);
}
