import { type MailboxRef, Secret } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import { describeSpoolSession, type SpoolNumbers } from "../conformance/spool-session.ts";
import { fakeClock } from "../fake-clock.ts";
import { createMemoryMailServer } from "./memory-mail-server.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: "pop3" };
const token = { value: new Secret("token"), expiresAt: Number.MAX_SAFE_INTEGER };

const styles: readonly (readonly [SpoolNumbers, ((uid: number) => string) | undefined])[] = [
  ["own", undefined],
  ["dealt", (uid) => `${uid.toString(16).padStart(8, "0")}58f1a2b3`],
];

for (const [numbers, uidlOf] of styles) {
  describeSpoolSession(
    `The memory mail server with ${numbers} numbers`,
    numbers,
    async () => {
      const server = createMemoryMailServer({ clock: fakeClock(), ...(uidlOf && { uidlOf }) });
      const box = server.addMailbox(mailbox.address);
      return {
        ...{ source: server.source, mailbox, token },
        deliver: async (raw) => box.deliver("INBOX", raw),
        expunge: async (uids) => box.expunge("INBOX", uids),
        close: async () => undefined,
      };
    },
    { describe, test, expect },
  );
}
