import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { Secret, type AccessToken, type MailSource } from "@mailfleet/core";
import { createImapSource } from "@mailfleet/imap";
import { createTlsMemory, type TlsMemory } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { fakeClock, type RunningDovecot, sharedDovecot, silentLog, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const own = { resumeMs: 3_600_000, renewMs: 60_000, peers: 2 };
let dir: string;
let sandbox: Sandbox;
let dovecot: RunningDovecot;
let sandboxCa: string;
let dovecotCa: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-tls-"));
  sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes: 1, messages: 0 }] });
  dovecot = await sharedDovecot();
  [sandboxCa, dovecotCa] = await Promise.all([readFile(sandbox.caFile, "utf8"), readFile(dovecot.caFile, "utf8")]);
});

afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

interface Peer {
  readonly host: string;
  readonly port: number;
  readonly ca?: string;
}

/** One connection, a command's way there and back: with the greeting alone, TLS 1.3's tickets may be still to come. True when it resumed an earlier one. */
async function connectOnce(memory: TlsMemory, peer: Peer): Promise<boolean> {
  const begun = memory.begin(peer);
  const socket: TLSSocket = connect({ ...peer, ...(peer.host === "localhost" && { servername: peer.host }), ...begun.options });
  try {
    await new Promise((resolve, reject) => {
      socket.once("data", () => {
        socket.write("1 CAPABILITY\r\n");
        socket.once("data", resolve);
      });
      socket.once("error", reject);
    });
    begun.keep(socket);
    return socket.isSessionReused();
  } catch (error) {
    begun.forget();
    throw error;
  } finally {
    socket.destroy();
  }
}

const peers = (): [string, Peer][] => [
  ["the sandbox", { ...sandbox.imap, ca: sandboxCa }],
  ["Dovecot", { ...dovecot.imap, ca: dovecotCa }],
];

describe("TLS sessions", () => {
  test("are resumed, by one connection after the other, until the certificate was looked at too long ago", async () => {
    for (const [name, peer] of peers()) {
      const clock = fakeClock();
      const memory = createTlsMemory({ now: Date.now, monotonic: () => clock.monotonic() }, own);
      const resumed: boolean[] = [];
      for (let minute = 0; minute < 62; minute += 2) {
        resumed.push(await connectOnce(memory, peer));
        await clock.advance(2 * 60_000);
      }
      expect(resumed.slice(1, 30), name).toEqual(Array.from({ length: 29 }, () => true));
      expect([resumed[0], resumed[30]], name).toEqual([false, false]);
    }
  });

  test("are not offered to another port, under another name, or by whom trusts another authority", async () => {
    const memory = createTlsMemory(realClock(), { ...own, peers: 10 });
    const peer = { ...sandbox.imap, ca: sandboxCa };
    await connectOnce(memory, peer);
    expect(await connectOnce(memory, peer)).toBe(true);
    expect(await connectOnce(memory, { ...peer, host: peer.host === "localhost" ? "127.0.0.1" : "localhost" })).toBe(false);
    expect(await connectOnce(memory, { ...peer, port: sandbox.pop3.port })).toBe(false);
    await expect(connectOnce(memory, { ...peer, ca: dovecotCa })).rejects.toThrow(/certificate/);
    await expect(connectOnce(memory, sandbox.imap)).rejects.toThrow(/certificate/);
  });

  test("are forgotten after a failure, and when there are too many", async () => {
    const memory = createTlsMemory(realClock(), { ...own, peers: 1 });
    const [[, first], [, second]] = peers() as [[string, Peer], [string, Peer]];
    await connectOnce(memory, first);
    memory.begin(first).forget();
    expect(await connectOnce(memory, first)).toBe(false);
    expect(await connectOnce(memory, first)).toBe(true);
    await connectOnce(memory, second);
    expect(await connectOnce(memory, first)).toBe(false);
  });

  test("do not hide that the sandbox shows another certificate", async () => {
    const memory = createTlsMemory(realClock(), own);
    const peer = { ...sandbox.imap, ca: sandboxCa };
    await connectOnce(memory, peer);
    expect(await connectOnce(memory, peer)).toBe(true);
    sandbox.faults.add({ name: "imap-certificate", params: { certificate: "expired" } });
    await expect(connectOnce(memory, peer)).rejects.toThrow(/expired/);
    const mailbox = { tenant: "contoso", address: "ann@contoso.example", protocol: "imap" } as const;
    const token = { value: new Secret("none"), expiresAt: 0 };
    const request = { folders: [{ path: "INBOX" }], hasModSeq: false };
    const looking = sourceOf(sandbox.imap, sandboxCa, memory).look?.(mailbox, token, new AbortController().signal, request);
    await expect(looking).rejects.toMatchObject({ failure: { code: "TLS_HANDSHAKE", facts: { code: "CERT_HAS_EXPIRED" } } });
    sandbox.faults.clear();
    expect(await connectOnce(memory, peer)).toBe(false);
  });

  test("end with the certificate", async () => {
    const ended = { now: () => Date.now() + 100 * 365 * 86_400_000, monotonic: () => performance.now() };
    const memory = createTlsMemory(ended, own);
    const peer = { ...sandbox.imap, ca: sandboxCa };
    await connectOnce(memory, peer);
    expect(await connectOnce(memory, peer)).toBe(false);
  });

  test("are shared by sessions and looks, and do not hide a certificate from whoever has none", async () => {
    const domain = `${uniqueName("contoso")}.example`;
    const address = `ann@${domain}`;
    await dovecot.addMailbox(address);
    const token: AccessToken = { value: new Secret(await dovecot.issueToken({ domain })), expiresAt: Date.now() + 3_600_000 };
    const memory = createTlsMemory(realClock(), own);
    const begun: boolean[] = [];
    const watched: TlsMemory = {
      begin(peer) {
        const beginning = memory.begin(peer);
        begun.push(beginning.options.session !== undefined);
        return beginning;
      },
    };
    const mailbox = { tenant: "contoso", address, protocol: "imap" } as const;
    const { signal } = new AbortController();
    const source = sourceOf(dovecot.imap, dovecotCa, watched);
    const request = { folders: [{ path: "INBOX" }], hasModSeq: false };
    await (await source.open(mailbox, token, signal)).close();
    await source.look?.(mailbox, token, signal, request);
    await (await source.open(mailbox, token, signal)).close();
    expect(begun).toEqual([false, true, true]);
    await expect(sourceOf(dovecot.imap, sandboxCa, watched).look?.(mailbox, token, signal, request)).rejects.toMatchObject({
      failure: { code: "TLS_HANDSHAKE", facts: { layer: "tls" } },
    });
  });
});

function sourceOf(imap: { readonly host: string; readonly port: number }, ca: string, tlsMemory: TlsMemory): MailSource {
  return createImapSource({
    endpoint: () => ({ ...imap, tls: true, ca }),
    log: silentLog,
    scrub: (text) => text,
    clock: realClock(),
    lookUp: lookup,
    tlsMemory,
  });
}

function realClock(): { now(): number; monotonic(): number } {
  return { now: () => Date.now(), monotonic: () => performance.now() };
}
