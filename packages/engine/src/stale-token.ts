import { type AccessToken, type Failure, limits, type MailboxRef } from "@mailfleet/core";
import type { EnginePorts } from "./ports.ts";

/**
 * The server ended a session with its token although the token has time left: the token that is shared is not what it seems, or a clock is
 * wrong. Its real end is no failure at all: Exchange ends each session with its token, about hourly.
 */
export function isStaleToken({ code }: Failure, token: AccessToken | undefined, now: number): boolean {
  return code === "SESSION_EXPIRED" && token !== undefined && token.expiresAt - now > limits.staleTokenMs;
}

/** Has the token renewed, once for all who share it, and says so. Never throws: the next session asks for a token anyway. */
export async function replaceStaleToken(ports: EnginePorts, mailbox: MailboxRef, token: AccessToken, signal: AbortSignal): Promise<void> {
  const leftMs = Math.round(token.expiresAt - ports.clock.now());
  ports.log.warn(
    { tenant: mailbox.tenant, mailbox: mailbox.address, code: "SESSION_EXPIRED", leftMs },
    "the mail server says that a token has ended which has time left; it is renewed. If this goes on, check the clock",
  );
  await ports.tokens.getToken(mailbox.tenant, { rejected: token, signal }).catch(() => undefined);
}
