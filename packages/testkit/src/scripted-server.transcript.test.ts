import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { testAuthority } from "./certificates.ts";
import { startScriptedServer } from "./scripted-server.ts";

test("a conversation follows the script and answers with the client's own tag", async () => {
  const server = await startScriptedServer([
    [{ send: "* OK ready\r\n" }, { expect: /^(\w+) NOOP$/ }, { send: "$1 OK done\r\n" }, { cut: "end" }],
  ]);
  const client = connect(server.port, server.host);
  client.setEncoding("utf8");
  let text = "";
  client.on("data", (chunk: string) => (text += chunk));
  await once(client, "data");
  client.write("a7 NOOP\r\n");
  await once(client, "end");
  await server.finished();
  expect(text).toBe("* OK ready\r\na7 OK done\r\n");
  expect(server.received).toEqual(["a7 NOOP"]);
  await server.stop();
});

test("a client that strays from the script fails it, with what it sent", async () => {
  const server = await startScriptedServer([[{ expect: /LOGOUT/ }]]);
  const client = connect(server.port, server.host);
  client.on("error", () => undefined);
  client.write("x DELETE everything\r\n");
  await expect(server.finished()).rejects.toThrow(/step 1 of 1: the client sent "x DELETE everything"; expected \/LOGOUT\//);
  client.destroy();
  await server.stop();
});

test("a connection that no script foresees fails", async () => {
  const server = await startScriptedServer([]);
  const client = connect(server.port, server.host);
  client.on("error", () => undefined);
  client.write("hello\r\n");
  await expect(server.finished()).rejects.toThrow("hello");
  client.destroy();
  await server.stop();
});

test("a reset and a stall look like what they are, over TLS", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-script-"));
  const authority = await testAuthority(dir);
  const server = await startScriptedServer(
    [
      [{ expect: /go/ }, { cut: "reset" }],
      [{ send: "half" }, { stall: true }],
    ],
    { authority },
  );
  const ca = await readFile(authority.caFile);
  const options = { port: server.port, host: server.host, servername: "localhost", ca };
  const first = connectTls(options);
  const failed = once(first, "close");
  first.on("error", () => undefined);
  first.write("go\r\n");
  await failed;
  const second = connectTls(options);
  expect(String((await once(second, "data"))[0])).toBe("half");
  second.destroy();
  await server.stop();
  await rm(dir, { recursive: true });
});
