import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MailSource, Secret } from "@mailfleet/core";
import { createPop3Source } from "@mailfleet/pop3";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import {
  describeSpoolSession,
  eachMessage,
  openMailClient,
  sharedDovecot,
  silentLog,
  type SpoolWorld,
  type UidlStyle,
  uniqueName,
} from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sandboxToken } from "./sandbox-token.ts";

const vitest = { describe, test, expect };
let dir: string;
let sandbox: Sandbox;
let tokenOfSandbox: string;
let nextBox = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-spool-"));
  sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes: 90, messages: 0 }] });
  tokenOfSandbox = await sandboxToken(sandbox, "contoso");
});

afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

describeSpoolSession("The sandbox", "own", () => openInSandbox(), vitest);
describeSpoolSession("The sandbox with the newest first", "own", () => openInSandbox("list-reversed"), vitest);
describeSpoolSession("The sandbox with PIPELINING", "own", () => openInSandbox("pop-pipelining"), vitest);
describeSpoolSession("The sandbox with UIDLs of old items", "dealt", () => openInSandbox("uidl-legacy"), vitest);
describeSpoolSession("Dovecot with Exchange's UIDLs", "own", () => openInDovecot("decimal"), vitest);
describeSpoolSession("Dovecot with its own UIDLs", "dealt", () => openInDovecot("opaque"), vitest);

test("in the sandbox a session that says QUIT marks what it read as read, and only that", async () => {
  const world = await openInSandbox(undefined, true);
  const [read, unread] = [await world.deliver(Buffer.from("Subject: a\r\n\r\n")), await world.deliver(Buffer.from("Subject: b\r\n\r\n"))];
  const session = await world.source.open(world.mailbox, world.token, new AbortController().signal);
  await session.open("INBOX");
  for await (const { uid } of eachMessage(session.fetch([read]))) expect(uid).toBe(read);
  expect(await session.fetchHeaders([read, unread])).toHaveLength(2);
  await session.close();
  expect([await world.isRead?.(read), await world.isRead?.(unread)]).toEqual([true, false]);
  await world.close();
});

test("in the sandbox no session ever sent DELE", () => {
  expect(sandbox.counters.pop3Commands.get("RETR")).toBeGreaterThan(100);
  expect(sandbox.counters.pop3Commands.get("DELE")).toBeUndefined();
});

function sourceOf(pop3: { readonly host: string; readonly port: number }, ca: string, quits = false): MailSource {
  return createPop3Source({
    endpoint: () => ({ ...pop3, tls: true, ca }),
    log: silentLog,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
    quits,
  });
}

/** @param oddity a fault of the sandbox's that is none of ours */
async function openInSandbox(oddity?: "list-reversed" | "pop-pipelining" | "uidl-legacy", quits = false): Promise<SpoolWorld> {
  const address = sandbox.tenants[0]?.addresses[nextBox++];
  if (address === undefined) throw new Error("the sandbox has too few mailboxes for these tests");
  if (oddity === "list-reversed") sandbox.faults.add({ name: oddity, mailbox: address });
  // What CAPA says before a login is the same for all.
  const forAll = oddity === "pop-pipelining" ? sandbox.faults.add({ name: oddity }) : undefined;
  const ca = await readFile(sandbox.caFile, "utf8");
  return {
    source: sourceOf(sandbox.pop3, ca, quits),
    mailbox: { tenant: "contoso", address, protocol: "pop3" },
    token: { value: new Secret(tokenOfSandbox), expiresAt: Date.now() + 3_600_000 },
    async deliver(raw) {
      const uid = sandbox.deliver(address, "INBOX", Buffer.from(raw));
      if (oddity === "uidl-legacy") sandbox.faults.add({ name: oddity, mailbox: address, folder: "INBOX", uid });
      return uid;
    },
    expunge: async (uids) => sandbox.expunge(address, "INBOX", uids),
    async isRead(uid) {
      const found = [...sandbox.truth()].find((one) => one.address === address && one.folder === "INBOX" && one.uid === uid);
      return found?.flags().includes("\\Seen") === true;
    },
    async close() {
      if (forAll !== undefined) sandbox.faults.remove(forAll);
    },
  };
}

/**
 * The mailbox is changed over IMAP, as other people's mail programs do. Dovecot marks what was retrieved as read however a session ends,
 * so it is no judge of that.
 */
async function openInDovecot(style: UidlStyle): Promise<SpoolWorld> {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName("contoso")}.example`;
  const address = `ann@${domain}`;
  await dovecot.addMailbox(address);
  await dovecot.setUidls(address, style);
  const token = await dovecot.issueToken({ domain });
  const client = await openMailClient({ ...dovecot.imap, caFile: dovecot.caFile, user: address, token });
  const ca = await readFile(dovecot.caFile, "utf8");
  return {
    source: sourceOf(dovecot.pop3, ca),
    mailbox: { tenant: "contoso", address, protocol: "pop3" },
    token: { value: new Secret(token), expiresAt: Date.now() + 3_600_000 },
    async deliver(raw) {
      const lines = await client.command('APPEND "INBOX"', raw);
      return Number(/\[APPENDUID \d+ (\d+)\]/.exec(lines.at(-1) ?? "")?.[1]);
    },
    async expunge(uids) {
      await client.command('SELECT "INBOX"');
      await client.command(`UID STORE ${uids.join(",")} +FLAGS.SILENT (\\Deleted)`);
      await client.command(`UID EXPUNGE ${uids.join(",")}`);
      await client.command("UNSELECT");
    },
    close: async () => client.close(),
  };
}
