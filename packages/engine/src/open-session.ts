import { type AccessToken, isSyncError, type MailboxRef, type MailSession } from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";

/** Logs in; a token that is refused although it looks valid is replaced once (a role may have been granted since it was issued). */
export async function openSession(
  ports: Pick<EnginePorts, "tokens" | "mail">,
  mailbox: MailboxRef,
  signal: AbortSignal,
): Promise<MailSession> {
  const token = await ports.tokens.getToken(mailbox.tenant, { signal });
  try {
    return await ports.mail.open(mailbox, token, signal);
  } catch (error) {
    if (!isSyncError(error) || error.failure.code !== "TOKEN_REJECTED") throw error;
    const another: AccessToken = await ports.tokens.getToken(mailbox.tenant, { rejected: token, signal });
    if (another.value.reveal() === token.value.reveal()) throw error;
    return ports.mail.open(mailbox, another, signal);
  }
}
