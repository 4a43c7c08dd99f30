import { expect, test } from "vitest";
import { tryLogin } from "./imap-login-probe.ts";
import { sharedDovecot } from "./shared-services.ts";
import { uniqueName } from "./unique-name.ts";

test("the run's Dovecot takes mailboxes and logins from a test file's own process", async () => {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName()}.example`;
  await dovecot.addMailbox(`ann@${domain}`);
  const token = await dovecot.issueToken({ domain });
  expect(await tryLogin({ ...dovecot.imap, caFile: dovecot.caFile, user: `ann@${domain}`, token })).toBe("ok");
});
