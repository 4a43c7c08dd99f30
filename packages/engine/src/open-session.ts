import {
  type AccessToken,
  isSyncError,
  type MailboxRef,
  type MailSession,
  type MailSource,
  type SpoolKnown,
  type SyncError,
  type TokenSource,
} from "@mailfleet/core";

export interface OpenPorts {
  readonly tokens: TokenSource;
  readonly mail: MailSource;
}

export interface OpenedSession {
  readonly session: MailSession;
  /** The one it was opened with: the session ends with it. */
  readonly token: AccessToken;
}

/** Logs in; a token that is refused although it looks valid is replaced once (a role may have been granted since it was issued). */
export async function openSession(ports: OpenPorts, mailbox: MailboxRef, signal: AbortSignal, known?: SpoolKnown): Promise<MailSession> {
  return (await openWithToken(ports, mailbox, signal, undefined, known)).session;
}

/**
 * A new token in place of the refused one.
 * @throws the mail server's own refusal where a token that was just renewed would be renewed again: that is what happened to the mailbox
 */
async function renewed(
  ports: OpenPorts,
  { tenant }: MailboxRef,
  rejected: AccessToken,
  refusal: SyncError,
  signal: AbortSignal,
): Promise<AccessToken> {
  try {
    return await ports.tokens.getToken(tenant, { rejected, signal });
  } catch (error) {
    throw isSyncError(error) && error.failure.code === "TOKEN_REJECTED" ? refusal : error;
  }
}

/**
 * @param onToken told of each token before it is used
 * @param known of a mailbox that is read as a spool
 */
export async function openWithToken(
  ports: OpenPorts,
  mailbox: MailboxRef,
  signal: AbortSignal,
  onToken: (token: AccessToken) => void = () => undefined,
  known?: SpoolKnown,
): Promise<OpenedSession> {
  const { result, token } = await withToken(ports, mailbox, signal, onToken, (one) => ports.mail.open(mailbox, one, signal, known));
  return { session: result, token };
}

/** Tries a login, and once more with another token where the first is refused and another can be had. */
export async function withToken<T>(
  ports: OpenPorts,
  mailbox: MailboxRef,
  signal: AbortSignal,
  onToken: (token: AccessToken) => void,
  logIn: (token: AccessToken) => Promise<T>,
): Promise<{ readonly result: T; readonly token: AccessToken }> {
  const token = await ports.tokens.getToken(mailbox.tenant, { signal });
  onToken(token);
  try {
    return { result: await logIn(token), token };
  } catch (error) {
    if (!isSyncError(error) || error.failure.code !== "TOKEN_REJECTED") throw error;
    const another = await renewed(ports, mailbox, token, error, signal);
    if (another.value.reveal() === token.value.reveal()) throw error;
    onToken(another);
    return { result: await logIn(another), token: another };
  }
}
