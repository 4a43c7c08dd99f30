import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Answers each line with its name and the line. */
async function startEcho(name: string): Promise<{ server: Server; port: number; received: () => string }> {
  let text = "";
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (const line of chunk.toString().split("\n").filter(Boolean)) socket.write(`${name} ${line}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as { port: number }).port, received: () => text };
}

let echo: Awaited<ReturnType<typeof startEcho>>;
let proxy: TcpProxy;
const clients: Socket[] = [];
beforeEach(async () => {
  echo = await startEcho("a");
  proxy = await startTcpProxy({ port: echo.port });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.stop();
  echo.server.close();
});

interface Client {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  text(): string;
  until(text: string): Promise<void>;
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, proxy.host);
  clients.push(socket);
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([once(socket, "connect").catch(() => undefined), closed]);
  return {
    socket,
    closed,
    text: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) await once(socket, "data");
    },
  };
}

test("passes bytes on in both directions, counts them, and the end of either side", async () => {
  const client = await open();
  client.socket.end("one\ntwo\n");
  await client.closed;
  expect(client.text()).toBe("a one\na two\n");
  expect([proxy.requestBytes, proxy.responseBytes, proxy.accepted]).toEqual([8, 12, 1]);
});

test("a frozen network closes nothing and loses nothing", async () => {
  const client = await open();
  client.socket.write("one\n");
  await client.until("a one\n");
  proxy.freeze();
  client.socket.write("two\n");
  const another = await open();
  another.socket.write("three\n");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([client.text(), another.text(), proxy.open]).toEqual(["a one\n", "", 2]);
  proxy.thaw();
  await Promise.all([client.until("a two\n"), another.until("a three\n")]);
});

test("a slow network delivers all, later: by delay and by rate", async () => {
  const client = await open();
  proxy.slow({ delayMs: 60 });
  let startedAt = performance.now();
  client.socket.write("one\n");
  await client.until("a one\n");
  expect(performance.now() - startedAt).toBeGreaterThan(115);
  proxy.slow({ bytesPerSecond: 20_000 });
  startedAt = performance.now();
  client.socket.write(`${"x".repeat(4_000)}end\n`);
  await client.until("end\n");
  expect(performance.now() - startedAt).toBeGreaterThan(150);
  expect(client.text().replaceAll(/[^x]/g, "")).toHaveLength(4_000);
});

test("cuts after so many request bytes, which the server has", async () => {
  const client = await open();
  const cut = proxy.cutAfterRequest(6);
  client.socket.write("one\ntwo\n");
  await Promise.all([cut, client.closed]);
  await expect.poll(echo.received).toBe("one\ntw");
});

test("cuts after so many response bytes, which the client has", async () => {
  const client = await open();
  const cut = proxy.cutAfterResponse(7);
  client.socket.write("one\ntwo\n");
  await Promise.all([cut, client.closed]);
  expect(client.text()).toBe("a one\na");
  const next = await open();
  next.socket.write("three\n");
  await next.until("a three\n");
});

test("loses the answer to one request, which the server has whole, however it was cut into chunks", async () => {
  const client = await open();
  const lost = proxy.loseAnswerTo("commit-7");
  client.socket.write("one\n");
  await client.until("a one\n");
  client.socket.write("com");
  client.socket.write("mit-7\n");
  await Promise.all([lost, client.closed]);
  expect(echo.received()).toBe("one\ncommit-7\n");
  expect(client.text()).toMatch(/^a one\n(a com\n)?$/);
});

test("new connections go to another server after a switch, open ones once they are cut", async () => {
  const other = await startEcho("b");
  try {
    const client = await open();
    proxy.switchTo({ port: other.port });
    client.socket.write("one\n");
    await client.until("a one\n");
    proxy.cut();
    await client.closed;
    const next = await open();
    next.socket.write("two\n");
    await next.until("b two\n");
  } finally {
    other.server.close();
  }
});

test("a refusing network resets, and lets through again", async () => {
  proxy.refuse(true);
  const client = await open();
  await client.closed;
  proxy.refuse(false);
  const next = await open();
  next.socket.write("one\n");
  await next.until("a one\n");
});
