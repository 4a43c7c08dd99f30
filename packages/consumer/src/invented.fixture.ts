import { createHash } from "node:crypto";
import type { MailfleetEvent } from "./event.ts";

/** An event as it lies in the queue. */
export function inventedEvent(n: number, more: Readonly<Record<string, unknown>> = {}): MailfleetEvent {
  const raw = {
    ref: `pack:contoso/${"0".repeat(32)}/202611/${"1".repeat(32)}@17+${n}`,
    sha256: createHash("sha256").digest("hex"),
    size: n,
  };
  return {
    schema: "mailfleet.event/1",
    type: "message.added",
    key: `contoso/support@contoso.example/INBOX/1.1/${n}`,
    tenant: "contoso",
    mailbox: "support@contoso.example",
    protocol: "imap",
    at: "2026-11-23T14:03:22.000Z",
    lane: "fresh",
    folder: { path: "INBOX", role: "inbox" },
    uid: n,
    uidValidity: "1",
    flags: [],
    raw,
    parser: { name: "mailparser", version: "3" },
    message: {
      messageId: `<${n}@mail.example>`,
      subject: `message ${n}`,
      references: [],
      from: [],
      to: [],
      cc: [],
      bcc: [],
      replyTo: [],
      sender: [],
      headers: [],
      attachments: [],
      text: `text ${n}`,
    },
    ...more,
  } as unknown as MailfleetEvent;
}
