import { limits, type MailEvent } from "@mailfleet/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { address, calm, events, mailbox, ports, queue, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";
import { withMethod } from "./session-faults.ts";

setUpSyncBench();

const ofType = <T extends MailEvent["type"]>(all: readonly MailEvent[], type: T) =>
  all.filter((event): event is Extract<MailEvent, { type: T }> => event.type === type);

async function begin(): Promise<ReadonlyMap<string, MailEvent>> {
  await sync("backfill");
  const all = await events();
  await queue.obliterate({ force: true });
  return new Map(all.map((event) => [event.key, event]));
}

describe("messages that are gone", () => {
  test("are told once, by the key and the Message-ID they were handed off with", async () => {
    const before = await begin();
    const [first, second] = truth("INBOX");
    sandbox.expunge(address, "INBOX", [first?.uid ?? 0, second?.uid ?? 0]);
    await sync("fresh");
    const removed = ofType(await events(), "message.removed");
    expect(removed.map((event) => event.uid)).toEqual([first?.uid, second?.uid]);
    for (const event of removed) {
      expect(before.get(event.key)).toMatchObject({ type: "message.added", message: { messageId: event.messageId } });
    }
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length });
    await sync("fresh");
    expect(await events()).toHaveLength(2);
  });

  test("are not believed gone because one answer leaves them out", async () => {
    await begin();
    const hidden = truth("INBOX")[0]?.uid;
    const { uid } = truth("INBOX").at(-1) ?? { uid: 0 };
    sandbox.expunge(address, "INBOX", [uid]);
    world.fault = withMethod(
      "fetchFlags",
      (session) => async (low, high, since) => (await session.fetchFlags(low, high, since)).filter((row) => row.uid !== hidden),
    );
    await sync("fresh");
    expect(ofType(await events(), "message.removed").map((event) => event.uid)).toEqual([uid]);
  });

  test("and listed again are told as back", async () => {
    await begin();
    const hidden = truth("INBOX")[0]?.uid ?? 0;
    const lies = [
      withMethod(
        "fetchFlags",
        (session) => async (low: number, high: number, since?: string) =>
          (await session.fetchFlags(low, high, since)).filter((row) => row.uid !== hidden),
      ),
      withMethod(
        "listUids",
        (session) => async (low: number, high: number) => (await session.listUids(low, high)).filter((uid) => uid !== hidden),
      ),
      withMethod("status", (session) => async (path: string) => {
        const status = await session.status(path);
        return path === "INBOX" ? { ...status, messages: status.messages - 1 } : status;
      }),
    ] as const;
    world.fault = (session) => lies.reduce((wrapped, lie) => lie(wrapped), session);
    await sync("fresh");
    expect(ofType(await events(), "message.removed").map((event) => event.uid)).toEqual([hidden]);
    world.fault = (session) => session;
    await sync("fresh");
    const back = ofType(await events(), "message.flags");
    expect(back).toMatchObject([{ uid: hidden, isBack: true }]);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length });
    expect(ofType(await events(), "message.added")).toEqual([]);
  });
});

describe("flags", () => {
  test("that changed are told with all that the message has now, as soon as the count of unread ones shows it", async () => {
    await begin();
    const [first, second] = truth("INBOX");
    const [a, b] = [first?.uid ?? 0, second?.uid ?? 0];
    const set = (uid: number, flags: string[]) => sandbox.setFlags(address, "INBOX", uid, flags);
    set(a, []);
    set(b, ["\\Seen", "\\Flagged"]);
    await sync("fresh");
    await queue.obliterate({ force: true });
    set(a, ["\\Seen"]);
    await sync("fresh");
    expect(ofType(await events(), "message.flags")).toMatchObject([{ uid: a, flags: ["\\Seen"], folder: { path: "INBOX" } }]);
    await sync("fresh");
    expect(await events()).toHaveLength(1);
  });

  test("that no count shows are found when it is time to compare the newest messages", async () => {
    await begin();
    const uid = truth("INBOX").at(-1)?.uid ?? 0;
    sandbox.setFlags(address, "INBOX", uid, ["\\Seen"]);
    await sync("fresh");
    await queue.obliterate({ force: true });
    sandbox.setFlags(address, "INBOX", uid, ["\\Seen", "\\Flagged"]);
    await sync("fresh");
    expect(await events()).toEqual([]);
    world.clockOffset += calm.compare.recentMs;
    await sync("fresh");
    expect(ofType(await events(), "message.flags")).toMatchObject([{ uid, flags: ["\\Flagged", "\\Seen"] }]);
  });

  test("that change twice are told twice, and the later one has the higher number", async () => {
    await begin();
    const uid = truth("INBOX").at(-1)?.uid ?? 0;
    for (const flags of [[], ["\\Seen"], []]) {
      sandbox.setFlags(address, "INBOX", uid, flags);
      await sync("fresh");
    }
    const told = ofType(await events(), "message.flags")
      .filter((event) => event.uid === uid)
      .sort((x, y) => x.change - y.change);
    expect(told.slice(-2).map((event) => event.flags)).toEqual([["\\Seen"], []]);
    expect(new Set(told.map((event) => event.change)).size).toBe(told.length);
  });
});

test("a message that is moved is told as removed and added, with one Message-ID", async () => {
  await begin();
  const raw = Buffer.from("Message-ID: <moved@x>\r\nSubject: moved\r\n\r\nx\r\n");
  const uid = sandbox.deliver(address, "INBOX", raw);
  await sync("fresh");
  await queue.obliterate({ force: true });
  sandbox.move(address, "INBOX", "Archive", [uid]);
  await sync("fresh");
  const all = await events();
  expect(ofType(all, "message.removed")).toMatchObject([{ uid, folder: { path: "INBOX" }, messageId: "<moved@x>" }]);
  expect(ofType(all, "message.added")).toMatchObject([{ folder: { path: "Archive" }, message: { messageId: "<moved@x>" } }]);
  expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length });
});

describe("a folder", () => {
  const checkpoints = async () => (await ports.store.load(mailbox)).folders;
  beforeEach(() => {
    sandbox.createFolder(address, "Projects");
    for (const n of [1, 2, 3])
      sandbox.deliver(address, "Projects", Buffer.from(`Message-ID: <p${n}@x>\r\nSubject: p${n}\r\n\r\nx\r\n`), { flags: ["\\Seen"] });
  });
  afterEach(() => {
    for (const name of ["Projects", "Done/Projects", "Done"]) {
      try {
        sandbox.deleteFolder(address, name);
      } catch {
        // Not every test leaves every folder.
      }
    }
  });

  test("that is new is synced from its beginning", async () => {
    await begin();
    sandbox.createFolder(address, "Done");
    sandbox.deliver(address, "Done", Buffer.from("Subject: d\r\n\r\nx\r\n"));
    await sync("backfill");
    expect(ofType(await events(), "message.added")).toMatchObject([{ folder: { path: "Done" } }]);
  });

  test("that is renamed keeps its messages: new keys, nothing fetched, and what comes later is new", async () => {
    const before = await begin();
    sandbox.renameFolder(address, "Projects", "Done");
    const fetched: number[] = [];
    world.fault = withMethod("fetch", (session) => (uids) => {
      fetched.push(...uids);
      return session.fetch(uids);
    });
    await sync("backfill");
    const all = await events();
    expect(fetched).toEqual([]);
    const rekeyed = ofType(all, "message.rekeyed");
    expect(all).toHaveLength(3);
    for (const event of rekeyed) {
      expect(event).toMatchObject({ folder: { path: "Done" }, flags: ["\\Seen"] });
      expect(before.get(event.previousKey)).toMatchObject({ folder: { path: "Projects" }, uid: event.uid });
    }
    await queue.obliterate({ force: true });
    sandbox.createFolder(address, "Projects");
    sandbox.deliver(address, "Projects", Buffer.from("Subject: other\r\n\r\nx\r\n"));
    sandbox.deliver(address, "Done", Buffer.from("Subject: later\r\n\r\nx\r\n"));
    await sync("backfill");
    const later = ofType(await events(), "message.added");
    expect(later.map((event) => [event.folder.path, event.message.subject]).sort(([a = ""], [b = ""]) => a.localeCompare(b))).toEqual([
      ["Done", "later"],
      ["Projects", "other"],
    ]);
    expect(later.every((event) => !before.has(event.key))).toBe(true);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length, toDo: 0 });
  });

  test("that is deleted is told message by message, once it stayed away long enough", async () => {
    const before = await begin();
    sandbox.deleteFolder(address, "Projects");
    for (let session = 1; session < limits.unlistedTries; session++) await sync("fresh");
    expect(await events()).toEqual([]);
    world.clockOffset += limits.unlistedMs;
    await sync("fresh");
    const removed = ofType(await events(), "message.removed");
    expect(removed.map((event) => event.messageId)).toEqual(["<p1@x>", "<p2@x>", "<p3@x>"]);
    for (const event of removed) expect(before.has(event.key)).toBe(true);
    expect((await record())?.ledger).toMatchObject({ listed: truth().length, handedOff: truth().length });
    await sync("fresh");
    expect(await events()).toHaveLength(3);
  });

  test("that one listing left out is not taken for deleted", async () => {
    await begin();
    const listless = withMethod(
      "listFolders",
      (session) => async () => (await session.listFolders()).filter(({ path }) => path !== "Projects"),
    );
    for (let session = 0; session < limits.unlistedTries + 3; session++) {
      world.fault = session % 2 === 0 ? listless : (same) => same;
      world.clockOffset += limits.unlistedMs;
      await sync("fresh");
    }
    expect(ofType(await events(), "message.removed")).toEqual([]);
    expect((await checkpoints()).get("Projects")?.checkpoint?.unlisted).toBeUndefined();
  });
});

test("a second pass over folders that were compared sends only LIST and STATUS", async () => {
  await begin();
  const before = new Map(sandbox.counters.commands);
  await sync("fresh");
  const sent = [...sandbox.counters.commands].filter(([verb, count]) => count !== before.get(verb)).map(([verb]) => verb);
  expect(sent.filter((verb) => /EXAMINE|FETCH|SEARCH/.test(verb))).toEqual([]);
  expect((await ports.store.load(mailbox)).folders.size).toBeGreaterThan(3);
});
