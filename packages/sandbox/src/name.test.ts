import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "./index.ts";

let dir: string;
let sandbox: Sandbox;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-sandbox-name-"));
  sandbox = await startSandbox({ dataDir: dir, name: "mail-box", tenants: [{ alias: "contoso", mailboxes: 1, messages: 1 }] });
});
afterAll(async () => {
  await sandbox?.close();
  await rm(dir, { recursive: true, force: true });
});

test("a sandbox that has a name tells clients that name", async () => {
  const { port } = new URL(sandbox.authority);
  expect([new URL(sandbox.authority).hostname, sandbox.imap.host, sandbox.pop3.host]).toEqual(["mail-box", "mail-box", "mail-box"]);
  expect(await readFile(sandbox.configFile, "utf8")).toContain(`authority: "https://mail-box:${port}"`);
});

test.each(["mail-box", "localhost"])("its certificate is good for %s", async (servername) => {
  const ca = await readFile(sandbox.caFile);
  const socket = connect({ host: "127.0.0.1", port: sandbox.imap.port, servername, ca });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  expect(socket.authorized).toBe(true);
  socket.destroy();
});

test("its OpenID configuration is of the host that was asked", async () => {
  const ca = await readFile(sandbox.caFile);
  const { port } = new URL(sandbox.authority);
  const path = `/${sandbox.tenants[0]?.tenantId}/v2.0/.well-known/openid-configuration`;
  const text = await new Promise<string>((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, path, ca, servername: "mail-box", headers: { host: `mail-box:${port}` } },
      (answer) => {
        let body = "";
        answer.on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => resolve(body));
      },
    );
    asking.once("error", reject).end();
  });
  expect(JSON.parse(text)).toMatchObject({ issuer: expect.stringContaining(`https://mail-box:${port}/`) });
});
