import { dealUidls, spoolUidValidity, type FolderStatus, type SpoolKnown, uidlOf } from "@mailfleet/core";
import { eachMessage } from "../each-message.ts";
import { describeInbox, type InboxWorld } from "./inbox-session.ts";
import { againstWorldsOf, allUids, codeOf, knownFrom, mail, never, uidsByName, type Vitest } from "./mail-session-bench.ts";

/** A mailbox that is read as a spool, and what other people do to its INBOX. */
export interface SpoolWorld extends InboxWorld {
  /** Whether its owner sees the message as read; undefined where nobody can tell. */
  isRead?(handle: number): Promise<boolean>;
}

/** Whether UIDLs are decimal numbers, which are kept as UIDs, or anything else, which are dealt numbers. */
export type SpoolNumbers = "own" | "dealt";

/**
 * What every mail session over a spool must do, real or fake; besides what {@link describeInbox} asks of any INBOX:
 *
 * 1. There is the INBOX and no other folder; no flags, no dates, nothing to wait for.
 * 2. A session sees what was there when it began: what came since shows in the next one, which is no reason to reset anything.
 * 3. With what earlier sessions were told, a message keeps its UID for ever, and no UID is ever dealt to a second message. What is known
 *    is a shortcut, and never changes what a session finds once it looks.
 * 4. What opening tells has the UIDs in the server's own order.
 * 5. Reading leaves mail unread.
 *
 * `open` gives a mailbox of its own for each test.
 */
export function describeSpoolSession(name: string, numbers: SpoolNumbers, open: () => Promise<SpoolWorld>, vitest: Vitest): void {
  const { describe, test, expect } = vitest;
  const against = againstWorldsOf(open);
  const fill = async (world: SpoolWorld, names: readonly string[]): Promise<number[]> => {
    const handles: number[] = [];
    for (const one of names) handles.push(await world.deliver(mail(one)));
    return handles;
  };

  describe(`${name} as a spool session`, () => {
    describeInbox(against, vitest);

    test(
      "has the INBOX alone, and says what it cannot do",
      against(async (world, openSession) => {
        await fill(world, ["a"]);
        const session = await openSession();
        expect(session.features).toEqual({ hasFlags: false, hasCondStore: false, hasIdle: false });
        expect(await session.listFolders()).toEqual([{ path: "INBOX", role: "inbox", attributes: [], selectable: true }]);
        await session.open("INBOX");
        const [uid = 0] = await session.listUids(1, allUids);
        expect(await codeOf(() => session.fetchFlags(1, allUids))).toBe("INVARIANT");
        expect(await codeOf(() => session.idle(1, never))).toBe("INVARIANT");
        for await (const row of eachMessage(session.fetch([uid]))) {
          expect(row.flags).toEqual([]);
          expect(row.internalDate).toBeUndefined();
        }
        expect((await session.describe([uid]))[0]?.internalDate).toBeUndefined();
        expect(await session.status("INBOX")).not.toHaveProperty("unseen");
      }),
    );

    test(
      numbers === "own"
        ? "keeps decimal UIDLs as UIDs, which leaves nothing to remember"
        : "deals numbers to UIDLs that are none, and tells what it dealt",
      against(async (world, openSession) => {
        const handles = await fill(world, ["a", "b"]);
        const session = await openSession();
        const status = await session.open("INBOX");
        const byName = await uidsByName(session);
        if (numbers === "own") {
          expect(status.uidls).toBeUndefined();
          expect(status.uidValidity).toBe(spoolUidValidity.ownNumbers);
          expect([byName.get("a"), byName.get("b")]).toEqual(handles);
          return;
        }
        expect(status.uidValidity).toBe(spoolUidValidity.dealtNumbers);
        expect([byName.get("a"), byName.get("b")]).toEqual([1, 2]);
        const uidls = [1, 2].map((uid) => uidlOf(status.uidls, uid) ?? "");
        expect(new Set(uidls).size).toBe(2);
        expect(dealUidls(status.uidls, uidls).uids).toEqual([1, 2]);
      }),
    );

    test(
      "shows what was there when it began; what came or went since shows in the next one",
      against(async (world, openSession) => {
        const [a = 0] = await fill(world, ["a", "b"]);
        const session = await openSession();
        const before = await session.open("INBOX");
        const uids = await session.listUids(1, allUids);
        await fill(world, ["c"]);
        await world.expunge([a]);
        expect(await session.status("INBOX")).toEqual(before);
        expect(await session.open("INBOX")).toEqual(before);
        expect(await session.listUids(1, allUids)).toEqual(uids);
        const next = await openSession(knownFrom(before));
        expect((await next.open("INBOX")).messages).toBe(2);
        const byName = await uidsByName(next);
        expect([...byName.keys()].sort()).toEqual(["b", "c"]);
        expect(byName.get("b")).toBe(uids[1]);
        expect(byName.get("c")).toBeGreaterThan(uids[1] ?? 0);
      }),
    );

    test(
      "gives a message the same UID for ever, and no UID a second time, whatever comes and goes between sessions",
      against(async (world, openSession) => {
        const everDealt = new Map<number, string>();
        const handles = new Map<string, number>();
        let known: SpoolKnown | undefined;
        const visit = async (): Promise<void> => {
          const session = await openSession(known);
          const status = await session.open("INBOX");
          expect(status.uidValidity).toBe(numbers === "own" ? spoolUidValidity.ownNumbers : spoolUidValidity.dealtNumbers);
          const byName = await uidsByName(session);
          expect([...byName.keys()].sort()).toEqual([...handles.keys()].sort());
          for (const [one, uid] of byName) {
            expect(everDealt.get(uid) ?? one).toBe(one);
            everDealt.set(uid, one);
            expect(status.uidNext).toBeGreaterThan(uid);
          }
          known = knownFrom(status, known);
          await session.close();
        };
        const come = async (...names: readonly string[]): Promise<void> => {
          for (const one of names) handles.set(one, await world.deliver(mail(one)));
        };
        const go = async (...names: readonly string[]): Promise<void> => {
          await world.expunge(names.map((one) => handles.get(one) ?? 0));
          for (const one of names) handles.delete(one);
        };
        await come("a", "b", "c");
        await visit();
        await go("b", "c");
        await come("d");
        await visit();
        await go("a", "d");
        await visit();
        await come("e", "f");
        await visit();
        await go("e");
        await come("g");
        await visit();
        expect([...everDealt.values()].sort()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
      }),
    );

    test(
      "finds the same whether it knows what was there, knows nothing, or knows it wrongly",
      against(async (world, openSession) => {
        const [, b = 0, , d = 0] = await fill(world, ["a", "b", "c", "d"]);
        const truth = async (known?: SpoolKnown): Promise<readonly unknown[]> => {
          const session = await openSession(known);
          const { messages, uidNext, uidValidity } = await session.status("INBOX");
          const opened = await session.open("INBOX");
          expect(opened).toMatchObject({ messages, uidNext, uidValidity });
          return [opened, await session.listUids(1, allUids)];
        };
        const first = (await truth()) as [FolderStatus, number[]];
        const known = knownFrom(first[0]);
        expect(await truth(known)).toEqual(first);
        expect(await truth({ ...known, messages: known.messages + 1 })).toEqual(first);
        expect(await truth({ ...known, newest: known.newest - 1 })).toEqual(first);
        // As many as before, and others: one went from the middle, one came.
        await world.expunge([b]);
        await fill(world, ["e"]);
        const [after, uids] = (await truth(known)) as [FolderStatus, number[]];
        expect(after.order?.toSorted((one, other) => one - other)).toEqual(uids);
        expect(after).toMatchObject({ messages: 4 });
        expect(after.uidNext).toBeGreaterThan(first[0].uidNext);
        expect(uids.slice(0, 3)).toEqual(first[1].filter((_, at) => at !== 1));
        // Fewer, and the newest is still the newest; then the newest goes.
        const later = knownFrom(after, known);
        await world.expunge([d]);
        expect((await truth(later))[1]).toEqual(uids.filter((_, at) => at !== 2));
      }),
    );

    test(
      "leaves what it reads unread",
      against(async (world, openSession) => {
        const [a = 0, b = 0] = await fill(world, ["a", "b"]);
        const session = await openSession();
        await session.open("INBOX");
        await uidsByName(session);
        await session.fetchHeaders(await session.listUids(1, allUids));
        await session.close();
        await (await openSession()).status("INBOX");
        if (world.isRead === undefined) return;
        expect([await world.isRead(a), await world.isRead(b)]).toEqual([false, false]);
      }),
    );
  });
}
