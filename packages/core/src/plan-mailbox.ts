import { type ComparePolicy, compareNeed } from "./compare.ts";
import { planFolder } from "./plan.ts";
import type { FolderStatus, StoredCheckpoint } from "./ports.ts";
import { isOfSpool } from "./uidl-book.ts";

/** What the next session would do in one folder. */
export interface PlannedFolder {
  readonly path: string;
  readonly work: PlannedWork;
  /** Messages that the server has there. */
  readonly messages: number;
  /** New mail at most: the UIDs that were dealt since; some may be gone again. */
  readonly fresh: number;
  /** Messages of the history that are still to be handed off. */
  readonly history: number;
}

/**
 * `nothing`: nothing moved. `compare`: flags and removals alone. `unreadable`: what is stored of it cannot be read, so it begins again.
 * `newer`: a newer version of mailfleet wrote it, and this one leaves it alone. `excluded`: a rule leaves it out.
 */
export type PlannedWork = "first sight" | "fresh" | "history" | "reset" | "compare" | "nothing" | "unreadable" | "newer" | "excluded";

export interface PlanRules {
  /** Also what was there before. */
  readonly backfill: boolean;
  readonly compare: ComparePolicy;
}

/** The decision that a session makes of a folder it syncs, told instead of done. @param now epoch ms */
export function planWork(
  path: string,
  seen: FolderStatus,
  stored: StoredCheckpoint | undefined,
  { backfill, compare }: PlanRules,
  now: number,
): PlannedFolder {
  const { messages } = seen;
  const about = (work: PlannedWork, fresh = 0, history = 0): PlannedFolder => ({ path, work, messages, fresh, history });
  if (stored?.isNewer) return about("newer");
  const checkpoint = stored?.checkpoint;
  if (stored !== undefined && checkpoint === undefined) return about("unreadable", 0, backfill ? messages : 0);
  // The highest number of a spool falls with its newest message: that is no reset.
  const status = isOfSpool(seen) && checkpoint ? { ...seen, uidNext: Math.max(seen.uidNext, checkpoint.uidNext) } : seen;
  const plan = planFolder(path, status, checkpoint, now);
  const left = backfill || checkpoint?.isResync === true ? (stored?.ledger.toDo ?? 0) : 0;
  switch (plan.kind) {
    case "start":
      return about("first sight", 0, backfill ? messages : 0);
    case "reset":
      return about("reset", 0, messages);
    case "fresh":
      return about("fresh", Math.min(messages, Math.max(0, status.uidNext - plan.from)), left);
    case "skip": {
      if (left > 0) return about("history", 0, left);
      const isDue = checkpoint !== undefined && compareNeed(status, checkpoint, compare, now).kind !== "none";
      return about(isDue ? "compare" : "nothing");
    }
  }
}

/** How long a history takes, and in how many turns: a guess, as the server's speed is not known before it was read. */
export interface HistoryGuess {
  /** Between two turns others get theirs, so that the whole takes longer in a fleet that has much to do. */
  readonly turns: number;
  readonly seconds: number;
}

export function guessHistory(
  messages: number,
  slice: { readonly messages: number; readonly seconds: number },
  messagesPerSecond: number,
): HistoryGuess {
  const perTurn = Math.max(1, Math.min(slice.messages, slice.seconds * messagesPerSecond));
  return { turns: Math.ceil(messages / perTurn), seconds: messages / messagesPerSecond };
}
