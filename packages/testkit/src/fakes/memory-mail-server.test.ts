import { type MailboxRef, Secret, spoolUidValidity } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { describeMailSession } from "../conformance/mail-session.ts";
import { eachMessage } from "../each-message.ts";
import { fakeClock } from "../fake-clock.ts";
import { createMemoryMailServer } from "./memory-mail-server.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };
const token = { value: new Secret("token"), expiresAt: Number.MAX_SAFE_INTEGER };
const never = new AbortController().signal;

for (const hasCondStore of [false, true]) {
  describeMailSession(
    `The memory mail server${hasCondStore ? " with CONDSTORE" : ""}`,
    async () => {
      // IDLE that nothing ends must end by itself: time goes on while a test waits.
      const clock = fakeClock();
      const timer = setInterval(() => void clock.advance(1), 1);
      const server = createMemoryMailServer({ clock, features: { hasCondStore } });
      const box = server.addMailbox(mailbox.address);
      return {
        ...{ source: server.source, mailbox, token },
        deliver: async (folder, raw, mail = {}) =>
          box.deliver(folder, raw, { ...mail, internalDate: mail.internalDate?.getTime() ?? clock.now() }),
        expunge: async (folder, uids) => box.expunge(folder, uids),
        setFlags: async (folder, uid, flags) => box.setFlags(folder, uid, flags),
        move: async (from, to, uids) => void box.move(from, uids, to),
        createFolder: async (folder) => box.createFolder(folder),
        renameFolder: async (from, to) => box.renameFolder(from, to),
        deleteFolder: async (folder) => box.deleteFolder(folder),
        resetUidValidity: async (folder) => box.resetUidValidity(folder),
        close: async () => clearInterval(timer),
      };
    },
    { describe, test, expect },
  );
}

describe("the memory mail server", () => {
  const open = async (protocol: "imap" | "pop3" = "imap") => {
    const clock = fakeClock();
    const server = createMemoryMailServer({ clock });
    const box = server.addMailbox(mailbox.address);
    for (const name of ["one", "two", "three"]) box.deliver("INBOX", Buffer.from(`Subject: ${name}\r\n\r\n${name}\r\n`));
    const login = () => server.source.open({ ...mailbox, protocol }, token, never);
    return { server, box, login, session: await login() };
  };
  const subjects = async (rows: AsyncIterable<{ readonly bytes: Uint8Array }>): Promise<string[]> => {
    const found: string[] = [];
    for await (const { bytes } of rows) found.push(Buffer.from(bytes).toString().split("\r\n")[0] ?? "");
    return found;
  };

  test("deals UIDs again after a restore, under the same UIDVALIDITY, and remembers whose they were", async () => {
    const { box, session } = await open();
    const before = await session.status("INBOX");
    box.restore("INBOX", 2);
    expect(await session.status("INBOX")).toMatchObject({ messages: 1, uidNext: 2, uidValidity: before.uidValidity });
    expect(box.deliver("INBOX", Buffer.from("Subject: again\r\n\r\n"))).toBe(2);
    expect(box.truth().map(({ isThere, names }) => [isThere, names.at(-1)?.uid])).toEqual([
      [true, 1],
      [false, 2],
      [false, 3],
      [true, 2],
    ]);
  });

  test("shows a hidden message in no answer, and a withheld one in every answer but the one with its bytes", async () => {
    const { box, session } = await open();
    box.hide("INBOX", 1, true);
    box.withhold("INBOX", 2, true);
    await session.open("INBOX");
    expect(await session.listUids(1, 9)).toEqual([2, 3]);
    expect(await session.status("INBOX")).toMatchObject({ messages: 2, uidNext: 4 });
    expect((await session.describe([1, 2, 3])).map(({ uid }) => uid)).toEqual([2, 3]);
    expect(await subjects(eachMessage(session.fetch([1, 2, 3])))).toEqual(["Subject: three"]);
    expect(await session.fetchHead(2, 10)).toBeUndefined();
    box.hide("INBOX", 1, false);
    expect(await session.listUids(1, 9)).toEqual([1, 2, 3]);
  });

  test("ends the session on a folder that becomes another, and refuses whom it is told to refuse", async () => {
    const { box, session, login } = await open();
    await session.open("INBOX");
    box.resetUidValidity("INBOX");
    await expect(session.listUids(1, 9)).rejects.toMatchObject({ failure: { code: "SESSION_CLOSED" } });
    box.refuse(true);
    await expect(login()).rejects.toMatchObject({ failure: { code: "MAILBOX_ACCESS_DENIED" } });
  });

  test("as a spool is the INBOX as it was at login, without flags, dates or other folders", async () => {
    const { box, session, login } = await open("pop3");
    box.createFolder("Archive");
    box.expunge("INBOX", [1]);
    box.deliver("INBOX", Buffer.from("Subject: four\r\n\r\n"), { flags: ["\\Seen"] });
    expect(session.features).toMatchObject({ hasFlags: false });
    expect((await session.listFolders()).map(({ path }) => path)).toEqual(["INBOX"]);
    expect(await session.open("INBOX")).toEqual({ messages: 3, uidNext: 4, uidValidity: spoolUidValidity.ownNumbers, order: [1, 2, 3] });
    expect(await session.listUids(1, 9)).toEqual([1, 2, 3]);
    const next = await login();
    expect(await next.open("INBOX")).toMatchObject({ messages: 3, uidNext: 5 });
    expect(await subjects(eachMessage(next.fetch([2, 4])))).toEqual(["Subject: two", "Subject: four"]);
    expect(await next.describe([4])).toEqual([{ uid: 4, size: 17 }]);
    await expect(next.status("Archive")).rejects.toMatchObject({ failure: { code: "FOLDER_GONE" } });
  });
});
