import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createPlainServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { startScriptedServer, testAuthority, type TestAuthority } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Pop3Client, type Pop3ClientOptions } from "./index.ts";
import { blob, canary, errorOf, login, stall, user } from "./transcript-harness.ts";

let dir: string;
let authority: TestAuthority;
let ca: string;
let own: { readonly cert: Buffer; readonly key: Buffer };

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "pop3-tls-"));
  authority = await testAuthority(dir);
  ca = await readFile(authority.caFile, "utf8");
  const { certFile, keyFile } = await authority.issue("server");
  own = { cert: await readFile(certFile), key: await readFile(keyFile) };
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A TLS server that greets and knows no command. */
async function tlsServer(of: TlsOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createTlsServer({ ...own, ...of }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => socket.write("-ERR\r\n"));
    socket.write("+OK ready\r\n");
  });
  server.on("tlsClientError", () => undefined);
  return await listening(server);
}

async function listening(server: ReturnType<typeof createPlainServer>): Promise<AsyncDisposable & { readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => await new Promise((resolve) => server.close(() => resolve())),
  };
}

function options(port: number, more: Partial<Pop3ClientOptions> = {}): Pop3ClientOptions {
  const timeouts = { connectMs: 2_000, greetingMs: 2_000, silenceMs: 2_000 };
  return { host: "127.0.0.1", port, tls: { ca }, timeouts, scrub: (text) => text, ...more };
}

describe("over TLS", () => {
  test("a session is the same, and a message comes whole however the records are cut", async () => {
    const text = `${"line\r\n..dots\r\n".repeat(20_000)}end\r\n`;
    const server = await startScriptedServer(
      [
        [
          ...login,
          { expect: /^RETR 1$/ },
          { send: "+OK\r\n" },
          { send: text.replaceAll("\r\n..", "\r\n...") },
          { send: ".\r" },
          { send: "\n" },
          stall,
        ],
      ],
      { authority },
    );
    const client = await Pop3Client.connect(options(server.port));
    await client.authenticate(user, canary);
    expect(server.received.at(-1)).toBe(blob);
    expect((await (await client.retr(1)).bytes()).equals(Buffer.from(text))).toBe(true);
    client.close();
    await server.stop();
  });

  test("the name in the certificate may be another than the host's", async () => {
    await using server = await tlsServer({});
    const wrong = await errorOf(Pop3Client.connect(options(server.port, { tls: { ca, servername: "mail.example" } })));
    expect(wrong).toMatchObject({ kind: "tls", code: "ERR_TLS_CERT_ALTNAME_INVALID", during: "connect", isOver: true });
    const client = await Pop3Client.connect(options(server.port, { tls: { ca, servername: "localhost" } }));
    expect(client.greeting).toBe("ready");
    client.close();
  });

  test("an authority that is not trusted is refused before anything is sent", async () => {
    const server = await startScriptedServer([[...login, stall]], { authority });
    const error = await errorOf(Pop3Client.connect(options(server.port, { tls: true })));
    expect(error).toMatchObject({ kind: "tls", during: "connect" });
    expect(error.code).toMatch(/^(SELF_SIGNED_|UNABLE_TO_|DEPTH_ZERO_)/);
    expect(server.received).toEqual([]);
    await server.stop();
  });

  test("nothing below TLS 1.2 is spoken", async () => {
    await using server = await tlsServer({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
    expect(await errorOf(Pop3Client.connect(options(server.port)))).toMatchObject({
      kind: "tls",
      code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
      during: "connect",
    });
  });

  test("TLS 1.2 is", async () => {
    await using server = await tlsServer({ maxVersion: "TLSv1.2" });
    const client = await Pop3Client.connect(options(server.port));
    expect(client.greeting).toBe("ready");
    client.close();
  });

  test("a server that speaks no TLS is not spoken to", async () => {
    const server = await startScriptedServer([[...login, stall]]);
    const error = await errorOf(Pop3Client.connect(options(server.port)));
    expect(error).toMatchObject({ kind: "tls", during: "connect" });
    await server.stop();
  });
});

describe("connecting", () => {
  test("a port where nobody listens is a network error with Node's code", async () => {
    const server = await listening(createPlainServer());
    await server[Symbol.asyncDispose]();
    expect(await errorOf(Pop3Client.connect(options(server.port)))).toMatchObject({ kind: "network", code: "ECONNREFUSED" });
  });

  test("a TLS handshake that does not end is given up", async () => {
    const sockets: { destroy(): void }[] = [];
    await using server = await listening(createPlainServer((socket) => void sockets.push(socket.on("error", () => undefined))));
    const error = await errorOf(Pop3Client.connect(options(server.port, { timeouts: { connectMs: 50 } })));
    expect(error).toMatchObject({ kind: "connect-timeout", during: "connect", isOver: true });
    for (const socket of sockets) socket.destroy();
  });

  test("names are looked up by the caller's own function", async () => {
    const asked: string[] = [];
    const error = await errorOf(
      Pop3Client.connect(
        options(995, {
          host: "mail.example",
          lookup: (name, _options, callback) => {
            asked.push(name);
            callback(Object.assign(new Error("getaddrinfo EAI_AGAIN mail.example"), { code: "EAI_AGAIN" }), []);
          },
        }),
      ),
    );
    expect(asked).toEqual(["mail.example"]);
    expect(error).toMatchObject({ kind: "network", code: "EAI_AGAIN", text: "getaddrinfo EAI_AGAIN mail.example" });
  });

  test("the signal ends a connect that hangs", async () => {
    const abort = new AbortController();
    const error = errorOf(Pop3Client.connect(options(995, { host: "mail.example", lookup: () => abort.abort(), signal: abort.signal })));
    expect(await error).toMatchObject({ kind: "aborted", during: "connect" });
  });

  test.each(["mail.example", "10.0.0.1", "128.0.0.1", "localhost.example"])("without TLS %s is not connected to", async (host) => {
    const lookup = (): never => {
      throw new Error("looked up");
    };
    expect(await errorOf(Pop3Client.connect(options(110, { host, tls: false, lookup })))).toMatchObject({ kind: "usage", isOver: true });
  });
});
