import { Redis } from "ioredis";
import { mailboxId, type MailboxRef, redisKeys } from "@mailfleet/core";
import { type RunningRedis, silentLog, startRedis, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openSignals, type RunningSignals } from "./signals.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const neighbour: MailboxRef = { ...mailbox, address: "sales@contoso.example" };
const stranger: MailboxRef = { ...mailbox, tenant: "fabrikam" };
const clock = { now: () => Date.now(), monotonic: () => performance.now(), sleep: () => Promise.reject(new Error("not used")) };

/** Its own: the connections that listen are cut here, and other tests listen at the one for all. */
let server: RunningRedis;
let redis: Redis;
let keys: ReturnType<typeof redisKeys>;
const open: RunningSignals[] = [];

beforeAll(async () => {
  server = await startRedis({ shared: false });
});
afterAll(() => server.stop());
beforeEach(() => {
  redis = new Redis(server.url);
  keys = redisKeys(uniqueName("signals"));
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  redis.disconnect();
});

async function worker(): Promise<RunningSignals> {
  const signals = openSignals({ redis, keys, clock, log: silentLog });
  open.push(signals);
  await signals.listening;
  return signals;
}

/** When it aborts, by the monotonic clock, and with what. */
function aborted(signal: AbortSignal): Promise<{ at: number; reason: unknown }> {
  return new Promise((resolve) => {
    const tell = (): void => resolve({ at: performance.now(), reason: signal.reason });
    if (signal.aborted) tell();
    else signal.addEventListener("abort", tell, { once: true });
  });
}

const tell = (signal: object): Promise<number> => redis.publish(keys.signals, JSON.stringify(signal));
const inMs = async (ms: number): Promise<number> => Number((await redis.time())[0]) * 1_000 + ms;

/** Cuts the connections that listen. */
async function interrupt(): Promise<void> {
  const mine = ((await redis.client("LIST")) as string).split("\n").filter((line) => line.includes("sub=1"));
  expect(mine.length).toBeGreaterThan(0);
  for (const line of mine) await redis.client("KILL", "ID", /id=(\d+)/.exec(line)?.[1] ?? "");
}

/** By a message, and not by a poll; a machine that does other things takes its time. */
const atOnceMs = 10_000;

describe("a signal", () => {
  test("reaches all sessions of the mailbox in eight workers at once, and nobody else's", async () => {
    const workers = await Promise.all(Array.from({ length: 8 }, worker));
    const watches = workers.map((one) => one.watch(mailbox));
    const others = workers.map((one) => one.watch(neighbour));
    const ends = watches.map(({ signal }) => aborted(signal));
    const toldAt = performance.now();
    workers[0]?.announce(mailbox, 89_117, "SERVER_THROTTLED");
    const all = await Promise.all(ends);
    expect(Math.max(...all.map(({ at }) => at)) - toldAt).toBeLessThan(atOnceMs);
    for (const { reason } of all) expect(reason).toMatchObject({ failure: { code: "INTERRUPTED", facts: { layer: "engine" } } });
    for (const { reason } of all) {
      const { hintMs } = (reason as { failure: { facts: { hintMs: number } } }).failure.facts;
      expect(Math.abs(hintMs - 89_117)).toBeLessThan(atOnceMs);
    }
    for (const one of workers) {
      expect(Math.abs(one.waitMs(mailbox) - 89_117)).toBeLessThan(atOnceMs);
      expect(one.waitMs(neighbour)).toBe(0);
    }
    expect(others.filter(({ signal }) => signal.aborted)).toEqual([]);
  });

  test("of a tenant ends all its sessions but the canary, until it is released", async () => {
    const one = await worker();
    const [first, second, canary, other] = [
      one.watch(mailbox),
      one.watch(neighbour),
      one.watch(mailbox, { isCanary: true }),
      one.watch(stranger),
    ];
    const ends = [aborted(first.signal), aborted(second.signal)];
    await tell({ kind: "hold", tenant: "contoso", untilMs: await inMs(600_000), code: "SERVICE_INCIDENT" });
    await Promise.all(ends);
    expect([canary.signal.aborted, other.signal.aborted]).toEqual([false, false]);
    expect(one.waitMs(neighbour)).toBeGreaterThan(60_000 - atOnceMs);
    // The hold may end long before its next look.
    expect(one.waitMs(neighbour)).toBeLessThanOrEqual(60_000);
    // The answer that let this session begin may be older than the signal.
    expect(one.watch(neighbour).signal.aborted).toBe(true);
    expect(one.watch(neighbour, { isCanary: true }).signal.aborted).toBe(false);
    await tell({ kind: "release", tenant: "contoso", untilMs: await inMs(0), code: "SERVICE_INCIDENT" });
    await expect.poll(() => one.waitMs(neighbour)).toBe(0);
    expect(one.watch(neighbour).signal.aborted).toBe(false);
  });

  test("that was missed in a gap is found when the gap ends", async () => {
    const one = await worker();
    const watch = one.watch(mailbox);
    const end = aborted(watch.signal);
    await redis.hset(keys.hold("contoso"), "id", "1", "nextAt", await inMs(60_000));
    await interrupt();
    expect((await end).reason).toMatchObject({ failure: { code: "INTERRUPTED" } });
    watch.stop();
  });

  test("that ended in a gap keeps nobody waiting after it", async () => {
    const one = await worker();
    await tell({ kind: "hold", tenant: "contoso", untilMs: await inMs(3_600_000), code: "SERVICE_INCIDENT" });
    await expect.poll(() => one.waitMs(mailbox)).toBeGreaterThan(50_000);
    await interrupt();
    await expect.poll(() => one.waitMs(mailbox)).toBe(0);
  });

  test("of one worker keeps all others from the mailbox: it is due later in both lanes, and never earlier", async () => {
    const one = await worker();
    const id = mailboxId(mailbox);
    const now = await inMs(0);
    const far = now + 9_000_000;
    await redis.zadd(keys.due("fresh", "contoso"), now, id);
    await redis.zadd(keys.due("backfill", "contoso"), far, id);
    one.announce(mailbox, 60_000, "SERVER_THROTTLED");
    await expect.poll(async () => Number(await redis.zscore(keys.due("fresh", "contoso"), id))).toBeGreaterThan(now + 59_000);
    expect(Number(await redis.zscore(keys.due("backfill", "contoso"), id))).toBe(far);
    one.announce(neighbour, 60_000, "SERVER_THROTTLED");
    one.announce(mailbox, 1_000, "SERVER_THROTTLED");
    await expect.poll(() => one.waitMs(neighbour)).toBeGreaterThan(0);
    expect(await redis.zscore(keys.due("fresh", "contoso"), mailboxId(neighbour))).toBeNull();
    expect(Number(await redis.zscore(keys.due("fresh", "contoso"), id))).toBeGreaterThan(now + 59_000);
  });

  test("that is none, or asks for a wait that no server may ask for, does little", async () => {
    const one = await worker();
    const watch = one.watch(mailbox);
    for (const text of ["", "{", "null", '{"kind":"hold"}', '{"kind":"party","tenant":"contoso","untilMs":9e15}'])
      await redis.publish(keys.signals, text);
    await tell({ kind: "hint", tenant: "contoso", mailbox: mailboxId(mailbox), untilMs: -5, code: "x" });
    const end = aborted(watch.signal);
    await tell({ kind: "hint", tenant: "contoso", mailbox: mailboxId(mailbox), untilMs: 9e15, code: "x" });
    expect((await end).reason).toMatchObject({ failure: { facts: { hintMs: 7_200_000 } } });
  });
});
