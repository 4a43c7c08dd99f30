import { limits, type MailboxRef, type PurgeHold, type PurgePlace } from "@mailfleet/core";
import { fakeClock } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { purgeMailbox, type PurgePorts, weighMailbox } from "./purge-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "a@contoso.example", protocol: "imap" };

function world(waits: readonly number[] = []) {
  const told: string[] = [];
  const answers = [...waits];
  const hold: PurgeHold = {
    take: async (_, holder) => {
      const waitMs = answers.shift() ?? 0;
      told.push(`take ${holder} ${waitMs}`);
      return waitMs;
    },
    release: async (_, holder) => void told.push(`release ${holder}`),
  };
  const place = (name: string, sums = {}): PurgePlace => ({
    name,
    weigh: async () => sums,
    purge: async () => {
      told.push(name);
      return sums;
    },
  });
  const remove = async () => {
    told.push("remove");
    return { folders: 2 };
  };
  /** With a signal it is the hold that is kept: nobody wakes it. */
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal) return void signal.addEventListener("abort", () => reject(signal.reason as Error));
      told.push(`sleep ${ms}`);
      resolve();
    });
  const ports = (places: readonly PurgePlace[]): PurgePorts => ({ clock: { sleep }, remove, hold, places });
  return { told, place, ports };
}

test("the mailbox leaves the fleet before anything of it is removed, and the hold is given back at the end", async () => {
  const { told, place, ports } = world();
  const sums = await purgeMailbox(ports([place("queue", { events: 3 }), place("blobs", { events: 1, bytes: 9 })]), mailbox, "purge:1");
  expect(sums).toEqual({ folders: 2, events: 4, bytes: 9 });
  expect(told).toEqual(["remove", "take purge:1 0", "queue", "blobs", "release purge:1"]);
});

test("a session that ends is waited for, told once, and the mailbox removed again in case it came back meanwhile", async () => {
  const { told, place, ports } = world([2_500, 400]);
  const waits: number[] = [];
  await purgeMailbox(ports([place("queue")]), mailbox, "purge:1", (ms) => void waits.push(ms));
  expect(waits).toEqual([2_500]);
  expect(told.slice(0, 7)).toEqual([...["remove", "take purge:1 2500", "sleep 1000", "remove", "take purge:1 400", "sleep 400", "remove"]]);
});

test("one that fails gives the hold back, and says why", async () => {
  const { told, ports } = world();
  const broken: PurgePlace = { name: "queue", weigh: async () => ({}), purge: () => Promise.reject(new Error("gone")) };
  await expect(purgeMailbox(ports([broken]), mailbox, "purge:1")).rejects.toThrow("gone");
  expect(told.at(-1)).toBe("release purge:1");
});

test("a purge that takes longer than its hold keeps it", async () => {
  const { told, ports } = world();
  const clock = fakeClock();
  let end: (() => void) | undefined;
  const slow: PurgePlace = { name: "blobs", weigh: async () => ({}), purge: () => new Promise((resolve) => (end = () => resolve({}))) };
  const purging = purgeMailbox({ ...ports([slow]), clock }, mailbox, "purge:1");
  await clock.advance(limits.purgeHoldMs);
  expect(told.filter((one) => one.startsWith("take")).length).toBeGreaterThan(3);
  end?.();
  await purging;
  expect(told.at(-1)).toBe("release purge:1");
});

test("what would be removed is the sum of all places, and nothing is touched", async () => {
  const { told, place, ports } = world();
  expect(await weighMailbox(ports([place("a", { files: 1, bytes: 2 }), place("b", { files: 0, letters: 5 })]), mailbox)).toEqual({
    files: 1,
    bytes: 2,
    letters: 5,
  });
  expect(told).toEqual([]);
});
