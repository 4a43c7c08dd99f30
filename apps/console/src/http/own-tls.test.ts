import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect } from "node:tls";
import { recordingLog, testAuthority } from "@mailfleet/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTlsPair, TlsReload } from "./own-tls.ts";

let dir: string;
let server: Server | undefined;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-own-tls-"));
});
afterEach(async () => {
  server?.close();
  await rm(dir, { recursive: true, force: true });
});

/** Serial number of the certificate that a new connection gets. */
function serialOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("new connections get the pair that was put into the files, and a broken one changes nothing and is told once", async () => {
  const authority = await testAuthority(dir);
  const [first, second] = [await authority.issue("first"), await authority.issue("second")];
  const files = { certFile: path.join(dir, "cert.pem"), keyFile: path.join(dir, "key.pem") };
  const put = async (cert: string, key: string): Promise<void> => {
    await copyFile(cert, files.certFile);
    await copyFile(key, files.keyFile);
  };
  await put(first.certFile, first.keyFile);
  const pair = await readTlsPair(files);
  const log = recordingLog();
  const running = (server = createServer({ ...pair }).listen(0, "127.0.0.1"));
  await new Promise((resolve) => running.once("listening", resolve));
  const { port } = running.address() as AddressInfo;
  const reload = new TlsReload(files, pair, log);
  const before = await serialOf(port);

  await reload.look(running);
  expect(log.records).toEqual([]);
  await put(second.certFile, first.keyFile);
  await reload.look(running);
  await writeFile(files.certFile, "half a certif");
  await reload.look(running);
  expect(await serialOf(port)).toBe(before);
  expect(log.records.map(({ message }) => message)).toEqual([
    "the console's new certificate and key do not fit together, the old ones stay",
  ]);

  await put(second.certFile, second.keyFile);
  await reload.look(running);
  expect(await serialOf(port)).not.toBe(before);
});

test("a start with a pair that does not fit says which setting it is, and nothing of the files", async () => {
  const authority = await testAuthority(dir);
  const [first, second] = [await authority.issue("first"), await authority.issue("second")];
  await expect(readTlsPair({ certFile: first.certFile, keyFile: second.keyFile })).rejects.toThrow(/^console\.tls: certFile and keyFile/);
  await expect(readTlsPair({ certFile: path.join(dir, "none"), keyFile: second.keyFile })).rejects.toThrow(/^console\.tls: /);
});
