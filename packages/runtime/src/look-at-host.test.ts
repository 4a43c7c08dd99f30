import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { lookAtHost } from "./look-at-host.ts";

const servers: Server[] = [];
const clock = { now: () => Date.now() };

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const ask = (port: number, given: Partial<Parameters<typeof lookAtHost>[0]> = {}) =>
  lookAtHost({ host: "127.0.0.1", port, tls: true, isHttp: true, stageMs: 1_000, clock, ...given });

test("a name that does not exist fails at the name", async () => {
  const { look } = await ask(443, { host: "no-such-host.invalid", stageMs: 5_000 });
  expect(look.failure?.at).toBe("dns");
});

test("a closed port fails at the connection", async () => {
  const port = await listen(() => undefined);
  await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
  expect((await ask(port)).look.failure).toEqual({ at: "tcp", code: "ECONNREFUSED" });
});

test("a port that takes the connection and says nothing ends by the limit, at the handshake", async () => {
  const port = await listen((socket) => socket.on("error", () => undefined).resume());
  expect((await ask(port)).look.failure).toEqual({ at: "tls", code: "TIMEOUT" });
});

test("a server that hangs up, or speaks something else, fails at the handshake", async () => {
  const hangsUp = await listen((socket) => socket.on("error", () => undefined).destroy());
  expect((await ask(hangsUp)).look.failure?.at).toBe("tls");
  const plain = await listen((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end("* OK ready\r\n"),
  );
  expect((await ask(plain)).look.failure?.at).toBe("tls");
});
