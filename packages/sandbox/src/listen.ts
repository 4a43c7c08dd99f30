import type { Server } from "node:net";
import { SandboxOptionsError } from "./options.ts";

/** The port that it listens on. @param what the port is for @throws SandboxOptionsError */
export function listen(server: Server, host: string, port: number, what: string): Promise<number> {
  return new Promise((resolvePort, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "is in use by another program" : `cannot be opened (${error.code ?? error.message})`;
      reject(
        new SandboxOptionsError(`the ${what} port ${String(port)} on ${host} ${reason}. Name another one, or 0 for any free port.`, {
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolvePort(typeof address === "object" && address ? address.port : port);
    });
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
  });
}
