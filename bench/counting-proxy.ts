import { connect, createServer, type Socket } from "node:net";

/** Passes a TCP port through and counts: TLS records as they are on the wire. */
export interface CountingProxy {
  readonly port: number;
  /** Since the start. */
  readonly traffic: () => Traffic;
  close(): Promise<void>;
}

export interface Traffic {
  readonly connections: number;
  /** Bytes from the server. */
  readonly received: number;
  /** Bytes from the client. */
  readonly sent: number;
  /** How often a client spoke after the server had, and how often it spoke first: each is a round trip where the other side is far. */
  readonly roundTrips: number;
}

export async function startCountingProxy(targetPort: number): Promise<CountingProxy> {
  const traffic = { connections: 0, received: 0, sent: 0, roundTrips: 0 };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    traffic.connections++;
    let isClientsTurn = true;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => open.delete(socket));
    }
    upstream.on("data", (chunk: Buffer) => {
      traffic.received += chunk.length;
      isClientsTurn = true;
    });
    client.on("data", (chunk: Buffer) => {
      traffic.sent += chunk.length;
      if (isClientsTurn) traffic.roundTrips++;
      isClientsTurn = false;
    });
    client.pipe(upstream);
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    traffic: () => ({ ...traffic }),
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
