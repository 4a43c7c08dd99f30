import type { Protocol } from "../ids.ts";

/** As people write them. */
export const protocolNames: Readonly<Record<Protocol, string>> = { imap: "IMAP", pop3: "POP3" };

export function otherProtocol(protocol: Protocol): Protocol {
  return protocol === "imap" ? "pop3" : "imap";
}
