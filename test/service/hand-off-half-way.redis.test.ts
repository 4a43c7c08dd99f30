import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommitResult, limits, outgoing } from "@mailfleet/core";
import { type RunningRedis, startRedis, uniqueName } from "@mailfleet/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Bench, clock, commitOf, eventOf, everything, id, openBench } from "./hand-off-bench.ts";

/** A Redis whose users a test may change. */
let server: RunningRedis;
let bench: Bench;
beforeAll(async () => {
  server = await startRedis({ shared: false });
});
afterAll(() => server.stop());
beforeEach(async () => {
  bench = await openBench(server.url);
});
afterEach(() => bench.close());

const calm = { checked: true, opened: true, freshDueInMs: 5_000, events: [] };

/** Every command that stands in the scripts: a new one is tested without being named here. */
function commandsOfScripts(): string[] {
  const text = ["commit-script.ts", "jobs-script.ts"].map((name) =>
    readFileSync(join(import.meta.dirname, "../../packages/queue/src", name), "utf8"),
  );
  const found = text.join("").matchAll(/call\(['"]([A-Za-z]+)['"]/g);
  return [...new Set([...found].map((match) => (match[1] as string).toUpperCase()))].sort();
}

describe.each(["commit", "settlement"] as const)("a %s whose user lacks a right", (what) => {
  test.each(commandsOfScripts())("to run %s is written whole or not at all", async (command) => {
    const user = uniqueName("user");
    await bench.redis.call("ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all", `-${command.toLowerCase()}`);
    const url = server.url.replace("redis://", `redis://${user}:secret@`);
    // A second connection of the same fleet, under another user.
    const name = /\{(.*)\}/.exec(bench.keys.bullPrefix)?.[1] ?? "";
    const limited = await openBench(url, name, bench.lease);
    try {
      const events = [outgoing(eventOf(11)), outgoing(eventOf(12))];
      const before = await everything(bench.redis, bench.keys);
      const answer: CommitResult | boolean | Error =
        what === "commit"
          ? await limited.handOff.commit(commitOf(bench, [11, 12])).catch((error: Error) => error)
          : await limited.handOff
              .settle(bench.lease, { ...calm, backfillDueInMs: 0, events: [eventOf(11)] })
              .catch((error: Error) => error);
      if (answer instanceof Error) {
        expect(answer).toMatchObject({ failure: { code: "REDIS_UNAVAILABLE", facts: { code: "NOPERM" } } });
        expect(await everything(bench.redis, bench.keys)).toEqual(before);
      } else {
        expect(answer).toEqual(what === "commit" ? { kind: "applied", version: 1, isPoked: false } : true);
        expect(await bench.queue.getWaitingCount()).toBe(what === "commit" ? events.length : 1);
      }
    } finally {
      await limited.close();
    }
  });
});

describe("what stands in the way of a commit", () => {
  test.each([
    ["the mailbox's sums", () => bench.redis.hset(bench.keys.mailbox(id), "h", "many")],
    ["the tenant's sums", () => bench.redis.hset(bench.keys.tenantLedger("contoso"), "l", "many")],
    ["the fleet's sums", () => bench.redis.hset(bench.keys.fleetLedger, "t", "1.5")],
    ["the queue's job counter", () => bench.redis.set(bench.queue.toKey("id"), "many")],
    ["the queue's limit of events", () => bench.redis.hset(bench.queue.toKey("meta"), "opts.maxLenEvents", "many")],
    ["the queue's concurrency", () => bench.redis.hset(bench.queue.toKey("meta"), "concurrency", "many")],
    ["a job's own key", () => bench.redis.sadd(bench.queue.toKey(eventOf(12).key), "wrong")],
  ])("where a number or a job is expected, %s, is named and nothing is written", async (_, plant) => {
    await plant();
    const before = await everything(bench.redis, bench.keys);
    await expect(bench.handOff.commit(commitOf(bench, [11, 12]))).rejects.toMatchObject({ failure: { code: "CHECKPOINT_CORRUPT" } });
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
  });

  test.each(["mailbox", "due fresh", "due backfill", "in flight fresh", "in flight backfill", "wait", "meta", "events", "marker"])(
    "makes the settlement write nothing at all when it is of another type: the %s key",
    async (which) => {
      const { keys, queue } = bench;
      const at = {
        mailbox: keys.mailbox(id),
        "due fresh": keys.due("fresh", "contoso"),
        "due backfill": keys.due("backfill", "contoso"),
        "in flight fresh": keys.inFlight("fresh", "contoso"),
        "in flight backfill": keys.inFlight("backfill", "contoso"),
      }[which];
      const key = at ?? queue.toKey(which);
      await bench.redis.del(key);
      await bench.redis.sadd(key, "wrong");
      const before = await everything(bench.redis, keys);
      // The queue's own keys are written, and so looked at, only where there is an event.
      const settlement = { ...calm, events: [eventOf(11)] };
      await expect(bench.handOff.settle(bench.lease, settlement)).rejects.toMatchObject({ failure: { code: "CHECKPOINT_CORRUPT" } });
      expect(await everything(bench.redis, keys)).toEqual(before);
    },
  );
});

test("nothing is sent at all once the lease was not renewed for 20 s by the monotonic clock, whatever Redis would say", async () => {
  const scripts = async (): Promise<string> => /cmdstat_evalsha:calls=(\d+)/.exec(await bench.redis.info("commandstats"))?.[1] ?? "0";
  await bench.handOff.commit(commitOf(bench, [11]));
  await clock.advance(limits.leaseSelfStopMs);
  const before = await scripts();
  expect(await bench.handOff.commit(commitOf(bench, [12], { expectedVersion: 1 }))).toEqual({ kind: "fenced" });
  expect(await bench.handOff.settle(bench.lease, calm)).toBe(false);
  expect(await scripts()).toBe(before);
  expect(await bench.queue.getWaitingCount()).toBe(1);
});

describe("a settlement", () => {
  test("that is sent again after it was applied is recognised as done, also when somebody else works on the mailbox by now", async () => {
    expect(await bench.handOff.settle(bench.lease, calm)).toBe(true);
    expect(await bench.handOff.settle(bench.lease, calm)).toBe(true);
    await bench.redis.set(bench.keys.lease(id), "999:other");
    const before = await everything(bench.redis, bench.keys);
    expect(await bench.handOff.settle(bench.lease, calm)).toBe(true);
    expect(await everything(bench.redis, bench.keys)).toEqual(before);
  });

  test("goes through where Redis is full, so that it is told why the mailbox waits", async () => {
    const full = { code: "REDIS_UNAVAILABLE", scope: "process", text: "full", since: 1, tries: 1, nextAt: 2, state: "waiting" } as const;
    await bench.redis.config("SET", "maxmemory", "1mb");
    try {
      await expect(bench.handOff.commit(commitOf(bench, [11]))).rejects.toMatchObject({ failure: { facts: { code: "OOM" } } });
      expect(await bench.handOff.settle(bench.lease, { ...calm, checked: false, cause: full })).toBe(true);
      expect(await bench.redis.hget(bench.keys.mailbox(id), "cause")).toContain("full");
    } finally {
      await bench.redis.config("SET", "maxmemory", "0");
    }
  });
});
