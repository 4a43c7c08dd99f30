import { expect, test } from "vitest";
import {
  type CommitResult,
  type FetchedMessage,
  type JsonPieces,
  type MailboxRef,
  type MailSession,
  type OutgoingEvent,
} from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import { syncMailbox } from "./sync-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

/** What its parser wrote of a message. */
function bytesOf(json: JsonPieces): number {
  return json.reduce((sum, piece) => sum + (typeof piece === "string" ? 0 : piece.length), 0);
}

/** Three messages are read and handed off, or not; then what is left of their bytes, and of those of their events. */
async function bytesLeft(answer?: CommitResult): Promise<{ readonly messages: number[]; readonly events: number[] }> {
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const box = server.addMailbox(mailbox.address);
  for (const name of ["m1", "m2", "m3"]) box.deliver("INBOX", Buffer.from(`Subject: ${name}\r\n\r\n${name}\r\n`));
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const fetched: FetchedMessage[] = [];
  const events: OutgoingEvent[] = [];
  const watched = (session: MailSession): MailSession => {
    const fetch = session.fetch.bind(session);
    session.fetch = async function* (uids) {
      for await (const messages of fetch(uids)) {
        fetched.push(...messages);
        yield messages;
      }
    };
    return session;
  };
  const settings = {
    ...{ pollMs: 300_000, freshWithinMs: 600_000, backfill: true, folders: { include: ["*"], exclude: [] }, listMs: 0 },
    ...{ slice: { messages: 1_000, bytes: 64e6, seconds: 20 }, smallHistory: { messages: 100, bytes: 4e6 } },
    compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
  };
  await syncMailbox(
    {
      ...ports,
      mail: { ...ports.mail, open: async (...given) => watched(await ports.mail.open(...given)) },
      handOff: {
        ...ports.handOff,
        commit: async (step) => {
          events.push(...step.events);
          return step.events.length > 0 && answer ? answer : ports.handOff.commit(step);
        },
      },
    },
    settings,
    mailbox,
    "fresh",
    new AbortController().signal,
  );
  return { messages: fetched.map(({ bytes }) => bytes.length), events: events.map(({ json }) => bytesOf(json)) };
}

test("what was handed off takes no memory", async () => {
  expect(await bytesLeft()).toEqual({ messages: [0, 0, 0], events: [0, 0, 0] });
});

test("what was not handed off is not touched", async () => {
  const { messages, events } = await bytesLeft({ kind: "stale" });
  expect(Math.min(...messages, ...events)).toBeGreaterThan(0);
});
