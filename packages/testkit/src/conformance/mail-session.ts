import type { FolderStatus, LookRequest, MailSession } from "@mailfleet/core";
import { eachMessage } from "../each-message.ts";
import { describeInbox, type InboxWorld } from "./inbox-session.ts";
import { againstWorldsOf, allUids, codeOf, collect, fill, mail, never, type Vitest } from "./mail-session-bench.ts";
import { describeReading } from "./mail-session-reading.ts";
import { describeWaiting } from "./mail-session-waiting.ts";
import type { MailWorld } from "./mail-world.ts";

/**
 * What every {@link MailSession} over a mail server with folders must do, real or fake, besides what {@link describeInbox} asks of any
 * INBOX. In short:
 *
 * 1. UIDs rise, and none is dealt twice under one UIDVALIDITY; a move deals a new one; a rename keeps UIDs and UIDVALIDITY.
 * 2. STATUS tells the numbers of the moment. UIDNEXT is above every UID, and does not fall when mail goes.
 * 3. Rows are the asked ones, each at most once, byte for byte; what vanished is absent; asking changes nothing, not even \Seen.
 * 4. Refusals are SyncErrors: FOLDER_GONE for a folder that is not there, after which the session can be used on; INVARIANT for messages
 *    without an open folder, also after an `open` that failed. A closed session throws everything it is asked; closing it again is fine.
 * 5. `idle` tells everything that moved since `open`, or since it said `moved` last, once; it never tells less.
 * 6. An open folder is seen as it was when it was opened, or later: what came or went since may show, and shows after the next `open`.
 * 7. After a change of UIDVALIDITY nothing is served under an old UID.
 * 8. A look tells the numbers that `status` tells, for folders as they were listed, and refuses a folder that is not there as it does.
 *
 * `open` gives a mailbox of its own for each test.
 */
export function describeMailSession(name: string, open: () => Promise<MailWorld>, vitest: Vitest): void {
  const { describe, test, expect } = vitest;
  const against = againstWorldsOf(open);
  const paths = async (session: MailSession): Promise<string[]> => (await session.listFolders()).map((folder) => folder.path);

  describe(`${name} as a mail session`, () => {
    describe("folders", () => {
      test(
        "are listed as paths, with INBOX and its role among them, and follow what is made, renamed and deleted",
        against(async (world, openSession) => {
          await world.createFolder("Projects");
          await world.createFolder("Projects/Aurora");
          const session = await openSession();
          const inbox = (await session.listFolders()).find((folder) => folder.path === "INBOX");
          expect(inbox).toMatchObject({ role: "inbox", selectable: true });
          expect(await paths(session)).toEqual(expect.arrayContaining(["Projects", "Projects/Aurora"]));
          await world.renameFolder("Projects/Aurora", "Borealis");
          expect(await paths(session)).toContain("Borealis");
          await world.deleteFolder("Borealis");
          // A session of Dovecot's lists a deleted folder for a moment longer.
          const last = await paths(await openSession());
          expect(last.filter((path) => path === "Borealis" || path === "Projects/Aurora")).toEqual([]);
          expect(new Set(last).size).toBe(last.length);
        }),
      );

      test(
        "that are not there are FOLDER_GONE, and the session goes on; messages of an earlier folder are not served for them",
        against(async (world, openSession) => {
          await fill(world, "INBOX", ["a"]);
          const session = await openSession();
          expect(await codeOf(() => session.status("Nowhere"))).toBe("FOLDER_GONE");
          expect((await session.status("INBOX")).messages).toBe(1);
          await session.open("INBOX");
          expect(await codeOf(() => session.open("Nowhere"))).toBe("FOLDER_GONE");
          expect(await codeOf(() => session.listUids(1, allUids))).toBe("INVARIANT");
          expect((await session.open("INBOX")).messages).toBe(1);
        }),
      );

      test(
        "keep UIDVALIDITY, UIDNEXT and UIDs through a rename, and the old name is gone",
        against(async (world, openSession) => {
          await world.createFolder("Old");
          const uids = await fill(world, "Old", ["a", "b", "c"]);
          await world.expunge("Old", uids.slice(1, 2));
          const session = await openSession();
          const before = await session.status("Old");
          await world.renameFolder("Old", "New");
          expect(await session.status("New")).toEqual(before);
          expect(await codeOf(() => session.status("Old"))).toBe("FOLDER_GONE");
          await session.open("New");
          expect(await session.listUids(1, allUids)).toEqual([uids[0], uids[2]]);
        }),
      );

      test(
        "that are made again under their old name have another UIDVALIDITY",
        against(async (world, openSession) => {
          await world.createFolder("Box");
          await fill(world, "Box", ["a"]);
          const session = await openSession();
          const before = await session.status("Box");
          await world.deleteFolder("Box");
          expect(await codeOf(() => session.open("Box"))).toBe("FOLDER_GONE");
          await world.createFolder("Box");
          const after = await session.status("Box");
          expect(after.uidValidity).not.toBe(before.uidValidity);
          expect(after.messages).toBe(0);
        }),
      );
    });

    describe("numbers", () => {
      test(
        "move as mail comes, is read and goes",
        against(async (world, openSession) => {
          const session = await openSession();
          const empty = await session.status("INBOX");
          expect(empty).toMatchObject({ messages: 0, unseen: 0 });
          const a = await world.deliver("INBOX", mail("a"));
          const b = await world.deliver("INBOX", mail("b"), { flags: ["\\Seen"] });
          expect(b).toBeGreaterThan(a);
          const two = await session.status("INBOX");
          expect(two).toMatchObject({ messages: 2, unseen: 1, uidValidity: empty.uidValidity });
          expect(two.uidNext).toBeGreaterThan(b);
          await world.setFlags("INBOX", a, ["\\Seen"]);
          expect(await session.status("INBOX")).toMatchObject({ messages: 2, unseen: 0, uidNext: two.uidNext });
          await world.setFlags("INBOX", b, []);
          expect((await session.status("INBOX")).unseen).toBe(1);
          await world.expunge("INBOX", [b]);
          expect(await session.status("INBOX")).toMatchObject({ messages: 1, unseen: 0, uidNext: two.uidNext });
          expect(await world.deliver("INBOX", mail("c"))).toBeGreaterThan(b);
        }),
      );

      test(
        "are the same when a folder is opened, which marks nothing as read",
        against(async (world, openSession) => {
          await fill(world, "INBOX", ["a", "b"]);
          const session = await openSession();
          const { messages, uidNext, uidValidity } = await session.status("INBOX");
          expect(await session.open("INBOX")).toMatchObject({ messages, uidNext, uidValidity });
          for await (const row of eachMessage(session.fetch(await session.listUids(1, allUids)))) expect(row.flags).not.toContain("\\Seen");
          await session.fetchHeaders(await session.listUids(1, allUids));
          expect((await session.status("INBOX")).unseen).toBe(2);
        }),
      );

      test(
        "tell of a UIDVALIDITY change, and the mail is there under it",
        against(async (world, openSession) => {
          await world.createFolder("Box");
          await fill(world, "Box", ["a", "b", "c"]);
          const before = await (await openSession()).status("Box");
          await world.resetUidValidity("Box");
          const session = await openSession();
          const after = await session.status("Box");
          expect(after.uidValidity).not.toBe(before.uidValidity);
          expect(after.messages).toBe(3);
          await session.open("Box");
          const rows = await collect(session.fetch(await session.listUids(1, allUids)));
          expect(rows.map((row) => Buffer.from(row.bytes).toString())).toEqual(["a", "b", "c"].map((one) => mail(one).toString()));
        }),
      );
    });

    describe("a look", () => {
      const look = async (world: MailWorld, folders: LookRequest["folders"], hasModSeq = false): Promise<readonly FolderStatus[]> => {
        const statuses = await world.source.look?.(world.mailbox, world.token, never, { folders, hasModSeq });
        if (!statuses) throw new Error("this source does not look");
        return statuses;
      };

      test(
        "tells the numbers of all folders as a session does, in the order in which they were asked for",
        against(async (world, openSession) => {
          const names = ["Box", "My folder", "Projects", "Projects/Aurora"];
          for (const one of names) await world.createFolder(one);
          await fill(world, "INBOX", ["a", "b"]);
          await world.deliver("Box", mail("c"), { flags: ["\\Seen"] });
          await world.expunge("INBOX", [await world.deliver("INBOX", mail("d"))]);
          const session = await openSession();
          const folders = (await session.listFolders()).filter(({ selectable }) => selectable).reverse();
          expect(folders.length).toBeGreaterThanOrEqual(names.length + 1);
          const told = [];
          for (const { path } of folders) told.push(await session.status(path));
          expect(await look(world, folders, session.features.hasCondStore)).toEqual(told);
          expect(await look(world, folders)).toEqual(told.map(withoutModSeq));
          await world.deliver("Box", mail("e"));
          const box = folders.filter(({ path }) => path === "Box");
          expect(await look(world, box)).toMatchObject([{ messages: 2, unseen: 1 }]);
        }),
      );

      test(
        "is refused a folder that is not there as a session is, and one that is stopped ends",
        against(async (world) => {
          expect(await codeOf(() => look(world, [{ path: "INBOX" }, { path: "Nowhere" }]))).toBe("FOLDER_GONE");
          const gone = AbortSignal.abort();
          const request = { folders: [{ path: "INBOX" }], hasModSeq: false };
          expect(await codeOf(async () => world.source.look?.(world.mailbox, world.token, gone, request))).toBe("INTERRUPTED");
        }),
      );
    });

    describeInbox((run) => against((world, openSession) => run(inboxOf(world), openSession)), vitest);
    describeReading(against, vitest);
    describeWaiting(against, vitest);
  });
}

function withoutModSeq({ messages, uidNext, uidValidity, unseen }: FolderStatus): FolderStatus {
  return { messages, uidNext, uidValidity, ...(unseen !== undefined && { unseen }) };
}

/** The part of a world that {@link describeInbox} moves in. */
function inboxOf(world: MailWorld): InboxWorld {
  return {
    ...world,
    deliver: (raw) => world.deliver("INBOX", raw),
    expunge: (uids) => world.expunge("INBOX", uids),
  };
}
