import { openAccess, type TenantAccess } from "@mailfleet/checks";
import type { Config, Environment } from "@mailfleet/config";
import { type FailureCode, isSyncError, type MailboxRef } from "@mailfleet/core";
import type { Many, TriedSample } from "./mailbox-import.ts";

/** At once; a tenant's login rate is not to be used up by a look. */
const atOnce = 4;
const patienceMs = 30_000;

/** Logs in to some of the mailboxes, evenly chosen, and reads nothing but the answer to one command. */
export async function trySample(config: Config, env: Environment, mailboxes: Many<MailboxRef>, wanted: number): Promise<TriedSample> {
  const chosen = evenly(mailboxes, wanted);
  const refused: { address: string; why: string }[] = [];
  const access = await openAccess(config, env);
  try {
    for (let i = 0; i < chosen.length; i += atOnce) {
      const answers = await Promise.all(chosen.slice(i, i + atOnce).map((mailbox) => tryOne(access, mailbox)));
      for (const [j, why] of answers.entries()) if (why !== undefined) refused.push({ address: chosen[i + j]?.address ?? "", why });
    }
  } finally {
    await access.close();
  }
  return { tried: chosen.length, open: chosen.length - refused.length, refused };
}

function evenly(mailboxes: Many<MailboxRef>, wanted: number): MailboxRef[] {
  const chosen: MailboxRef[] = [];
  const step = Math.max(1, mailboxes.count / wanted);
  let at = 0;
  for (const mailbox of mailboxes) {
    if (at >= Math.floor(chosen.length * step)) chosen.push(mailbox);
    if (chosen.length === wanted) break;
    at += 1;
  }
  return chosen;
}

async function tryOne(access: TenantAccess, mailbox: MailboxRef): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const token = await access.tokens.getToken(mailbox.tenant, { signal });
    const session = await access.mail.open(mailbox, token, signal);
    await session.close();
    return undefined;
  } catch (error) {
    return isSyncError(error) ? reasonOf(error.failure.code) : "for a reason that mailfleet has no word for";
  }
}

/** The commonest in words, the others by their code, which `docs/errors.md` explains. */
function reasonOf(code: FailureCode): string {
  if (code === "MAILBOX_ACCESS_DENIED") return "no access granted";
  if (code === "SERVER_THROTTLED") return "throttled by the server";
  return code;
}
