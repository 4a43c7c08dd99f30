import { limits } from "@mailfleet/core";
import { type EnginePorts, syncMailbox, type SyncOutcome } from "@mailfleet/engine";
import { describe, expect, test } from "vitest";
import {
  address,
  calm,
  events,
  keyOf,
  keys,
  mailbox,
  never,
  ports,
  queue,
  record,
  redis,
  sandbox,
  sync,
  truth,
  world,
  setUpSyncBench,
} from "./sync-bench.ts";

setUpSyncBench();

describe("one mailbox, once through", () => {
  test("first sight makes everything history; the backfill lane hands all of it off, newest first", async () => {
    expect(await sync("fresh")).toMatchObject({ kind: "done", hasHistory: true, counts: { handedOff: 0 } });
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, toDo: truth().length, handedOff: 0 });

    expect(await sync("backfill")).toMatchObject({ kind: "done", hasHistory: false, counts: { handedOff: truth().length } });
    const all = await events();
    expect(all.map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
    expect(all.every((event) => event.lane === "backfill")).toBe(true);
    const inbox = all.filter((event) => keyOf(event).startsWith("INBOX ")).map((event) => ("uid" in event ? event.uid : 0));
    expect(inbox).toEqual(inbox.toSorted((a, b) => b - a));
    expect((await record())?.ledger).toEqual({ listed: truth().length, handedOff: truth().length, excluded: 0, quarantined: 0, toDo: 0 });

    expect(await sync("backfill")).toMatchObject({ kind: "done", counts: { handedOff: 0, commits: 0 } });
    expect(await events()).toHaveLength(all.length);
  });

  test("a second pass over unchanged folders sends only LIST and STATUS after login", async () => {
    await sync("backfill");
    const before = new Map(sandbox.counters.commands);
    await sync("fresh");
    const sent = [...sandbox.counters.commands].filter(([verb, count]) => count !== before.get(verb)).map(([verb]) => verb.toUpperCase());
    for (const verb of ["EXAMINE", "SELECT", "UID SEARCH", "UID FETCH", "UID", "FETCH"]) expect(sent).not.toContain(verb);
    expect(sent).toContain("STATUS");
  });

  test("new mail is handed off in UID order, with the bytes that the server sends", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    const uids = ["one", "two", "three"].map((word) =>
      sandbox.deliver(address, "INBOX", Buffer.from(`Subject: ${word}\r\n\r\n${word}\r\n`)),
    );
    await sync("fresh");
    const handed = (await events()).filter((event) => event.type === "message.added");
    expect(handed.map((event) => [event.lane, event.uid, event.message.subject])).toEqual(
      uids.map((uid, i) => ["fresh", uid, ["one", "two", "three"][i]]),
    );
    for (const event of handed)
      expect(Buffer.from(await ports.blobs.read(event.raw)).equals(sandbox.bytes(address, "INBOX", Number(event.uid)))).toBe(true);
    sandbox.expunge(address, "INBOX", uids);
  });

  test("slices end at their bound and the next one goes on there", async () => {
    const small = { ...calm, slice: { messages: 40, bytes: 64e6, seconds: 20 } };
    const gate = { shouldYield: () => Promise.resolve(true), isDraining: () => false };
    const outcomes: SyncOutcome[] = [];
    do outcomes.push(await syncMailbox({ ...ports, gate }, small, mailbox, "backfill", never));
    while (outcomes.length < 100 && (await record())?.hasHistory);
    expect(outcomes.length).toBeGreaterThan(2);
    for (const outcome of outcomes) if (outcome.kind === "done") expect(outcome.counts.handedOff).toBeLessThanOrEqual(limits.batchMessages);
    expect(await events()).toHaveLength(truth().length);
  });
});

describe("rules and settings", () => {
  test("a folder that a rule leaves out is counted as excluded, and handed off once the rule is gone", async () => {
    const junk = truth("Junk Email").length;
    expect(junk).toBeGreaterThan(0);
    await sync("backfill", { ...calm, folders: { include: ["*"], exclude: ["Junk*"] } });
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, excluded: junk, handedOff: truth().length - junk, toDo: 0 });
    await sync("backfill");
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, excluded: 0, handedOff: truth().length });
    expect(new Set((await events()).map(keyOf)).size).toBe(truth().length);
  });

  test("without backfill only what comes later is handed off", async () => {
    const settings = { ...calm, backfill: false };
    expect(await sync("fresh", settings)).toMatchObject({ kind: "done", hasHistory: false });
    const uid = sandbox.deliver(address, "INBOX", Buffer.from("Subject: later\r\n\r\nx\r\n"));
    await sync("fresh", settings);
    expect((await events()).map(keyOf)).toEqual([`INBOX ${uid}`]);
    sandbox.expunge(address, "INBOX", [uid]);
  });
});

describe("a mailbox in motion", () => {
  test("new mail that is asked for during a backfill is served between two batches", async () => {
    let uid = 0;
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (uid === 0 && step.events.length > 0) {
        uid = sandbox.deliver(address, "INBOX", Buffer.from("Subject: urgent\r\n\r\nx\r\n"));
        expect(await ports.store.acquire(mailbox, "fresh")).toBeUndefined();
      }
      return ports.handOff.commit(step);
    };
    const settle: EnginePorts["handOff"]["settle"] = (lease, settlement) => ports.handOff.settle(lease, settlement);
    await syncMailbox(
      { ...ports, handOff: { commit, settle } },
      { ...calm, slice: { ...calm.slice, messages: 1_000 } },
      mailbox,
      "backfill",
      never,
    );
    const order = (await events()).map((event) => event.lane);
    expect(order.indexOf("fresh")).toBeGreaterThan(0);
    expect(order.indexOf("fresh")).toBeLessThan(order.length - 1);
    sandbox.expunge(address, "INBOX", [uid]);
  });

  test("a worker that drains ends at a batch border; the next session repeats nothing", async () => {
    let commits = 0;
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (step.events.length > 0 && ++commits === 1) world.isDraining = true;
      return ports.handOff.commit(step);
    };
    await syncMailbox({ ...ports, handOff: { ...ports.handOff, commit } }, calm, mailbox, "backfill", never);
    expect(commits).toBe(1);
    world.isDraining = false;
    await sync("backfill");
    expect((await events()).map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
  });

  test("a session whose lease is taken away writes nothing more", async () => {
    const commit: EnginePorts["handOff"]["commit"] = async (step) => {
      if (step.events.length > 0) await redis.set(keys.lease("contoso/support@contoso.example"), "999:other");
      return ports.handOff.commit(step);
    };
    const outcome = await syncMailbox({ ...ports, handOff: { ...ports.handOff, commit } }, calm, mailbox, "backfill", never);
    expect(outcome.kind).toBe("lease-lost");
    expect(await events()).toEqual([]);
    expect(await redis.get(keys.lease("contoso/support@contoso.example"))).toBe("999:other");
  });

  test("a checkpoint that cannot be read begins that folder again, and no other", async () => {
    await sync("backfill");
    await queue.obliterate({ force: true });
    const checkpoints = keys.checkpoints("contoso/support@contoso.example");
    const stored = (await redis.hget(checkpoints, "Archive")) ?? "";
    await redis.hset(checkpoints, "Archive", stored.replace(/\{.*/s, "{broken"));
    await sync("backfill");
    const again = await events();
    expect(again.map(keyOf).sort()).toEqual(
      truth("Archive")
        .map((one) => `Archive ${one.uid}`)
        .sort(),
    );
    expect(again.every((event) => "resync" in event && event.resync)).toBe(true);
  });
});
