import type { TlsOptions } from "node:tls";
import { createMailServer, type MailServer } from "../mail/mail-server.ts";
import type { MailServices } from "../mail/services.ts";
import { buildCommandTable } from "./commands/index.ts";
import { Pop3Session } from "./session.ts";

/** POP3 as Exchange Online serves it (field guide 4). */
export function createPop3Server(certificate: Pick<TlsOptions, "key" | "cert" | "SNICallback">, services: MailServices): MailServer {
  const commands = buildCommandTable();
  return createMailServer(certificate, services, (socket, tcp, number) => new Pop3Session(socket, tcp, number, services, commands));
}
