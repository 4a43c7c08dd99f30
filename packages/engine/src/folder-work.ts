import {
  type FolderCheckpoint,
  type FolderLedger,
  type FolderRole,
  type FolderStatus,
  type OutgoingEvent,
  syncError,
} from "@mailfleet/core";
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
}

export interface Step {
  readonly checkpoint: FolderCheckpoint;
  readonly ledger: FolderLedger;
  readonly events: readonly OutgoingEvent[];
}

/**
 * Commits one step of a folder and takes it over into the session.
 * @throws SyncError LEASE_LOST or CHECKPOINT_STALE when nothing was written; REDIS_UNAVAILABLE when that is not known
 */
export async function commitStep(context: SessionContext, work: FolderWork, step: Step): Promise<void> {
  const { ports, lease } = context;
  context.signal.throwIfAborted();
  const result = await ports.handOff.commit({
    id: ports.chance.uuid(),
    lease,
    folder: work.path,
    expectedVersion: work.version,
    ...step,
  });
  const facts = { layer: "engine", folder: work.path } as const;
  switch (result.kind) {
    case "applied":
      work.version = result.version;
      work.checkpoint = step.checkpoint;
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

/** EXAMINE, unless the folder is open already and nothing asks for news of it. */
export async function openFolder(context: SessionContext, work: FolderWork): Promise<FolderStatus> {
  const status = await context.session.open(work.path);
  context.openFolder = work.path;
  return status;
}
