import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  dealUidls,
  type FolderCheckpoint,
  type MailboxRef,
  type MailboxState,
  type ProofFolder,
  spoolUidValidity,
  startCheckpoint,
  type UidSet,
  uidlsOfPart,
  verdictOf,
} from "@mailfleet/core";
import { createMemoryMailServer, createMemoryTokenSource, fakeClock } from "@mailfleet/testkit";
import { proveMailbox } from "./prove-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "pop3" };
const raw = (n: number): Uint8Array => Buffer.from(`Subject: ${n}\r\n\r\n${n}\r\n`);

interface Way {
  readonly uidlOf: (uid: number) => string;
  readonly uidValidity: string;
}

/** Two ways to name messages: as Exchange does, and as Dovecot does. */
const ways: Readonly<Record<string, Way>> = {
  "decimal numbers": { uidlOf: String, uidValidity: spoolUidValidity.ownNumbers },
  words: { uidlOf: (uid: number) => `0000${uid}.word`, uidValidity: spoolUidValidity.dealtNumbers },
};

function world({ uidlOf, uidValidity }: Way, messages: number) {
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock, uidlOf });
  const box = server.addMailbox(mailbox.address);
  for (let n = 1; n <= messages; n++) box.deliver("INBOX", raw(n));
  const { book } = dealUidls(undefined, box.uids("INBOX").map(uidlOf));
  let checkpoint: FolderCheckpoint = {
    ...startCheckpoint({ uidValidity, uidNext: messages + 1, messages }, 1, false),
    backfillBelow: 1,
    ...(book && { uidls: book }),
  };
  const others = new Map<string, FolderCheckpoint>();
  const state = (): MailboxState => ({
    folders: new Map(
      [["INBOX", checkpoint] as const, ...others].map(([path, one]) => [
        path,
        { version: 1, checkpoint: one, ledger: { listed: 0, handedOff: 0, excluded: 0, quarantined: 0, toDo: 0 } },
      ]),
    ),
    opened: true,
    hand: { suspects: [] },
  });
  return {
    box,
    others,
    handOff: (handedOff: UidSet) => void (checkpoint = { ...checkpoint, handedOff }),
    async prove() {
      const ports = {
        clock,
        digest: (text: string) => hash("sha256", text, "hex"),
        sha256: (text: string) => hash("sha256", text, "hex"),
        tokens: createMemoryTokenSource(clock.now),
        mail: server.source,
        store: { load: () => Promise.resolve(state()) },
      };
      const request = { mailbox, rules: { include: ["*"], exclude: [] } };
      const found = await proveMailbox(ports, request, new AbortController().signal);
      return { ...found, inbox: found.folders[0] as ProofFolder };
    },
  };
}

describe.each(Object.entries(ways))("the proof of a spool whose UIDLs are %s", (_, way) => {
  const named = (...uids: number[]): string[] => uids.map(way.uidlOf);

  test("names what is missing, what is new and what is gone by their UIDLs, and costs one UIDL", async () => {
    const { box, handOff, prove } = world(way, 12);
    handOff([
      [1, 6],
      [9, 12],
    ]);
    box.expunge("INBOX", [2]);
    box.deliver("INBOX", raw(13));
    const { inbox, folders, commands } = await prove();
    expect(verdictOf(folders)).toBe("gaps");
    expect(inbox.counts).toMatchObject({ listed: 12, handedOff: 9, gaps: 2, toDo: 1, extras: 1, hidden: 0 });
    expect(uidlsOfPart(inbox, "gaps")).toEqual(named(7, 8));
    expect(uidlsOfPart(inbox, "toDo")).toEqual(named(13));
    expect(uidlsOfPart(inbox, "extras")).toEqual(named(2));
    expect(commands).toBe(2);
  });

  test("is whole where the newest went, which takes the highest number with it", async () => {
    const { box, handOff, prove } = world(way, 12);
    handOff([[1, 12]]);
    box.expunge("INBOX", [11, 12]);
    const { inbox, folders } = await prove();
    expect(verdictOf(folders)).toBe("whole");
    expect(inbox.counts).toMatchObject({ listed: 10, handedOff: 10, toDo: 0, extras: 2 });
  });

  test("says nothing of folders that IMAP read before: POP3 does not show them", async () => {
    const { others, handOff, prove } = world(way, 3);
    handOff([[1, 3]]);
    others.set("Sent Items", { ...startCheckpoint({ uidValidity: "7", uidNext: 9, messages: 8 }, 1, false), handedOff: [[1, 8]] });
    const { folders } = await prove();
    expect(folders.map(({ path }) => path)).toEqual(["INBOX"]);
    expect(verdictOf(folders)).toBe("whole");
  });
});
