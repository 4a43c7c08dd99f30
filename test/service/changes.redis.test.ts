import { type MailEvent } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { address, events, mailbox, ports, queue, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";
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

test("a second pass over folders that were compared sends only LIST and STATUS", async () => {
  await begin();
  const before = new Map(sandbox.counters.commands);
  await sync("fresh");
  const sent = [...sandbox.counters.commands].filter(([verb, count]) => count !== before.get(verb)).map(([verb]) => verb);
  expect(sent.filter((verb) => /EXAMINE|FETCH|SEARCH/.test(verb))).toEqual([]);
  expect((await ports.store.load(mailbox)).folders.size).toBeGreaterThan(3);
});
