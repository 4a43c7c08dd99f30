import {
  type AccessToken,
  emptyLedger,
  folderRole,
  type FolderLedger,
  type FolderSelection,
  type Failure,
  isSyncError,
  type Lane,
  type Lease,
  type ListedFolder,
  type MailboxRef,
  type MailboxState,
  selectFolders,
  startCheckpoint,
  type StoredCheckpoint,
  withoutHistory,
} from "@mailfleet/core";
import { backfill, backfillSmall, isOwed, remaining } from "./backfill.ts";
import { commitStep, type FolderWork, inFolder, writeBegun } from "./folder-work.ts";
import { breaksSessions, freshPass } from "./fresh-pass.ts";
import { listingAfter, lookFirst } from "./look-first.ts";
import { judgeEnding, noteOpened } from "./judge-ending.ts";
import { openWithToken } from "./open-session.ts";
import { Pacer } from "./pacer.ts";
import { Hand } from "./hand.ts";
import { refuseNewer } from "./refuse-newer.ts";
import type { EnginePorts, SessionContext, SyncCounts, SyncSettings } from "./ports.ts";
import { type Ending, settlementOf } from "./settle.ts";
import { spoolKnownOf } from "./spool.ts";
import { isStaleToken, replaceStaleToken } from "./stale-token.ts";
import { settleUnlisted } from "./unlisted-folders.ts";

export type SyncOutcome =
  | { readonly kind: "done" | "cut-short"; readonly counts: SyncCounts; readonly hasHistory: boolean }
  /** Another session works on the mailbox, which was told that somebody asks; or its tenant is held. */
  | { readonly kind: "busy" }
  /** Nothing more may be written; whoever holds the lease goes on. */
  | { readonly kind: "lease-lost"; readonly counts: SyncCounts }
  | { readonly kind: "failed"; readonly counts: SyncCounts; readonly failure: Failure };

/**
 * The whole flow for one mailbox: lease, token, session, new mail, history, settlement.
 * @param asked which mailbox; by which protocol it is read, its registration says once the lease is held
 * @param stop aborts when the worker drains or loses the job
 */
export async function syncMailbox(
  ports: EnginePorts,
  settings: SyncSettings,
  asked: MailboxRef,
  lane: Lane,
  stop: AbortSignal,
): Promise<SyncOutcome> {
  const startedAt = ports.clock.now();
  const lease = await ports.store.acquire(asked, lane);
  if (!lease) return { kind: "busy" };
  const counts: SyncCounts = { handedOff: 0, quarantined: 0, changes: 0, bytes: 0, commits: 0 };
  const watch = ports.signals.watch(asked, { isCanary: lease.canary !== undefined });
  try {
    const state = lease.found;
    const mailbox = { ...asked, protocol: state.protocol ?? asked.protocol };
    const signal = AbortSignal.any([lease.signal, stop, watch.signal]);
    const pacer = new Pacer(ports, state.pace, signal, lane === "backfill" ? ports.way?.begin() : undefined);
    const progress: Progress = { isOpened: false, hasHistory: stateHasHistory(state, settings, mailbox), arrived: 0, token: undefined };
    const ended = await runSession(ports, settings, mailbox, lease, state, counts, signal, pacer, progress).catch((error: unknown) =>
      endingOf(error, progress, ports.clock.now()),
    );
    const { token } = progress;
    if (token && ended !== "lease-lost" && ended.kind === "failed" && isStaleToken(ended.failure, token, ports.clock.now()))
      await replaceStaleToken(ports, mailbox, token, stop);
    const ending = ended === "lease-lost" ? ended : await judgeEnding(ports, lease, state, ended, progress.isOpened);
    if (ending === "lease-lost") return { kind: "lease-lost", counts };
    const settled = settlementOf({
      mailbox,
      lane,
      settings,
      state,
      ending,
      isOpened: progress.isOpened,
      arrived: progress.arrived,
      startedAt,
      now: ports.clock.now(),
      random: ports.chance.random(),
    });
    const failure = ending.kind === "failed" ? ending.failure : undefined;
    const settlement = pacer.settle(settled, failure);
    if (!(await ports.handOff.settle(lease, settlement))) return { kind: "lease-lost", counts };
    if (failure?.code === "SERVER_THROTTLED") ports.signals.announce(mailbox, settlement.freshDueInMs, failure.code);
    if (ending.kind === "failed" || ending.kind === "partial" || ending.kind === "held")
      return { kind: "failed", counts, failure: ending.failure };
    return { kind: ending.kind === "complete" ? "done" : "cut-short", counts, hasHistory: ending.hasHistory };
  } finally {
    watch.stop();
    lease.stop();
  }
}

/** How far a session came. */
interface Progress {
  isOpened: boolean;
  hasHistory: boolean;
  /** New messages, history not counted. */
  arrived: number;
  /** The last one that a login was tried with. */
  token: AccessToken | undefined;
}

async function runSession(
  ports: EnginePorts,
  settings: SyncSettings,
  mailbox: MailboxRef,
  lease: Lease,
  state: MailboxState,
  counts: SyncCounts,
  signal: AbortSignal,
  pacer: Pacer,
  progress: Progress,
): Promise<Ending> {
  refuseNewer(state, mailbox);
  const hand = await Hand.takeOver(ports, lease, state);
  signal.throwIfAborted();
  const onToken = (token: AccessToken): void => void (progress.token = token);
  const look = await lookFirst(ports, settings, lease, mailbox, state, signal, onToken);
  if (look?.kind === "quiet") {
    progress.isOpened = true;
    await noteOpened(ports, lease, state);
    return { kind: "complete", hasHistory: look.hasHistory, ...(state.listing && { listing: state.listing }) };
  }
  const known = spoolKnownOf(mailbox, state, settings, ports.clock.now());
  // A poll that found nothing is over by now: this is new mail, most likely.
  const leave = lease.lane === "fresh" ? ports.way?.enter() : undefined;
  const opened = await openWithToken(ports, mailbox, signal, onToken, known).catch((error: unknown) => {
    leave?.();
    throw error;
  });
  const session = pacer.paced(opened.session);
  progress.isOpened = true;
  try {
    await noteOpened(ports, lease, state);
    const listedAt = ports.clock.now();
    const listed = await session.listFolders();
    const selection = selectFolders(listed, settings.folders);
    const context: SessionContext = {
      ports,
      settings,
      mailbox,
      lease,
      session,
      signal,
      counts,
      folders: selection.synced.map((folder) => toWork(folder, state)),
      isCareful: brokeSessions(state),
      hand,
      pacer,
      startedAt: ports.clock.monotonic(),
      isPoked: false,
      opened: undefined,
      leftOut: new Map(),
    };
    if (session.features.hasFlags) await settleUnlisted(context, listed, state);
    else await noteUnseen(context, state);
    await noteExcluded(context, selection.excludedByRule, state);
    await noteUnselected(context, selection, state);
    try {
      await freshPass(context);
      progress.arrived = counts.handedOff + counts.quarantined;
      progress.hasHistory = remaining(context).length > 0;
      await (lease.lane === "backfill" ? backfill(context) : backfillSmall(context));
    } catch (error) {
      // When a folder breaks the session each time, what is new in the others is noticed all the same. What is told is why it broke.
      if (isSyncError(error)) await writeBegun(context).catch(() => undefined);
      throw error;
    }
    await writeBegun(context);
    if (context.isPoked) await freshPass(context);
    const failure = [...context.leftOut.values()].find(({ code }) => code !== "FOLDER_GONE");
    const hasHistory = remaining(context).length > 0;
    if (failure) return { kind: "partial", failure, hasHistory };
    const listing = listingAfter(context, state, look, { listed, at: listedAt });
    return { kind: "complete", hasHistory, ...(listing && { listing }) };
  } finally {
    leave?.();
    await session.close();
  }
}

function toWork(folder: ListedFolder, state: MailboxState): FolderWork {
  const stored = state.folders.get(folder.path);
  return {
    path: folder.path,
    role: folder.role ?? folderRole(folder),
    version: stored?.version ?? 0,
    checkpoint: stored?.checkpoint,
    ledger: stored ? ledgerOf(stored) : emptyLedger,
  };
}

/** A folder that was left out for a while and that is synced again: its history, and what is owed of it, is to do once more. */
function ledgerOf({ checkpoint, ledger }: StoredCheckpoint): FolderLedger {
  if (!checkpoint || checkpoint.isExcluded || checkpoint.excludedBelow > 1 || ledger.excluded === 0) return ledger;
  return { ...ledger, toDo: ledger.toDo + ledger.excluded, excluded: 0 };
}

/** Counts the messages of folders that a rule leaves out, once, so that the ledger shows what is not handed off and why. */
async function noteExcluded(context: SessionContext, folders: readonly ListedFolder[], state: MailboxState): Promise<void> {
  for (const folder of folders) {
    if (state.folders.has(folder.path)) continue;
    const work = toWork(folder, state);
    await inFolder(context, work, async () => {
      const status = await context.session.status(folder.path);
      const checkpoint = { ...withoutHistory(startCheckpoint(status, 1, false)), isExcluded: true };
      const ledger = { ...emptyLedger, listed: status.messages, excluded: status.messages };
      await commitStep(context, work, { checkpoint, ledger, events: [] });
    });
    // Nobody waits for the mail of a folder that is left out anyway.
    context.leftOut.delete(folder.path);
  }
}

/**
 * A folder that was begun and that a rule leaves out now owes nothing: its rest is excluded. Its checkpoint stays, so that it goes on
 * where it was if it comes back.
 */
async function noteUnselected(context: SessionContext, selection: FolderSelection<ListedFolder>, state: MailboxState): Promise<void> {
  for (const { path } of [...selection.excludedByRule, ...selection.notMail]) await owesNothing(context, path, state.folders.get(path));
}

/**
 * The folders of a mailbox that was read over IMAP before and is read as a spool now: nobody looks at them, so they are neither gone nor
 * empty. What was still to do in them is left out until they are looked at again.
 */
async function noteUnseen(context: SessionContext, state: MailboxState): Promise<void> {
  for (const [path, stored] of state.folders) if (path !== "INBOX") await owesNothing(context, path, stored);
}

async function owesNothing(context: SessionContext, path: string, stored: StoredCheckpoint | undefined): Promise<void> {
  if (!stored?.checkpoint || stored.ledger.toDo === 0) return;
  const { version, checkpoint, ledger } = stored;
  const work: FolderWork = { path, role: undefined, version, checkpoint, ledger };
  const settled = { ...ledger, excluded: ledger.excluded + ledger.toDo, toDo: 0 };
  await commitStep(context, work, { checkpoint, ledger: settled, events: [] });
}

/** Whether any folder's stored checkpoint owes the backfill lane something. */
function stateHasHistory({ folders }: MailboxState, settings: SyncSettings, { protocol }: MailboxRef): boolean {
  // What a newer version still owes cannot be read here: its place in the backfill lane stays.
  return [...folders].some(
    ([path, { checkpoint, isNewer }]) =>
      isNewer || (checkpoint !== undefined && (protocol === "imap" || path === "INBOX") && isOwed(checkpoint, settings)),
  );
}

/** After two sessions in a row that broke, messages are fetched one by one until the one that breaks them is found. */
function brokeSessions(state: MailboxState): boolean {
  return state.cause !== undefined && breaksSessions(state.cause.scope) && (state.cause.scope === "message" || state.cause.tries >= 2);
}

function endingOf(error: unknown, { hasHistory, token }: Progress, now: number): Ending | "lease-lost" {
  if (!isSyncError(error)) throw error;
  const { failure } = error;
  if (isStaleToken(failure, token, now)) return { kind: "failed", failure, hasHistory };
  switch (failure.code) {
    case "LEASE_LOST":
      return "lease-lost";
    case "INTERRUPTED":
    case "SESSION_EXPIRED":
    case "CHECKPOINT_STALE":
      return { kind: "cut-short", hasHistory, ...(failure.facts.hintMs !== undefined && { dueInMs: failure.facts.hintMs }) };
    default:
      return { kind: "failed", failure, hasHistory };
  }
}
