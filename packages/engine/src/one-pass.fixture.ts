import { limits, type FetchedMessage, type MailboxRef, type Protocol } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import type { EnginePorts, SyncSettings } from "./ports.ts";
import { syncMailbox } from "./sync-mailbox.ts";

/** All folders with their history, in one go. */
export const wholeMailbox: SyncSettings = {
  pollMs: 300_000,
  freshWithinMs: 600_000,
  backfill: true,
  folders: { include: ["*"], exclude: [] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: 100, bytes: limits.smallHistoryBytes },
  listMs: 0,
  compare: { recentMs: 1_800_000, wholeMs: 86_400_000, recentUids: 500 },
};

/** What a session's `fetch` gives, as the test wants it. */
export type Refetch = (messages: AsyncIterable<readonly FetchedMessage[]>) => AsyncIterable<readonly FetchedMessage[]>;

export interface PassOptions {
  /** That is announced for each message, bytes; absent: its own. */
  readonly size?: number;
  /** Default: IMAP. */
  readonly protocol?: Protocol;
}

/** One pass over the INBOX of a mailbox over the fakes. */
export async function passOver(
  raws: readonly string[],
  refetch: Refetch,
  own: (ports: EnginePorts) => Partial<EnginePorts>,
  { size, protocol = "imap" }: PassOptions = {},
): ReturnType<typeof syncMailbox> {
  const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol };
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock });
  const box = server.addMailbox(mailbox.address);
  for (const raw of raws) box.deliver("INBOX", Buffer.from(raw), { ...(size !== undefined && { size }) });
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), server.source);
  const open: EnginePorts["mail"]["open"] = async (...given) => {
    const session = await ports.mail.open(...given);
    const fetch = session.fetch.bind(session);
    session.fetch = (uids) => refetch(fetch(uids));
    return session;
  };
  const used = { ...ports, mail: { ...ports.mail, open }, ...own(ports) };
  return syncMailbox(used, wholeMailbox, mailbox, "fresh", new AbortController().signal);
}
