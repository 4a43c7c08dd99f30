import type { TlsOptions } from "node:tls";
import { createMailServer, type MailServer } from "../mail/mail-server.ts";
import type { MailServices } from "../mail/services.ts";
import { buildCommandTable } from "./commands/index.ts";
import { Session } from "./session.ts";

/** IMAP as Exchange Online serves it. */
export function createImapServer(certificate: Pick<TlsOptions, "key" | "cert" | "SNICallback">, services: MailServices): MailServer {
  const commands = buildCommandTable();
  return createMailServer(certificate, services, (socket, tcp, number) => new Session(socket, tcp, number, services, commands));
}
