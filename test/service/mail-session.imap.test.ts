import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPlaceholder, Secret, type MailboxRef, type MailSource } from "@mailfleet/core";
import { createImapSource } from "@mailfleet/imap";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import {
  describeMailSession,
  eachMessage,
  type MailWorld,
  openImapWorld,
  type RunningDovecot,
  sharedDovecot,
  silentLog,
  startDovecot,
  uniqueName,
} from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sandboxToken } from "./sandbox-token.ts";

const vitest = { describe, test, expect };
let dir: string;
let sandbox: Sandbox;
let tokenOfSandbox: string;
let condStore: RunningDovecot;
let nextBox = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-session-"));
  [sandbox, condStore] = await Promise.all([
    startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes: 60, messages: 0 }] }),
    startDovecot({ condStore: true }),
  ]);
  tokenOfSandbox = await sandboxToken(sandbox, "contoso");
});

afterAll(async () => {
  await condStore.stop();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

describeMailSession("The sandbox", openInSandbox, vitest);
describeMailSession("Dovecot with Exchange's capabilities", async () => openInDovecot(await sharedDovecot()), vitest);
describeMailSession("Dovecot with CONDSTORE", () => openInDovecot(condStore), vitest);

test("what the sandbox sends for a message that cannot be converted is known as a placeholder", async () => {
  const world = await openInSandbox();
  const uid = await world.deliver(
    "INBOX",
    Buffer.from("Message-ID: <a@x>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: Ann <ann@x>\r\n\r\nx\r\n"),
  );
  sandbox.setFetchFault(world.mailbox.address, "INBOX", uid, "placeholder");
  const session = await world.source.open(world.mailbox, world.token, new AbortController().signal);
  await session.open("INBOX");
  const bytes: Uint8Array[] = [];
  for await (const row of eachMessage(session.fetch([uid]))) bytes.push(row.bytes);
  expect(bytes.map(isPlaceholder)).toEqual([true]);
  await session.close();
  await world.close();
});

test("of these only one offers CONDSTORE, so that both ways are tried", async () => {
  const features = async (world: MailWorld): Promise<unknown> => {
    const session = await world.source.open(world.mailbox, world.token, new AbortController().signal);
    await session.close();
    await world.close();
    return session.features;
  };
  const plain = { hasFlags: true, hasCondStore: false, hasIdle: true };
  expect(await features(await openInSandbox())).toEqual(plain);
  expect(await features(await openInDovecot(await sharedDovecot()))).toEqual(plain);
  expect(await features(await openInDovecot(condStore))).toEqual({ ...plain, hasCondStore: true });
});

function sourceOf(imap: { readonly host: string; readonly port: number }, ca: string): MailSource {
  return createImapSource({
    endpoint: () => ({ ...imap, tls: true, ca }),
    log: silentLog,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
  });
}

async function openInSandbox(): Promise<MailWorld> {
  const address = sandbox.tenants[0]?.addresses[nextBox++];
  if (address === undefined) throw new Error("the sandbox has too few mailboxes for these tests");
  return openWorld(sandbox.imap, sandbox.caFile, address, tokenOfSandbox, (folder) => void sandbox.resetUidValidity(address, folder));
}

async function openInDovecot(dovecot: RunningDovecot): Promise<MailWorld> {
  const domain = `${uniqueName("contoso")}.example`;
  const address = `ann@${domain}`;
  await dovecot.addMailbox(address);
  const token = await dovecot.issueToken({ domain });
  return openWorld(dovecot.imap, dovecot.caFile, address, token, (folder) => dovecot.forgetUids(address, folder));
}

async function openWorld(
  imap: { readonly host: string; readonly port: number },
  caFile: string,
  address: string,
  token: string,
  reset: (folder: string) => Promise<void> | void,
): Promise<MailWorld> {
  const mailbox: MailboxRef = { tenant: "contoso", address, protocol: "imap" };
  return openImapWorld({
    source: sourceOf(imap, await readFile(caFile, "utf8")),
    mailbox,
    token: { value: new Secret(token), expiresAt: Date.now() + 3_600_000 },
    client: { ...imap, caFile, user: address, token },
    resetUidValidity: async (folder) => reset(folder),
  });
}
