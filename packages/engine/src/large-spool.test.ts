import { hash } from "node:crypto";
import { expect, test } from "vitest";
import {
  dealUidls,
  emptyLedger,
  type FolderCheckpoint,
  type MailboxRef,
  type MailSource,
  packCheckpoint,
  presentUids,
  type SpoolKnown,
  spoolUidValidity,
  startCheckpoint,
} from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { wholeMailbox } from "./one-pass.fixture.ts";
import { syncMailbox } from "./sync-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "pop3" };
const messages = 100_000;
const settings = { ...wholeMailbox, smallHistory: { messages: 0, bytes: 0 } };

/** 70 characters that nothing can be spared of. */
const randomUidls = Array.from({ length: messages + 2 }, (_, uid) => hash("sha512", String(uid), "base64url").slice(0, 70));

/** What was asked of the server, and what it need not be asked. */
interface Asked {
  readonly calls: string[];
  known: SpoolKnown | undefined;
}

function counting(source: MailSource, asked: Asked): MailSource {
  return {
    async open(ref, token, signal, known) {
      asked.known = known;
      const session = await source.open(ref, token, signal, known);
      return new Proxy(session, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]): unknown => {
            asked.calls.push(String(name));
            return Reflect.apply(value, target, args);
          };
        },
      });
    },
  };
}

test.each([
  ["numbers", String, 10_000],
  ["Dovecot's", (uid: number) => `${uid.toString(16).padStart(8, "0")}6a1b2c3d`, 10_000],
  ["random ones of 70 characters", (uid: number) => randomUidls[uid] as string, 1_000_000],
])(
  "a mailbox of 100,000 whose UIDLs are %s is polled in three calls, and its checkpoint stays small",
  async (_what, uidlOf, most) => {
    const clock = fakeClock();
    const server = createMemoryMailServer({ clock, uidlOf });
    const box = server.addMailbox(mailbox.address);
    const raw = Buffer.from("Subject: one of many\r\n\r\n");
    for (let n = 1; n <= messages; n++) box.deliver("INBOX", raw);
    // As it is once everything was handed off, but for some that are gone since.
    const { book } = dealUidls(undefined, box.uids("INBOX").map(uidlOf));
    const uidValidity = book ? spoolUidValidity.dealtNumbers : spoolUidValidity.ownNumbers;
    let stored: FolderCheckpoint = {
      ...startCheckpoint({ uidValidity, uidNext: messages + 1, messages, ...(book && { uidls: book }) }, 1, false),
      backfillBelow: 1,
      handedOff: [[1, messages]],
      isVerified: true,
    };
    box.expunge("INBOX", [3, 500, 77_777]);

    const asked: Asked = { calls: [], known: undefined };
    const fleet = createMemoryFleet({ clock, chance: seededChance(1), onCommit: ({ checkpoint }) => void (stored = checkpoint) });
    fleet.register(mailbox);
    const ports = memoryPorts(clock, fleet.process(), counting(server.source, asked));
    const { store, handOff } = ports;
    const sync = async () => {
      asked.calls.length = 0;
      const outcome = await syncMailbox(ports, settings, mailbox, "fresh", new AbortController().signal);
      await clock.advance(settings.pollMs);
      return outcome;
    };
    const lease = await store.acquire(mailbox, "fresh");
    if (!lease) throw new Error("the mailbox is free");
    const ledger = { ...emptyLedger, listed: messages, handedOff: messages };
    await handOff.commit({ id: "first", lease, folder: "INBOX", expectedVersion: 0, checkpoint: stored, ledger, events: [] });
    await handOff.settle(lease, { checked: true, opened: true, freshDueInMs: 0, events: [] });

    // The first comparison, which tells the three.
    expect(await sync()).toMatchObject({ kind: "done", counts: { changes: 3, handedOff: 0 } });
    expect(presentUids(stored).length).toBe(4);

    expect(await sync()).toMatchObject({ kind: "done", counts: { changes: 0, handedOff: 0, commits: 0 } });
    expect(asked.calls).toEqual(["listFolders", "status", "close"]);
    // STAT and the UIDL of the newest are all that need be asked.
    expect(asked.known).toMatchObject({ newest: messages, messages: messages - 3 });
    expect(Buffer.byteLength(packCheckpoint(stored))).toBeLessThan(most);

    box.deliver("INBOX", Buffer.from("Subject: new\r\n\r\n"));
    expect(await sync()).toMatchObject({ kind: "done", counts: { handedOff: 1 } });
    expect(asked.calls.length).toBeLessThan(12);
  },
  120_000,
);
