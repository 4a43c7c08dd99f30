import { lookup } from "node:dns";
import { readFile } from "node:fs/promises";
import { Secret } from "@mailfleet/core";
import { createPop3Source } from "@mailfleet/pop3";
import {
  describeSpoolSession,
  openMailClient,
  sharedDovecot,
  silentLog,
  type SpoolWorld,
  type UidlStyle,
  uniqueName,
} from "@mailfleet/testkit";
import { describe, expect, test } from "vitest";

const vitest = { describe, test, expect };

describeSpoolSession("Dovecot with Exchange's UIDLs", "own", () => openInDovecot("decimal"), vitest);
describeSpoolSession("Dovecot with its own UIDLs", "dealt", () => openInDovecot("opaque"), vitest);

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
    source: createPop3Source({
      endpoint: () => ({ ...dovecot.pop3, tls: true, ca }),
      log: silentLog,
      scrub: (text) => text,
      clock: { monotonic: () => performance.now() },
      lookUp: lookup,
    }),
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
