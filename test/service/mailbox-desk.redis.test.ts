import { limits, mailboxId, type MailEvent } from "@mailfleet/core";
import { type EnginePorts, syncMailbox } from "@mailfleet/engine";
import { createMailboxDesk, type MailboxDesk } from "@mailfleet/queue";
import { systemClock } from "@mailfleet/runtime";
import { createDueIndex, createFleetReader, createMailboxRegistry, createPurgeHold, createPushLeases } from "@mailfleet/store";
import { beforeEach, describe, expect, test } from "vitest";
import { calm, events, keys, mailbox, never, ports, queue, record, redis, setUpSyncBench, sync, truth } from "./sync-bench.ts";

setUpSyncBench();

const id = mailboxId(mailbox);
const anna = { name: "anna", at: 1_700_000_000_000, reason: "moves to another tenant" };
let desk: MailboxDesk;
beforeEach(async () => {
  desk = await createMailboxDesk({ queue, keys, clock: systemClock });
});

const told = (all: readonly MailEvent[]): unknown[] =>
  all.filter((event) => event.type === "mailbox.parked" || event.type === "mailbox.resumed").map(({ type, cause }) => [type, cause]);
const take = async (): Promise<readonly string[]> =>
  (await createDueIndex(redis, keys).take({ lane: "fresh", count: 9, perTenant: 9 })).map((one) => one.id);
const register = () => createMailboxRegistry(redis, keys).register([mailbox], 0);
/** Whatever of the mailbox is left in Redis, beside events and sums of others. */
async function leftOver(): Promise<string[]> {
  const left = await redis.keys(`${keys.bullPrefix}:mf:*${mailbox.address}`);
  for (const lane of ["fresh", "backfill"] as const) {
    if ((await redis.zscore(keys.due(lane, mailbox.tenant), id)) !== null) left.push(`due ${lane}`);
    if ((await redis.zscore(keys.inFlight(lane, mailbox.tenant), id)) !== null) left.push(`in flight ${lane}`);
  }
  if ((await redis.sismember(keys.mailboxes, id)) === 1) left.push("mailboxes");
  return left.sort();
}

/** Does something to the mailbox in the middle of a session: before its nth commit that carries events is sent. */
function during(nth: number, act: () => Promise<unknown>): EnginePorts {
  let seen = 0;
  return {
    ...ports,
    handOff: {
      async commit(step) {
        if (step.events.length > 0 && ++seen === nth) await act();
        return ports.handOff.commit(step);
      },
      settle: (lease, settlement) => ports.handOff.settle(lease, settlement),
    },
  };
}

describe("an operator's park", () => {
  test("stops the mailbox for producers and workers, outlives a restart, and is told once however often it is said", async () => {
    expect(await desk.park(mailbox, anna)).toBe("parked");
    expect(await desk.park(mailbox, anna)).toBe("parked");
    expect(await desk.park(mailbox, { name: "ben", at: anna.at + 1 })).toBe("already");
    await register();
    await createDueIndex(redis, keys).poke(mailbox.tenant, [id]);
    expect(await take()).toEqual([]);
    expect(await sync("fresh")).toEqual({ kind: "busy" });
    expect((await record())?.parkedBy).toEqual(anna);
    expect(told(await events())).toEqual([
      ["mailbox.parked", { code: "PARKED_BY_OPERATOR", reason: "parked by anna: moves to another tenant" }],
    ]);
  });

  test("ends with resume: due at once, told once, and the next session goes on where it was", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    await desk.park(mailbox, anna);
    expect(await Promise.all([desk.resume(mailbox), desk.resume(mailbox)])).toEqual(["resumed", expect.stringMatching(/resumed|tried/)]);
    expect(told(await events())).toEqual([
      ["mailbox.parked", { code: "PARKED_BY_OPERATOR", reason: "parked by anna: moves to another tenant" }],
      ["mailbox.resumed", { code: "PARKED_BY_OPERATOR" }],
    ]);
    expect(await take()).toEqual([id]);
    expect(await sync("fresh")).toMatchObject({ kind: "done", counts: { handedOff: 0 } });
  });

  test.each([1, 2])("during a sync ends the session at its next batch border, before commit %d", async (nth) => {
    const busy = during(nth, () => desk.park(mailbox, anna));
    expect(await syncMailbox(busy, calm, mailbox, "backfill", never)).toMatchObject({ kind: "lease-lost" });
    const ledger = (await record())?.ledger;
    expect((await events()).filter((event) => "uid" in event)).toHaveLength(ledger?.handedOff ?? -1);
    expect(await take()).toEqual([]);
    expect(await redis.hexists(keys.mailbox(id), "workingUntil")).toBe(0);

    await desk.resume(mailbox);
    await sync("backfill");
    const uids = (await events()).filter((event) => event.type === "message.added").map((event) => event.key);
    expect(new Set(uids).size).toBe(uids.length);
    expect(uids).toHaveLength(truth().length);
  });

  test("a second park and resume in the middle of a session lets the old session write nothing", async () => {
    const twice = during(1, async () => {
      await desk.park(mailbox, anna);
      await desk.resume(mailbox);
      await desk.park(mailbox, { name: "ben", at: anna.at + 5 });
      await desk.resume(mailbox);
    });
    expect(await syncMailbox(twice, calm, mailbox, "backfill", never)).toMatchObject({ kind: "lease-lost" });
    expect((await events()).filter((event) => "uid" in event)).toEqual([]);
    expect(told(await events())).toHaveLength(4);
    expect(await take()).toEqual([id]);
  });
});

describe("push", () => {
  test.each(["parked", "removed"] as const)(
    "of a mailbox that is %s ends, and what its holder still writes makes nothing anew",
    async (what) => {
      const push = createPushLeases({ redis, keys, clock: systemClock, chance: ports.chance });
      await push.choose(() => true);
      const place = await push.join(10);
      expect(await push.claim(place, 10)).toMatchObject([{ mailbox }]);
      if (what === "parked") await desk.park(mailbox, anna);
      else await desk.remove(mailbox, true);
      expect((await push.renew(place, [id]))?.lost).toEqual([id]);
      expect(await push.poke(place, mailbox)).toBe("lost");
      await push.giveBack(place, id, 0, 3);
      expect(await push.claim(place, 10)).toEqual([]);
      if (what === "removed") expect([await redis.hlen(keys.pushTries), ...(await leftOver())]).toEqual([0]);
      else {
        await desk.resume(mailbox);
        expect(await push.claim(place, 10)).toMatchObject([{ mailbox }]);
      }
    },
  );
});

/** What all workers hear while something is done. */
async function heardDuring(act: () => Promise<unknown>): Promise<object[]> {
  const listener = redis.duplicate();
  const heard: object[] = [];
  listener.on("message", (_channel: string, text: string) => heard.push(JSON.parse(text) as object));
  await listener.subscribe(keys.signals);
  await act();
  // Behind everything that was published before.
  await redis.publish(keys.signals, "{}");
  await expect.poll(() => heard.at(-1)).toEqual({});
  listener.disconnect();
  return heard.slice(0, -1);
}

test("workers hear of it at once: park and remove ask for quiet, resume ends it", async () => {
  const about = { tenant: "contoso", mailbox: id };
  expect(await heardDuring(() => desk.park(mailbox, anna))).toMatchObject([{ kind: "hint", ...about }]);
  expect(await heardDuring(() => desk.park(mailbox, { name: "ben", at: 1 }))).toEqual([]);
  expect(await heardDuring(() => desk.resume(mailbox))).toMatchObject([{ kind: "release", ...about }]);
  expect(await heardDuring(() => desk.remove(mailbox, false))).toMatchObject([{ kind: "hint", ...about }]);
});

describe("resume", () => {
  test("has a tenant that is held looked at now", async () => {
    await redis.hset(keys.hold(mailbox.tenant), { id: "1", nextAt: Date.now() + 3_600_000, state: "parked" });
    expect(await take()).toEqual([]);
    await desk.resume(mailbox);
    expect(await take()).toEqual([id]);
  });

  test("of a mailbox whose tenant is parked meanwhile has consumers told of that; where the tenant only waits they are not", async () => {
    await register();
    for (const [state, untold] of [
      ["waiting", []],
      ["parked", [id]],
    ] as const) {
      await redis.hset(keys.hold(mailbox.tenant), { id: "1", nextAt: Date.now() + 3_600_000, state });
      await desk.park(mailbox, { ...anna, reason: state });
      expect(await desk.resume(mailbox)).toBe("resumed");
      expect(await redis.zrange(keys.untold(mailbox.tenant), 0, "-1")).toEqual(untold);
    }
  });

  test("makes a mailbox that waits for a reason due now, and says nothing downstream", async () => {
    await redis.zadd(keys.due("fresh", mailbox.tenant), Date.now() + 3_600_000, id);
    expect(await take()).toEqual([]);
    expect(await desk.resume(mailbox)).toBe("tried");
    expect(await take()).toEqual([id]);
    expect(await events()).toEqual([]);
  });

  test("tells a session that runs to look once more, and does not know a mailbox that is not there", async () => {
    const lease = await ports.store.acquire(mailbox, "fresh");
    expect(await desk.resume(mailbox)).toBe("running");
    expect(await redis.hget(keys.mailbox(id), "poke")).toBe("1");
    lease?.stop();
    expect(await desk.resume({ ...mailbox, address: "nobody@contoso.example" })).toBe("unknown");
    expect(await desk.park({ ...mailbox, address: "nobody@contoso.example" }, anna)).toBe("unknown");
    expect(await events()).toEqual([]);
  });
});

describe("remove", () => {
  test("takes a mailbox out of everything but its checkpoints, and the sums with it", async () => {
    await sync("backfill");
    const before = await events();
    expect(await desk.remove(mailbox, false)).toBe("removed");
    expect(await desk.remove(mailbox, false)).toBe("unknown");
    expect(await leftOver()).toEqual([keys.checkpoints(id)]);
    expect(await redis.pttl(keys.checkpoints(id))).toBeGreaterThan(29 * 86_400_000);
    expect(await createFleetReader(redis, keys).fleetLedger()).toMatchObject({ listed: 0, handedOff: 0 });
    expect(await events()).toEqual(before);
    expect(await sync("fresh")).toEqual({ kind: "busy" });
    expect(await leftOver()).toEqual([keys.checkpoints(id)]);
  });

  test("one that comes back repeats nothing, and its sums are what they were", async () => {
    await sync("backfill");
    const ledger = (await record())?.ledger;
    await desk.remove(mailbox, false);
    await register();
    expect((await record())?.ledger).toEqual(ledger);
    expect(await createFleetReader(redis, keys).fleetLedger()).toEqual(ledger);
    expect(await redis.pttl(keys.checkpoints(id))).toBe(-1);
    expect(await sync("fresh")).toMatchObject({ kind: "done", counts: { handedOff: 0 } });
    expect((await record())?.ledger).toEqual(ledger);
  });

  test("purged, it begins anew when it comes back", async () => {
    await sync("backfill");
    expect(await desk.remove(mailbox, true)).toBe("removed");
    expect(await leftOver()).toEqual([]);
    await register();
    await queue.obliterate({ force: true });
    expect(await sync("backfill")).toMatchObject({ counts: { handedOff: truth().length } });
  });

  test.each([
    ["kept", false, 1],
    ["kept", false, 2],
    ["purged", true, 1],
    ["purged", true, 2],
  ] as const)("during a sync, checkpoints %s: the session ends and nothing is made anew (%s, commit %d)", async (_, isPurged, nth) => {
    const busy = during(nth, () => desk.remove(mailbox, isPurged));
    expect(await syncMailbox(busy, calm, mailbox, "backfill", never)).toMatchObject({ kind: "lease-lost" });
    expect((await leftOver()).filter((key) => key !== keys.checkpoints(id))).toEqual([]);
    if (isPurged) expect(await leftOver()).toEqual([]);
    expect(await createFleetReader(redis, keys).fleetLedger()).toMatchObject({ listed: 0, handedOff: 0, toDo: 0 });
  });

  test("takes a session's lease, and a purge is told how long that session may still write; another purge's hold is no reason to wait", async () => {
    const hold = createPurgeHold(redis, keys);
    expect(await ports.store.acquire(mailbox, "fresh")).toBeDefined();
    await desk.remove(mailbox, true);
    expect(await hold.take(mailbox, "purge:1")).toBeGreaterThan(limits.leaseSelfStopMs);
    await redis.del(keys.ending(id));
    expect(await hold.take(mailbox, "purge:1")).toBe(0);
    expect(await hold.take(mailbox, "purge:2")).toBeGreaterThan(0);
    await register();
    expect(await sync("fresh")).toEqual({ kind: "busy" });
    await desk.remove(mailbox, true);
    expect(await hold.take(mailbox, "purge:2")).toBe(0);
    await hold.release(mailbox, "purge:1");
    expect(await redis.get(keys.lease(id))).toBe("purge:2");
    await hold.release(mailbox, "purge:2");
    expect(await redis.exists(keys.lease(id))).toBe(0);
  });

  test("and registered again in the middle of a session: the old session writes nothing", async () => {
    const busy = during(1, async () => {
      await desk.remove(mailbox, true);
      await register();
    });
    expect(await syncMailbox(busy, calm, mailbox, "backfill", never)).toMatchObject({ kind: "lease-lost" });
    expect(await events()).toEqual([]);
    expect(await take()).toEqual([id]);
    expect((await record())?.ledger.listed).toBe(0);
  });
});
