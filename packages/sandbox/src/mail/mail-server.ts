import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import type { MailServices } from "./services.ts";

export interface MailServer {
  readonly server: Server;
  /** Lets faults strike that wait for no command. */
  readonly lookAround: () => void;
  /** Ends every session at once. */
  readonly endSessions: () => void;
}

/** As Node takes them. */
const ticketKeyBytes = 48;

/** One connection's conversation. */
export interface MailSession {
  /** Resolves when it is over. */
  run(): Promise<void>;
  /** For what strikes without being asked. */
  lookAround(): void;
}

/** @param number counts the connections; what differs from one to the next follows from it */
export type MakeSession = (socket: TLSSocket, tcp: Socket | undefined, number: number) => MailSession;

/** A mail server over implicit TLS, as Exchange Online has them. */
export function createMailServer(
  certificate: Pick<TlsOptions, "key" | "cert" | "SNICallback">,
  { faults, protocol }: Pick<MailServices, "faults" | "protocol">,
  makeSession: MakeSession,
): MailServer {
  const sessions = new Map<Socket, MailSession>();
  /** The connections below TLS by the client's end of them. */
  const tcpOf = new Map<string, Socket>();
  let connections = 0;
  const server = createServer({ ...certificate, minVersion: "TLSv1.2", handshakeTimeout: 30_000 }, (socket) => {
    const session = makeSession(socket, tcpOf.get(endOf(socket)), ++connections);
    sessions.set(socket, session);
    socket.on("close", () => sessions.delete(socket));
    // A reset is the client's affair; `close` follows and ends the session.
    socket.on("error", () => socket.destroy());
    session.run().catch(() => socket.destroy());
  });
  server.on("connection", (tcp: Socket) => {
    // A client that resumes a TLS session is shown no certificate. With another one a real server knows no earlier session either.
    if (faults.isOrdered(`${protocol}-certificate`)) server.setTicketKeys(randomBytes(ticketKeyBytes));
    const end = endOf(tcp);
    tcpOf.set(end, tcp);
    tcp.once("close", () => {
      if (tcpOf.get(end) === tcp) tcpOf.delete(end);
    });
    const early = faults.strike("close-after-connect", {}, (fault) => fault.word("at") === "tcp");
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
