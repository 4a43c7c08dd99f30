import { type MailSession, type MimeParser, readMessage, stripControls, type UidlBook, uidlOf } from "@mailfleet/core";

/** One of the newest messages, from its header. Text of senders is free of what steers a terminal. */
export interface ListedMessage {
  /** Absent over POP3. */
  readonly uid?: number;
  readonly flags?: readonly string[];
  /** Over POP3. */
  readonly uidl?: string;
  /** Of the header, else of arrival. */
  readonly date?: string;
  /** Bytes, by the server's estimate. */
  readonly size: number;
  readonly from: string;
  readonly subject: string;
}

export interface Inbox {
  readonly total: number;
  /** Of the newest messages, ascending. */
  readonly uids: readonly number[];
  readonly book: UidlBook | undefined;
}

const newest = 10;
/** Enough for the head of any sane message; over POP3 it comes by TOP, so that a large message costs no more. */
const headBytes = 16 * 1024;

export async function openInbox(session: MailSession): Promise<Inbox> {
  const { messages, uidNext, uidls } = await session.open("INBOX");
  let uids: readonly number[] = [];
  // From the end, in growing steps: an old mailbox has wide holes.
  for (let width = 100, high = uidNext - 1; high > 0 && uids.length < Math.min(newest, messages); width *= 10) {
    const low = Math.max(1, high - width + 1);
    uids = [...(await session.listUids(low, high)), ...uids];
    high = low - 1;
  }
  return { total: messages, uids: uids.slice(-newest), book: uidls };
}

/** Newest first; one that the server lists and does not give is left out. */
export async function readHeads(session: MailSession, { uids, book }: Inbox, parser: Pick<MimeParser, "parse">): Promise<ListedMessage[]> {
  const sizes = new Map((await session.describe(uids)).map((meta) => [meta.uid, meta.size]));
  const listed: ListedMessage[] = [];
  for (const uid of [...uids].reverse()) {
    const head = await session.fetchHead(uid, headBytes);
    if (head === undefined) continue;
    const parsed = await parser.parse(head.bytes);
    const message = parsed.ok ? readMessage(parsed.message) : undefined;
    const [from] = message?.from ?? [];
    const date = message?.date ?? (head.internalDate === undefined ? undefined : new Date(head.internalDate).toISOString());
    listed.push({
      ...(session.features.hasFlags ? { uid, flags: head.flags } : { uidl: stripControls(uidlOf(book, uid) ?? "") }),
      size: sizes.get(uid) ?? head.bytes.length,
      from: stripControls(from === undefined ? "(no sender)" : from.name || from.address),
      subject: stripControls(message?.subject ?? (parsed.ok ? "(no subject)" : "(its head cannot be read)")),
      ...(date !== undefined && { date }),
    });
  }
  return listed;
}
