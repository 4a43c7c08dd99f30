import {
  countFlagRanges,
  type Failure,
  type FolderCheckpoint,
  type FolderLedger,
  type FolderRole,
  type FolderStatus,
  forgetRemoved,
  isOfSpool,
  isSyncError,
  type Lane,
  limits,
  type OutgoingEvent,
  syncError,
  trimFlags,
  type UidSet,
  uidSetOf,
  uniteUids,
  type Vanished,
} from "@mailfleet/core";
import type { Known } from "./known-messages.ts";
import type { SessionContext } from "./ports.ts";

/** One folder in a session: what is stored of it, kept in step with every commit. */
export interface FolderWork {
  readonly path: string;
  readonly role: FolderRole | undefined;
  /** As stored; 0 before the first commit. */
  version: number;
  /** Undefined before the first commit, or when what is stored cannot be read. */
  checkpoint: FolderCheckpoint | undefined;
  ledger: FolderLedger;
  /** The last STATUS of this session. */
  status?: FolderStatus;
  /** The highest UID that a spool lists; undefined where it is not known whether that is the same message. */
  top?: number | undefined;
  /** Of a spool: what this session's list left out, and is not told yet. */
  vanished?: Vanished | undefined;
  /** Begun in this session and not stored: its first batch is written with it, or `writeBegun` does. */
  isUnwritten?: boolean;
  /** Nothing more can be done for it in this session. */
  isWaiting?: boolean;
  /** Earlier generations, read once in a session. */
  known?: { readonly generation: number; readonly known: Known };
  /** UIDs that a listing of history showed and that are not taken yet. */
  listing?: { readonly generation: number; readonly low: number; readonly high: number; readonly listed: UidSet };
}

export interface Step {
  readonly checkpoint: FolderCheckpoint;
  readonly ledger: FolderLedger;
  readonly events: readonly OutgoingEvent[];
}

/** 48 random bits tell a folder's last commit from the next one, and are stored with every folder. */
const commitIdLength = 8;

/**
 * Commits one step of a folder and takes it over into the session.
 * @throws SyncError LEASE_LOST or CHECKPOINT_STALE when nothing was written; REDIS_UNAVAILABLE when that is not known
 */
export async function commitStep(context: SessionContext, work: FolderWork, step: Step): Promise<void> {
  const { ports, lease } = context;
  context.signal.throwIfAborted();
  const checkpoint = withinUidlLimit(withinFlagLimit(step.checkpoint));
  const result = await ports.handOff.commit({
    id: ports.digest(ports.chance.uuid()).slice(0, commitIdLength),
    lease,
    folder: work.path,
    expectedVersion: work.version,
    ...step,
    checkpoint,
  });
  const facts = { layer: "engine", folder: work.path } as const;
  switch (result.kind) {
    case "applied":
      work.version = result.version;
      work.isUnwritten = false;
      work.checkpoint = checkpoint;
      work.ledger = step.ledger;
      context.counts.commits++;
      if (result.isPoked) context.isPoked = true;
      return;
    case "fenced":
      throw syncError("LEASE_LOST", `Another worker holds the lease by now; nothing of this batch in ${work.path} was written.`, facts);
    case "stale":
      throw syncError(
        "CHECKPOINT_STALE",
        `Redis holds another checkpoint of ${work.path} than this session read; nothing of this batch was written. It is read again.`,
        facts,
      );
  }
}

/** Stores the folders that this session began and handed off nothing of. One that dies before has begun nothing. */
export async function writeBegun(context: SessionContext): Promise<void> {
  for (const work of context.folders) {
    const { checkpoint, ledger, isUnwritten } = work;
    if (isUnwritten === true && checkpoint) await commitStep(context, work, { checkpoint, ledger, events: [] });
  }
}

/** A checkpoint stays small whatever the flags of a folder look like: those of its oldest messages are followed no more. */
function withinFlagLimit(checkpoint: FolderCheckpoint): FolderCheckpoint {
  if (checkpoint.flagsFrom === 1 && countFlagRanges(checkpoint.flags) <= limits.flagRanges) return checkpoint;
  const { flags, from } = trimFlags(checkpoint.flags, checkpoint.flagsFrom, limits.flagRanges);
  return { ...checkpoint, flags, flagsFrom: from };
}

/** What is long gone from a spool need not be known by its UIDL any more. */
function withinUidlLimit(checkpoint: FolderCheckpoint): FolderCheckpoint {
  const uidls = checkpoint.uidls && forgetRemoved(checkpoint.uidls, checkpoint.removed, limits.removedUidls);
  return uidls === checkpoint.uidls || uidls === undefined ? checkpoint : { ...checkpoint, uidls };
}

/** Only a commit that met another version was certainly not applied: a lost lease may mean an answer that was lost. */
export function isCertainlyUnwritten(error: unknown): boolean {
  return isSyncError(error) && error.failure.code === "CHECKPOINT_STALE";
}

/** @throws SyncError INTERRUPTED at a commit's border, once the worker drains or consumers are behind */
export async function yieldIfAsked(context: SessionContext, lane: Lane): Promise<void> {
  context.signal.throwIfAborted();
  const { gate } = context.ports;
  if (gate.isDraining()) throw syncError("INTERRUPTED", "The worker stops. The mailbox goes on with the next one.", { layer: "engine" });
  if (lane === "fresh" && (await gate.shouldYield("fresh", "batch"))) {
    throw syncError("INTERRUPTED", "Consumers are behind. New mail goes on when the queue empties.", { layer: "engine" });
  }
}

/**
 * Runs one folder's part of a session. A failure of the folder leaves it out and lets the others go on (G5); any other is thrown.
 * @returns false when the folder is left out
 */
export async function inFolder(context: SessionContext, work: FolderWork, run: () => Promise<void>): Promise<boolean> {
  if (context.leftOut.has(work.path)) return false;
  try {
    await run();
    return true;
  } catch (error) {
    if (!isSyncError(error) || error.failure.scope !== "folder") throw error;
    leaveOut(context, work, error.failure);
    return false;
  }
}

/** A folder that is gone is nobody's fault; any other is told when the session ends. */
function leaveOut(context: SessionContext, work: FolderWork, failure: Failure): void {
  context.leftOut.set(work.path, failure);
  const { code, facts } = failure;
  context.ports.log.warn(
    { mailbox: context.mailbox.address, folder: work.path, code, text: facts.text },
    "a folder is left out of this session",
  );
}

/**
 * EXAMINE.
 * @throws SyncError of scope folder when it disagrees with the checkpoint that STATUS was just found to agree with
 */
export async function openFolder(context: SessionContext, work: FolderWork): Promise<FolderStatus> {
  context.opened = undefined;
  const status = await context.session.open(work.path);
  const { checkpoint } = work;
  // A spool is one answer; its numbers may fall (see `lookAtSpool`).
  const isLower = checkpoint && status.uidNext < checkpoint.uidNext && !isOfSpool(status);
  if (checkpoint && (status.uidValidity !== checkpoint.uidValidity || isLower)) {
    // Changed between STATUS and EXAMINE (F31), or a server whose two answers differ: the next session plans from a fresh STATUS.
    throw syncError("COMMAND_REFUSED", `STATUS and EXAMINE of ${work.path} disagree about its UIDs. It is looked at again.`, {
      layer: "engine",
      folder: work.path,
      text: "STATUS and EXAMINE disagree",
    });
  }
  if (checkpoint && isOfSpool(status)) work.checkpoint = withNumbersOf(checkpoint, status);
  context.opened = { path: work.path, status };
  return status;
}

/** A list may show more than the status did that was answered without it (see `SpoolKnown`): what is numbered by it is written with it. */
function withNumbersOf(checkpoint: FolderCheckpoint, { uidls }: FolderStatus): FolderCheckpoint {
  return uidls === undefined || uidls === checkpoint.uidls ? checkpoint : { ...checkpoint, uidls };
}

/** EXAMINE, unless the folder is the open one. */
export async function ensureOpen(context: SessionContext, work: FolderWork): Promise<FolderStatus> {
  return context.opened?.path === work.path ? context.opened.status : openFolder(context, work);
}

/** Every UID of which it is settled what becomes of it. */
export function accountedFor(checkpoint: FolderCheckpoint): UidSet {
  const owed = uidSetOf(checkpoint.retry.map((entry) => entry.uid));
  return uniteUids(uniteUids(checkpoint.handedOff, checkpoint.quarantined), owed);
}
