import type { Protocol } from "./ids.ts";
import type { MailSource } from "./ports.ts";

/** One source for mailboxes of both protocols. */
export function byProtocol(sources: Readonly<Record<Protocol, MailSource>>): MailSource {
  return {
    open: (mailbox, token, signal, known) => sources[mailbox.protocol].open(mailbox, token, signal, known),
    look: async (mailbox, token, signal, request) => sources[mailbox.protocol].look?.(mailbox, token, signal, request),
  };
}
