import {
  type AccessToken,
  type Clock,
  isSyncError,
  type ListedFolder,
  type MailboxLook,
  type MailboxRef,
  type MailSession,
  type MailSource,
} from "@mailfleet/core";

/** STATUS of more folders than this costs a large mailbox's budget of server time (exchange-online 3.2). */
const foldersCounted = 40;
/** Enough for the header of any sane message. */
const headBytes = 16 * 1024;
/** UIDs that are looked at for the newest message. */
const newestWidth = 1_000;

export interface LookAtMailbox {
  readonly mail: MailSource;
  readonly mailbox: MailboxRef;
  readonly token: AccessToken;
  readonly clock: Pick<Clock, "monotonic">;
  /** Ends the session, wherever it is. */
  readonly signal: AbortSignal;
}

type Stage = Extract<MailboxLook, { kind: "refused" }>["stage"];

/** Login, first command, folders, EXAMINE INBOX, one header: read-only, so nothing is marked as read. Does not reject. */
export async function lookAtMailbox({ mail, mailbox, token, clock, signal }: LookAtMailbox): Promise<MailboxLook> {
  const startedMs = clock.monotonic();
  let stage: Stage = "login";
  let session: MailSession | undefined;
  try {
    session = await mail.open(mailbox, token, signal);
    stage = "folders";
    const folders = await session.listFolders();
    const counted = await countMessages(session, folders);
    stage = "INBOX";
    const inbox = await session.open("INBOX");
    stage = "message";
    const high = inbox.uidNext - 1;
    const newest = high < 1 ? [] : await session.listUids(Math.max(1, high - newestWidth + 1), high);
    const uid = newest.at(-1);
    if (uid !== undefined) await session.fetchHead(uid, headBytes);
    return { kind: "opened", folders: folders.length, ...counted, tookMs: clock.monotonic() - startedMs };
  } catch (error) {
    return refusalOf(error, stage);
  } finally {
    await session?.close();
  }
}

/** Login and first command only: whether somebody else is refused as well. Undefined where it opened. */
export async function tryLogin(given: Omit<LookAtMailbox, "clock">): Promise<Extract<MailboxLook, { kind: "refused" }> | undefined> {
  try {
    const session = await given.mail.open(given.mailbox, given.token, given.signal);
    await session.close();
    return undefined;
  } catch (error) {
    return refusalOf(error, "login");
  }
}

/** All folders that can be opened, until there are too many. One that went or cannot be opened is not the mailbox refusing. */
async function countMessages(
  session: MailSession,
  folders: readonly ListedFolder[],
): Promise<{ messages: number; countedFolders: number }> {
  let messages = 0;
  let left = 0;
  let counted = 0;
  for (const { path, selectable } of folders) {
    if (selectable && counted - left >= foldersCounted) break;
    counted++;
    if (!selectable) {
      left++;
      continue;
    }
    try {
      messages += (await session.status(path)).messages;
    } catch (error) {
      const code = isSyncError(error) ? error.failure.code : undefined;
      if (code !== "FOLDER_GONE" && code !== "FOLDER_UNSELECTABLE") throw error;
    }
  }
  return { messages, countedFolders: counted };
}

function refusalOf(error: unknown, stage: Stage): Extract<MailboxLook, { kind: "refused" }> {
  if (!isSyncError(error)) return { kind: "refused", stage, code: "UNCLASSIFIED", facts: { layer: "engine" } };
  const { code, facts } = error.failure;
  // Our own limit, as the doctor aborts with INTERRUPTED: the server did not answer.
  return { kind: "refused", stage, code: code === "INTERRUPTED" ? "CONNECT_TIMEOUT" : code, facts };
}
