import type { MailEvent } from "@mailfleet/core";
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { address, calm, dir, events, mailbox, ports, queue, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";
import { withMethod } from "./session-faults.ts";

setUpSyncBench();

const ofType = <T extends MailEvent["type"]>(all: readonly MailEvent[], type: T) =>
  all.filter((event): event is Extract<MailEvent, { type: T }> => event.type === type);
const checkpointOf = async (folder: string) => (await ports.store.load(mailbox)).folders.get(folder)?.checkpoint;
const settled = { listed: 0, handedOff: 0, excluded: 0, quarantined: 0, toDo: 0 };

/** Everything is handed off, and the queue is empty. @returns what was handed off, by key */
async function begin(): Promise<ReadonlyMap<string, MailEvent>> {
  await sync("backfill");
  const all = await events();
  await queue.obliterate({ force: true });
  return new Map(all.map((event) => [event.key, event]));
}

describe("a folder whose UIDVALIDITY changed", () => {
  test("is told once, and each known message gets its new key without being fetched again", async () => {
    const before = await begin();
    const old = truth("Archive");
    sandbox.resetUidValidity(address, "Archive");
    const fetched: number[] = [];
    world.fault = withMethod("fetch", (session) => (uids) => {
      fetched.push(...uids);
      return session.fetch(uids);
    });
    await sync("fresh");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "folder.reset")).toMatchObject([{ folder: { path: "Archive" }, generation: 2 }]);
    const rekeyed = ofType(all, "message.rekeyed");
    expect(all).toHaveLength(rekeyed.length + 1);
    expect(fetched).toEqual([]);
    expect(rekeyed.map((event) => Number(event.uid)).sort((a, b) => a - b)).toEqual(truth("Archive").map(({ uid }) => uid));
    expect(new Set(rekeyed.map((event) => event.previousKey)).size).toBe(old.length);
    for (const event of rekeyed) {
      const was = before.get(event.previousKey);
      expect(was).toMatchObject({ type: "message.added", message: { messageId: event.messageId } });
      // The same bytes under the new key as under the old one.
      expect(was?.type === "message.added" && was.raw.sha256).toBe(
        truth("Archive")
          .find(({ uid }) => uid === event.uid)
          ?.sha256(),
      );
      expect(event).toMatchObject({ resync: true, raw: was?.type === "message.added" ? was.raw : undefined });
    }
    expect((await record())?.ledger).toEqual({ ...settled, listed: truth().length, handedOff: truth().length });
    expect(await checkpointOf("Archive")).toMatchObject({ generation: 2, previous: [], isVerified: true });

    await sync("fresh");
    await sync("backfill");
    expect(await events()).toHaveLength(all.length);
  });

  test("hands off what is new since, under the new key and marked as resync, and tells what is gone by its old key", async () => {
    const before = await begin();
    const [gone] = truth("Archive");
    const goneKey = [...before.values()].find((event) => "uid" in event && event.folder.path === "Archive" && event.uid === gone?.uid)?.key;
    sandbox.expunge(address, "Archive", [gone?.uid ?? 0]);
    // Not now: a later test of this mailbox begins with what came in its first second.
    sandbox.deliver(address, "Archive", Buffer.from("Message-ID: <new@x>\r\nSubject: new\r\n\r\nx\r\n"), {
      internalDate: new Date(1_700_000_000_000),
    });
    sandbox.resetUidValidity(address, "Archive");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "message.added")).toMatchObject([{ resync: true, message: { subject: "new" } }]);
    expect(ofType(all, "message.removed")).toMatchObject([{ key: goneKey, messageId: expect.any(String) }]);
    expect(ofType(all, "message.rekeyed")).toHaveLength(truth("Archive").length - 1);
  });

  test("knows its messages also after a second reset before the first one's resync was done", async () => {
    const before = await begin();
    sandbox.resetUidValidity(address, "Archive");
    const slow = { shouldYield: () => Promise.resolve(true), isDraining: () => false };
    const small = { ...calm, slice: { messages: 1, bytes: 64e6, seconds: 20 } };
    const { gate } = ports;
    Object.assign(ports, { gate: slow });
    await sync("backfill", small);
    Object.assign(ports, { gate });
    expect(ofType(await events(), "message.rekeyed")).toHaveLength(1);
    sandbox.resetUidValidity(address, "Archive");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "message.added")).toEqual([]);
    expect(ofType(all, "message.removed")).toEqual([]);
    // Each old key leads to exactly one message that is there, by one step or two.
    const next = new Map(ofType(all, "message.rekeyed").map((event) => [event.previousKey, event.key]));
    const ends = [...before.values()]
      .filter((event) => "uid" in event && event.folder.path === "Archive")
      .map(({ key }) => next.get(next.get(key) ?? "") ?? next.get(key));
    expect(new Set(ends).size).toBe(truth("Archive").length);
  });

  test("finds equal copies again as copies, and messages without a Message-ID by their header", async () => {
    const copy = Buffer.from("Message-ID: <twin@x>\r\nSubject: twin\r\n\r\nx\r\n");
    const bare = Buffer.from("Subject: bare\r\nFrom: a@x\r\n\r\nx\r\n");
    const internalDate = new Date(1_700_000_000_000);
    for (const raw of [copy, copy, bare]) sandbox.deliver(address, "Archive", raw, { internalDate });
    await begin();
    sandbox.resetUidValidity(address, "Archive");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "message.added")).toEqual([]);
    expect(ofType(all, "message.rekeyed")).toHaveLength(truth("Archive").length);
    expect(new Set(ofType(all, "message.rekeyed").map((event) => event.previousKey)).size).toBe(truth("Archive").length);
  });

  test("that was never wanted back hands off only what came after the last look, and links the rest", async () => {
    const settings = { ...calm, backfill: false };
    await sync("fresh", settings);
    const known = sandbox.deliver(address, "Archive", Buffer.from("Message-ID: <k@x>\r\nSubject: known\r\n\r\nx\r\n"));
    await sync("fresh", settings);
    expect(ofType(await events(), "message.added")).toMatchObject([{ uid: known }]);
    await queue.obliterate({ force: true });
    sandbox.deliver(address, "Archive", Buffer.from("Message-ID: <l@x>\r\nSubject: late\r\n\r\nx\r\n"));
    sandbox.resetUidValidity(address, "Archive");
    await sync("fresh", settings);
    await sync("backfill", settings);
    const all = await events();
    expect(ofType(all, "message.added")).toMatchObject([{ message: { subject: "late" } }]);
    expect(ofType(all, "message.rekeyed")).toHaveLength(1);
    expect((await record())?.ledger).toMatchObject({ toDo: 0, handedOff: 2, excluded: truth().length - 2 });
  });

  test("is resynced from the packs when the index beside the blobs was lost", async () => {
    await begin();
    const box = createHash("sha256").update(`contoso/${address}`).digest("hex").slice(0, 32);
    await rm(join(dir, "blobs", "contoso", box, "index"), { recursive: true });
    sandbox.resetUidValidity(address, "Archive");
    await sync("backfill");
    expect(ofType(await events(), "message.added")).toEqual([]);
  });
});

describe("a folder that was restored", () => {
  const deliver = (subject: string, at: number): number =>
    sandbox.deliver(address, "Box", Buffer.from(`Message-ID: <${subject}@x>\r\nSubject: ${subject}\r\n\r\nx\r\n`), {
      internalDate: new Date(1_700_000_000_000 + at * 60_000),
    });
  let uids: number[] = [];
  beforeEach(() => {
    sandbox.createFolder(address, "Box");
    uids = ["a", "b", "c", "d", "e", "f", "g"].map((name, at) => deliver(name, at));
  });
  afterEach(() => sandbox.deleteFolder(address, "Box"));

  test("to a lower UIDNEXT begins a new generation; what is back is known, what is gone is told", async () => {
    await begin();
    sandbox.restore(address, "Box", uids.slice(0, 5));
    await sync("fresh");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "folder.reset")).toMatchObject([{ folder: { path: "Box" }, generation: 2 }]);
    expect(ofType(all, "message.rekeyed")).toHaveLength(5);
    expect(ofType(all, "message.removed").map((event) => event.messageId)).toEqual(["<f@x>", "<g@x>"]);
    expect(ofType(all, "message.added")).toEqual([]);
  });

  test("and got new mail under UIDs that were dealt before hands all of it off, though UIDVALIDITY stayed and UIDNEXT rose", async () => {
    await begin();
    sandbox.restore(address, "Box", uids.slice(0, 5));
    for (const [at, name] of ["x", "y", "z"].entries()) deliver(name, 100 + at);
    await sync("fresh");
    await sync("backfill");
    const all = await events();
    expect(ofType(all, "folder.reset")).toHaveLength(1);
    expect(
      ofType(all, "message.added")
        .map((event) => event.message.subject ?? "")
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["x", "y", "z"]);
    expect(ofType(all, "message.rekeyed")).toHaveLength(5);
    expect(ofType(all, "message.removed")).toHaveLength(2);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length });
  });

  test("is noticed also when the newest message had been removed before", async () => {
    await begin();
    sandbox.expunge(address, "Box", [uids.at(-1) ?? 0]);
    await sync("fresh");
    await queue.obliterate({ force: true });
    sandbox.restore(address, "Box", uids.slice(0, 5));
    for (const [at, name] of ["x", "y", "z"].entries()) deliver(name, 100 + at);
    await sync("fresh");
    await sync("backfill");
    expect(ofType(await events(), "message.added")).toHaveLength(3);
  });

  test("and has the same counts as before is noticed when it is time to compare", async () => {
    await begin();
    sandbox.restore(address, "Box", uids.slice(0, 5));
    for (const [at, name] of ["x", "y"].entries()) deliver(name, 100 + at);
    await sync("fresh");
    expect(await events()).toEqual([]);
    world.clockOffset += calm.compare.recentMs;
    await sync("fresh");
    await sync("backfill");
    expect(
      ofType(await events(), "message.added")
        .map((event) => event.message.subject ?? "")
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["x", "y"]);
  });
});

test("a folder whose history was never wanted and of which nothing was handed off is not handed off by a reset either", async () => {
  const settings = { ...calm, backfill: false };
  await sync("fresh", settings);
  sandbox.deliver(address, "Archive", Buffer.from("Message-ID: <m@x>\r\nSubject: meanwhile\r\n\r\nx\r\n"), {
    internalDate: new Date(Date.now() + 60_000),
  });
  sandbox.resetUidValidity(address, "Archive");
  await sync("fresh", settings);
  await sync("backfill", settings);
  expect(ofType(await events(), "message.added")).toMatchObject([{ message: { subject: "meanwhile" } }]);
  expect((await record())?.ledger).toMatchObject({ toDo: 0, handedOff: 1, excluded: truth().length - 1 });
});
