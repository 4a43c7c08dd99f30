import {
  type AccessToken,
  compareNeed,
  type FailureCode,
  type FolderCheckpoint,
  isSyncError,
  type Lease,
  limits,
  type ListedFolder,
  type Listing,
  lookFolder,
  type MailboxRef,
  type MailboxState,
  planFolder,
  presentUids,
  type StoredCheckpoint,
} from "@mailfleet/core";
import { isOwed } from "./backfill.ts";
import { withToken } from "./open-session.ts";
import type { EnginePorts, SessionContext, SyncCounts, SyncSettings } from "./ports.ts";

/** What the numbers of the folders alone say. */
export type Look =
  /** They are as they were, and nothing is owed by now: the poll is over. */
  | { readonly kind: "quiet"; readonly hasHistory: boolean }
  /** A session is needed, as ever. `isUsable` is false where the look itself came to nothing that could be used. */
  | { readonly kind: "session"; readonly isUsable: boolean };

/** After these a session finds out what it is: a folder that went, a name that the server spells otherwise, answers it alone can read. */
const leftToSession: ReadonlySet<FailureCode> = new Set(["PROTOCOL_VIOLATION", "COMMAND_REFUSED", "FOLDER_GONE", "FOLDER_UNSELECTABLE"]);
const ofFolders: ReadonlySet<FailureCode> = new Set(["FOLDER_GONE", "FOLDER_UNSELECTABLE"]);

/**
 * The poll of a mailbox in which most likely nothing happened: its folders' numbers, compared with the checkpoints as a session would.
 * Undefined where a session has to be opened without it: nothing is asked then.
 *
 * @throws SyncError as opening a session does
 */
export async function lookFirst(
  ports: EnginePorts,
  settings: SyncSettings,
  lease: Lease,
  mailbox: MailboxRef,
  state: MailboxState,
  signal: AbortSignal,
  onToken: (token: AccessToken) => void,
): Promise<Look | undefined> {
  const { mail, clock } = ports;
  const { listing } = state;
  const now = clock.now();
  if (!mail.look || !listing || !mayLook(ports, settings, lease, mailbox, state, listing, now)) return undefined;
  const folders = syncedFolders(state, listing);
  if (folders === undefined || folders.length === 0) return undefined;
  const request = {
    folders: folders.map(([path]) => lookFolder(path, listing)),
    hasModSeq: folders.some(([, { compared }]) => compared?.modSeq !== undefined),
  };
  try {
    const look = mail.look.bind(mail);
    const { result } = await withToken(ports, mailbox, signal, onToken, (token) => look(mailbox, token, signal, request));
    if (result === undefined) return { kind: "session", isUsable: false };
    const isQuiet = folders.every(([path, checkpoint], index) => {
      const status = result[index];
      return (
        status !== undefined &&
        planFolder(path, status, checkpoint, now).kind === "skip" &&
        compareNeed(status, checkpoint, settings.compare, now).kind === "none"
      );
    });
    if (!isQuiet) return { kind: "session", isUsable: true };
    return { kind: "quiet", hasHistory: folders.some(([, checkpoint]) => isOwed(checkpoint, settings)) };
  } catch (error) {
    if (!isSyncError(error) || !leftToSession.has(error.failure.code)) throw error;
    const { code, facts } = error.failure;
    ports.log.debug({ mailbox: mailbox.address, code, folder: facts.folder }, "a look at the folders' numbers is left to a session");
    return { kind: "session", isUsable: ofFolders.has(code) };
  }
}

/** Only where everything is well: whatever is in trouble, slowed, tried out, unfinished or asked for is a session's business. */
function mayLook(
  ports: EnginePorts,
  settings: SyncSettings,
  lease: Lease,
  mailbox: MailboxRef,
  state: MailboxState,
  listing: Listing,
  now: number,
): boolean {
  if (lease.lane !== "fresh" || lease.canary !== undefined || mailbox.protocol !== "imap") return false;
  if (!state.opened || state.cause !== undefined || state.pace !== undefined) return false;
  if (state.hand.inHand !== undefined || state.hand.suspects.length > 0) return false;
  // Before its time: somebody saw mail come, and the numbers would only say so again.
  if (state.nextAt !== undefined && now < state.nextAt - limits.clockSkewMs) return false;
  if (listing.isBarred || listing.rules !== rulesDigest(ports, settings)) return false;
  return now - listing.at < settings.listMs && listing.at <= now + limits.clockSkewMs;
}

/** INBOX first: its answer proves access. Undefined where a checkpoint cannot be read. */
function syncedFolders(state: MailboxState, listing: Listing): readonly (readonly [string, FolderCheckpoint])[] | undefined {
  const aside = new Set(listing.aside);
  const synced: (readonly [string, FolderCheckpoint])[] = [];
  for (const [path, { checkpoint }] of state.folders) {
    if (aside.has(path)) continue;
    if (checkpoint === undefined) return undefined;
    if (!checkpoint.isExcluded) synced.push([path, checkpoint]);
  }
  return synced.sort(([one], [other]) => Number(other === "INBOX") - Number(one === "INBOX"));
}

/**
 * What a session that came to its end leaves for the next polls. Nothing where it brought something: a mailbox that is busy would be logged
 * into twice at each poll. Nothing either while a folder is away and it is not settled what became of it.
 */
export function listingAfter(
  context: SessionContext,
  state: MailboxState,
  look: Look | undefined,
  { listed, at }: { readonly listed: readonly ListedFolder[]; readonly at: number },
): Listing | undefined {
  const { ports, settings, folders, leftOut, counts } = context;
  const bar = barOf(look, state, ports.clock.now());
  if (bar) return bar;
  if (settings.listMs <= 0 || context.mailbox.protocol !== "imap" || leftOut.size > 0 || broughtAnything(counts)) return undefined;
  const synced = new Set(folders.map(({ path }) => path));
  if (folders.some(({ checkpoint }) => checkpoint === undefined || checkpoint.unlisted !== undefined)) return undefined;
  const others = [...state.folders].filter(([path]) => !synced.has(path));
  const isListed = new Set(listed.map(({ path }) => path));
  if (others.some(([path, stored]) => !isListed.has(path) && !isSettled(stored))) return undefined;
  const aside = others.filter(([, { checkpoint }]) => !checkpoint?.isExcluded).map(([path]) => path);
  const unusual = listed.flatMap(({ path, wireName }) => (wireName !== undefined && synced.has(path) ? [[path, wireName] as const] : []));
  return { at, rules: rulesDigest(ports, settings), wireNames: Object.fromEntries(unusual), aside };
}

/** The note that looks are of no use here, until that may have changed: of now, or of an earlier session. */
function barOf(look: Look | undefined, { listing }: MailboxState, now: number): Listing | undefined {
  if (look?.kind === "session" && !look.isUsable) return { at: now, rules: "", wireNames: {}, aside: [], isBarred: true };
  return listing?.isBarred && now - listing.at < limits.lookAgainMs ? listing : undefined;
}

/** Of a folder that is away: what became of it was told, and its place in the checkpoints is all that is left. */
function isSettled({ checkpoint, ledger }: StoredCheckpoint): boolean {
  if (checkpoint === undefined || checkpoint.isExcluded) return true;
  return presentUids(checkpoint).length === 0 && checkpoint.previous.length === 0 && ledger.toDo === 0 && ledger.excluded === 0;
}

function broughtAnything({ handedOff, quarantined, changes }: SyncCounts): boolean {
  return handedOff + quarantined + changes > 0;
}

/** Rules that choose other folders make the listing one of others. */
function rulesDigest({ digest }: EnginePorts, { folders }: SyncSettings): string {
  return digest(JSON.stringify([folders.include, folders.exclude])).slice(0, 6);
}
