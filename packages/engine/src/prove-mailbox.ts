import {
  accountBasis,
  accountByCount,
  accountByListing,
  type AccountQuestion,
  countUids,
  eachUid,
  emptyAccount,
  emptyUidSet,
  type FolderAccount,
  folderRole,
  type FolderRules,
  type FolderStatus,
  intersectUids,
  isSyncError,
  limits,
  maxUid,
  type ListedFolder,
  type MailboxRef,
  type MailboxState,
  type MailSession,
  presentUids,
  type ProofFolder,
  proofUidls,
  proofUids,
  selectFolders,
  type Sha256,
  type SpoolKnown,
  type UidSet,
  uidSetOf,
  uidsOfProof,
  uniteUids,
} from "@mailfleet/core";
import { openSession } from "./open-session.ts";
import type { EnginePorts } from "./ports.ts";
import { refuseNewer } from "./refuse-newer.ts";

export interface ProvePorts extends Pick<EnginePorts, "clock" | "digest" | "tokens" | "mail"> {
  readonly store: Pick<EnginePorts["store"], "load">;
  readonly sha256: Sha256;
}

export interface ProveRequest {
  readonly mailbox: MailboxRef;
  readonly rules: FolderRules;
  /** What an earlier proof says of a folder: it stands where neither the server's STATUS nor our checkpoint moved since. */
  readonly earlier?: (path: string) => ProofFolder | undefined;
  readonly onFolder?: (done: number, all: number) => void;
}

export interface ProvenMailbox {
  readonly folders: readonly ProofFolder[];
  readonly notMail: readonly string[];
  /** Sent to the server after the login. */
  readonly commands: number;
  /** Epoch ms of the oldest message that is missing, as far as the server says. */
  readonly missingSince?: number;
  /** Folders of which the listing of an earlier proof stands. */
  readonly unchanged: number;
}

/** A busy mailbox moves while it is looked at: what looks wrong then is looked at again this often. */
const rounds = 3;
/** Missing messages whose arrival is asked for, in one command. */
const datedGaps = 100;

/** After a listing that is this sparse the next one is that much wider. */
const wideningFactor = 8;
/** Width in UIDs that a sparse, not empty part widens to: a server cannot make one answer longer than about 30 MB. */
const widestListing = 64 * limits.listingUids;

interface Target {
  readonly folder: ListedFolder;
  readonly isLeftOut: boolean;
}

/**
 * Compares the server's UIDs with what was handed off, folder by folder. Reads only: no lease, no write, so that a running session is
 * not disturbed.
 * @throws SyncError when the mailbox cannot be read
 */
export async function proveMailbox(ports: ProvePorts, request: ProveRequest, signal: AbortSignal): Promise<ProvenMailbox> {
  let state = await ports.store.load(request.mailbox);
  refuseNewer(state, request.mailbox);
  const isSpool = request.mailbox.protocol === "pop3";
  const session = countingCommands(await openSession(ports, request.mailbox, signal, isSpool ? spoolKnown(state) : undefined), isSpool);
  try {
    const listed = await session.listFolders();
    const selection = selectFolders(listed, request.rules);
    const targets: Target[] = [
      ...selection.synced.map((folder) => ({ folder, isLeftOut: false })),
      ...selection.excludedByRule.map((folder) => ({ folder, isLeftOut: true })),
    ];
    const found = new Map<string, ProofFolder>();
    let open = targets;
    for (let round = 1; open.length > 0; round++) {
      for (const target of open) {
        signal.throwIfAborted();
        const looked = await lookAt(ports, session, request, target, state);
        if (looked === undefined) found.delete(target.folder.path);
        else found.set(target.folder.path, looked);
        request.onFolder?.(found.size, targets.length);
      }
      const before = state;
      const troubled = open.filter(({ folder }) => isTroubled(found.get(folder.path)));
      // A spool is as it was at the login, which came after the checkpoint was read: nothing of it moves.
      if (troubled.length === 0 || round === rounds || isSpool) break;
      state = await ports.store.load(request.mailbox);
      open = troubled.filter((target) => basisOf(ports, target, state) !== basisOf(ports, target, before));
    }
    const paths = new Set(listed.map(({ path }) => path));
    // What IMAP read before, POP3 does not show: it is not gone by that. Nor does it say when a message came.
    const folders = [...found.values(), ...(isSpool ? [] : unlistedFolders(ports, state, paths))];
    const missingSince = isSpool ? undefined : await oldestGap(session, folders);
    return {
      folders,
      notMail: selection.notMail.map(({ path }) => path),
      commands: session.sent(),
      unchanged: folders.filter((folder) => request.earlier?.(folder.path)?.comparedAt === folder.comparedAt).length,
      ...(missingSince !== undefined && { missingSince }),
    };
  } finally {
    await session.close();
  }
}

/** Numbered as the checkpoint numbers it, and listed whole: a proof looks at every UIDL. */
function spoolKnown({ folders }: MailboxState): SpoolKnown {
  return { uidls: folders.get("INBOX")?.checkpoint?.uidls, newest: 0, messages: 0 };
}

function isTroubled(folder: ProofFolder | undefined): boolean {
  return folder !== undefined && (folder.counts.gaps > 0 || folder.counts.extras > 0);
}

function basisOf(ports: ProvePorts, { folder, isLeftOut }: Target, state: MailboxState): string {
  return ports.digest(accountBasis(state.folders.get(folder.path)?.checkpoint, isLeftOut));
}

/** Undefined for a folder that went away since it was listed. */
async function lookAt(
  ports: ProvePorts,
  session: ProveSession,
  request: ProveRequest,
  target: Target,
  state: MailboxState,
): Promise<ProofFolder | undefined> {
  const { folder, isLeftOut } = target;
  const stored = state.folders.get(folder.path);
  const role = folder.role ?? folderRole(folder);
  const about = {
    path: folder.path,
    ...(role !== undefined && { role }),
    comparedAt: new Date(ports.clock.now()).toISOString(),
    checkpoint: {
      generation: stored?.checkpoint?.generation ?? 0,
      version: stored?.version ?? 0,
      basis: basisOf(ports, target, state),
    },
  };
  try {
    const isSpool = request.mailbox.protocol === "pop3";
    const seen = await session.status(folder.path);
    const status = shortOf(seen);
    // A spool's list comes with its login, so there is nothing to be spared.
    const earlier = isSpool ? undefined : request.earlier?.(folder.path);
    if (earlier !== undefined && isUnchanged(earlier, status, about.checkpoint.basis)) return { ...earlier, checkpoint: about.checkpoint };
    const question = { status, checkpoint: stored?.checkpoint, isLeftOut };
    const counted = accountByCount(asSpool(question, isSpool));
    const { account, status: at } = counted ? { account: counted, status } : await listWhole(session, folder.path, question, isSpool);
    const uids = proofUids(account, ports.sha256);
    const uidls = isSpool && uids ? { uidls: proofUidls(uids, seen.uidls, ports.sha256) } : {};
    return { ...about, status: at, counts: account.counts, ...(uids && { uids }), ...uidls };
  } catch (error) {
    if (!isSyncError(error) || error.failure.scope !== "folder") throw error;
    const { code, facts, message } = error.failure;
    if (code === "FOLDER_GONE") return undefined;
    return { ...about, counts: emptyAccount, failure: { code, text: facts.text ?? message } };
  }
}

/** The newest message of a spool took its number with it when it went: the next number is the checkpoint's then. */
function asSpool(asked: AccountQuestion, isSpool: boolean): AccountQuestion {
  const { status, checkpoint } = asked;
  if (!isSpool || checkpoint === undefined) return asked;
  return { ...asked, status: { ...status, uidNext: Math.max(status.uidNext, checkpoint.uidNext) } };
}

function isUnchanged(earlier: ProofFolder, now: NonNullable<ProofFolder["status"]>, basis: string): boolean {
  const { status, checkpoint, counts, failure } = earlier;
  return (
    failure === undefined &&
    counts.hidden === 0 &&
    checkpoint.basis === basis &&
    status?.messages === now.messages &&
    status.uidNext === now.uidNext &&
    status.uidValidity === now.uidValidity
  );
}

function shortOf({ messages, uidNext, uidValidity }: FolderStatus): NonNullable<ProofFolder["status"]> {
  return { messages, uidNext, uidValidity };
}

/** Lists all UIDs, again while the server lists another number than it counts, and looks for what seems missing a second time. */
async function listWhole(
  session: ProveSession,
  path: string,
  asked: AccountQuestion,
  isSpool: boolean,
): Promise<{ readonly account: FolderAccount; readonly status: NonNullable<ProofFolder["status"]> }> {
  for (let round = 1; ; round++) {
    const status = shortOf(await session.open(path));
    const question = asSpool({ ...asked, status }, isSpool);
    // Dealt anew between STATUS and EXAMINE.
    const counted = accountByCount(question);
    if (counted) return { account: counted, status };
    const listed = await listUids(session, 1, status.uidNext - 1);
    if (countUids(listed) !== status.messages && round < rounds) continue;
    const account = accountByListing(question, listed);
    const gaps = account.sets?.gaps ?? emptyUidSet;
    if (gaps.length === 0) return { account, status };
    // A message that goes away just now is nobody's loss.
    const again = await listUids(session, gaps[0]?.[0] ?? 1, gaps.at(-1)?.[1] ?? 1);
    if (countUids(intersectUids(gaps, again)) === countUids(gaps) || round >= rounds) return { account, status };
  }
}

/** In windows, so that no answer grows without bound; where a folder is sparse they widen, so that few are needed. */
async function listUids(session: ProveSession, from: number, to: number): Promise<UidSet> {
  let listed: UidSet = emptyUidSet;
  let width: number = limits.listingUids;
  for (let low = from; low <= to;) {
    const high = Math.min(low + width - 1, to);
    const uids = await session.listUids(low, high);
    listed = uniteUids(listed, uidSetOf(uids));
    low = high + 1;
    const isSparse = uids.length * wideningFactor <= width;
    width = isSparse ? Math.min(width * wideningFactor, uids.length === 0 ? maxUid : widestListing) : limits.listingUids;
  }
  return listed;
}

/** Folders that the server lists no more, of which messages were handed off and not yet told as removed. */
function unlistedFolders(ports: ProvePorts, state: MailboxState, listed: ReadonlySet<string>): ProofFolder[] {
  return [...state.folders].flatMap(([path, { version, checkpoint }]) => {
    if (listed.has(path) || checkpoint === undefined) return [];
    const extras = presentUids(checkpoint);
    if (extras.length === 0) return [];
    const none = emptyUidSet;
    const sets = { handedOff: none, excluded: none, quarantined: none, toDo: none, gaps: none, extras };
    const counts = { ...emptyAccount, extras: countUids(extras) };
    const uids = proofUids({ counts, sets }, ports.sha256);
    return [
      {
        path,
        comparedAt: new Date(ports.clock.now()).toISOString(),
        checkpoint: { generation: checkpoint.generation, version, basis: ports.digest(accountBasis(checkpoint, false)) },
        counts,
        ...(uids && { uids }),
      },
    ];
  });
}

/** When the oldest message that is missing came, by the server's INTERNALDATE. */
async function oldestGap(session: ProveSession, folders: readonly ProofFolder[]): Promise<number | undefined> {
  const dates: number[] = [];
  for (const { path, counts, uids } of folders) {
    const gaps = counts.gaps > 0 && uids !== undefined ? uidsOfProof(uids.gaps) : undefined;
    if (gaps === undefined) continue;
    await session.open(path);
    for (const { internalDate } of await session.describe(firstUids(gaps, datedGaps)))
      if (internalDate !== undefined) dates.push(internalDate);
  }
  return dates.length === 0 ? undefined : Math.min(...dates);
}

function firstUids(set: UidSet, count: number): number[] {
  const uids: number[] = [];
  for (const uid of eachUid(set)) {
    if (uids.length === count) break;
    uids.push(uid);
  }
  return uids;
}

/** As much of a session as a proof needs: nothing that reads a body or changes anything. */
type ProveSession = Pick<MailSession, "listFolders" | "status" | "open" | "listUids" | "describe" | "close">;

/** STAT and UIDL: all else about a spool's list is known then. */
const spoolCommands = 2;

/** Counts what is sent: what a proof costs is part of it. */
function countingCommands(session: MailSession, isSpool: boolean): ProveSession & { sent(): number } {
  let sent = 0;
  const counted =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      sent++;
      return call(...args);
    };
  return {
    listFolders: counted(() => session.listFolders()),
    status: counted((path: string) => session.status(path)),
    open: counted((path: string) => session.open(path)),
    listUids: counted((low: number, high: number) => session.listUids(low, high)),
    describe: counted((uids: readonly number[]) => session.describe(uids)),
    close: () => session.close(),
    sent: () => (isSpool ? spoolCommands : sent),
  };
}
