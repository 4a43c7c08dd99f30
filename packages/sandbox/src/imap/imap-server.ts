import { createServer } from "node:tls";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import { buildCommandTable } from "./commands/index.ts";
import type { ImapServices } from "./services.ts";
import { Session } from "./session.ts";

export interface ImapServer {
  readonly server: Server;
  /** Ends every session at once. */
  readonly endSessions: () => void;
}

/** IMAP over implicit TLS, as Exchange Online serves it. */
export function createImapServer(certificate: Pick<TlsOptions, "key" | "cert" | "SNICallback">, services: ImapServices): ImapServer {
  const commands = buildCommandTable();
  const sockets = new Set<TLSSocket>();
  const server = createServer({ ...certificate, minVersion: "TLSv1.2", handshakeTimeout: 30_000 }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A reset is the client's affair; `close` follows and ends the session.
    socket.on("error", () => socket.destroy());
    new Session(socket, services, commands).run().catch(() => socket.destroy());
  });
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return {
    server,
    endSessions: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
