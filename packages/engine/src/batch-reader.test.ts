import { type FetchedMessage, limits, type MailboxRef, type MailSession } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, plainParser, seededChance } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { memoryPorts } from "./memory-ports.fixture.ts";
import type { EnginePorts } from "./ports.ts";
import { syncMailbox } from "./sync-mailbox.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" };

/** Reads a mailbox with these messages, whose sizes were announced as 100 bytes, and all of which come at once. */
async function read(raws: readonly string[], own: (ports: EnginePorts) => Partial<EnginePorts>) {
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const box = server.addMailbox(mailbox.address);
  for (const raw of raws) box.deliver("INBOX", Buffer.from(raw), { size: 100 });
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const atOnce = (session: MailSession): MailSession => {
    const fetch = session.fetch.bind(session);
    session.fetch = async function* (uids) {
      const all: FetchedMessage[] = [];
      for await (const messages of fetch(uids)) all.push(...messages);
      yield all;
    };
    return session;
  };
  const settings = {
    ...{ pollMs: 300_000, freshWithinMs: 600_000, backfill: true, folders: { include: ["*"], exclude: [] }, listMs: 0 },
    ...{ slice: { messages: 1_000, bytes: 64e6, seconds: 20 }, smallHistory: { messages: 100, bytes: 4e6 } },
    compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
  };
  const mail = {
    ...ports.mail,
    open: async (...given: Parameters<EnginePorts["mail"]["open"]>) => atOnce(await ports.mail.open(...given)),
  };
  return syncMailbox({ ...ports, mail, ...own(ports) }, settings, mailbox, "fresh", new AbortController().signal);
}

async function aWhile(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

test("of what comes at once, and is more than was announced, no more is parsed together than a batch may hold and one message", async () => {
  const raw = `Subject: large\r\n\r\n${"x".repeat(1024 * 1024)}\r\n`;
  const inWork = { bytes: 0, most: 0 };
  const outcome = await read(
    Array.from({ length: 12 }, () => raw),
    () => ({
      mime: {
        ...plainParser,
        async parse(bytes) {
          inWork.bytes += bytes.length;
          inWork.most = Math.max(inWork.most, inWork.bytes);
          await aWhile();
          inWork.bytes -= bytes.length;
          return plainParser.parse(bytes);
        },
      },
    }),
  );
  expect(outcome).toMatchObject({ kind: "done", counts: { handedOff: 12 } });
  expect(inWork.most).toBeGreaterThan(limits.batchBytes);
  expect(inWork.most).toBeLessThanOrEqual(limits.batchBytes + raw.length);
});

test("a batch that fails is thrown away when nothing of it is parsed any more: its store gets nothing afterwards", async () => {
  const done: string[] = [];
  const reading = read(["Subject: bad\r\n\r\n", "Subject: good\r\n\r\n"], ({ blobs }) => ({
    mime: {
      ...plainParser,
      async parse(bytes) {
        if (Buffer.from(bytes).includes("bad")) throw new Error("no thread");
        await aWhile();
        done.push("parsed");
        return plainParser.parse(bytes);
      },
    },
    blobs: {
      ...blobs,
      startBatch: (of) => {
        const batch = blobs.startBatch(of);
        return { ...batch, discard: async () => void done.push("discarded") };
      },
    },
  }));
  await expect(reading).rejects.toThrow("no thread");
  expect(done).toEqual(["parsed", "discarded"]);
});
