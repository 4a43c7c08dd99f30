import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { Server, TlsOptions } from "node:tls";
import { buildCommandTable } from "./commands/index.ts";
import type { ImapServices } from "./services.ts";
import { Session } from "./session.ts";

export interface ImapServer {
  readonly server: Server;
  /** Lets faults strike that wait for no command. */
  readonly lookAround: () => void;
  /** Ends every session at once. */
  readonly endSessions: () => void;
}

/** IMAP over implicit TLS, as Exchange Online serves it. */
export function createImapServer(certificate: Pick<TlsOptions, "key" | "cert" | "SNICallback">, services: ImapServices): ImapServer {
  const commands = buildCommandTable();
  const sessions = new Map<Socket, Session>();
  /** The connections below TLS by the client's end of them. */
  const tcpOf = new Map<string, Socket>();
  let connections = 0;
  const server = createServer({ ...certificate, minVersion: "TLSv1.2", handshakeTimeout: 30_000 }, (socket) => {
    const session = new Session(socket, tcpOf.get(endOf(socket)), ++connections, services, commands);
    sessions.set(socket, session);
    socket.on("close", () => sessions.delete(socket));
    // A reset is the client's affair; `close` follows and ends the session.
    socket.on("error", () => socket.destroy());
    session.run().catch(() => socket.destroy());
  });
  server.on("connection", (tcp: Socket) => {
    const end = endOf(tcp);
    tcpOf.set(end, tcp);
    tcp.once("close", () => {
      if (tcpOf.get(end) === tcp) tcpOf.delete(end);
    });
    const early = services.faults.strike("close-after-connect", {}, (fault) => fault.word("at") === "tcp");
    // Not at once: Node is about to put TLS on it.
    if (early) setImmediate(() => (early.flag("reset") ? tcp.resetAndDestroy() : tcp.destroy()));
  });
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return {
    server,
    lookAround: () => {
      for (const session of sessions.values()) session.lookAround();
    },
    endSessions: () => {
      for (const socket of sessions.keys()) socket.destroy();
    },
  };
}

function endOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ""} ${String(socket.remotePort)}`;
}
