import {
  countUids,
  eachUid,
  type FolderCheckpoint,
  hasHistory,
  intersectUids,
  limits,
  type Lease,
  type MailboxRef,
  type MailboxState,
  type RetryEntry,
  subtractUids,
  type UidSet,
  uidSetOf,
} from "@mailfleet/core";
import { accountedFor } from "./folder-work.ts";
import type { EnginePorts } from "./ports.ts";

/** Messages of one folder that a proof found missing. */
export interface FolderGap {
  readonly path: string;
  /** Of the checkpoint that the proof compared with: the same UIDs of another generation are other messages. */
  readonly generation: number;
  readonly uids: UidSet;
}

export interface RepairPorts extends Pick<EnginePorts, "clock" | "chance" | "store" | "handOff"> {
  /** Makes the mailbox due now. */
  readonly poke: () => Promise<void>;
  /** Whether any worker reported lately: without one nothing is fetched. */
  readonly isAnyoneWorking: () => Promise<boolean>;
}

export interface RepairRequest {
  readonly mailbox: MailboxRef;
  readonly gaps: readonly FolderGap[];
  readonly onProgress?: (left: number, all: number) => void;
}

export type RepairOutcome =
  /** All that was put back is handed off, quarantined, or no longer on the server. */
  | { readonly kind: "done"; readonly putBack: number }
  /** Put back, and nobody there to fetch it: the next start does. */
  | { readonly kind: "nobody-works"; readonly putBack: number }
  /** Put back, and not fetched in a long while: the mailbox's own cause says why. */
  | { readonly kind: "waits"; readonly putBack: number }
  /** A session held the mailbox all the time: nothing was changed. */
  | { readonly kind: "busy" };

/** What was done in all, and the last proof. */
export interface Repaired<Proven> {
  readonly proven: Proven;
  /** Of the last round; absent when nothing was missing. */
  readonly outcome?: RepairOutcome["kind"];
  readonly putBack: number;
}

/** Repairs and proves in turns: many missing messages are put back part by part, and what comes up meanwhile too. */
export async function repairUntilProven<Proven>(
  ports: RepairPorts,
  request: Omit<RepairRequest, "gaps">,
  first: Proven,
  prove: () => Promise<Proven>,
  gapsOf: (proven: Proven) => readonly FolderGap[],
  signal: AbortSignal,
): Promise<Repaired<Proven>> {
  let proven = first;
  let putBack = 0;
  for (let before = Number.POSITIVE_INFINITY; ;) {
    const gaps = gapsOf(proven);
    const left = gaps.reduce((sum, { uids }) => sum + countUids(uids), 0);
    if (left === 0) return { proven, putBack, ...(putBack > 0 && { outcome: "done" as const }) };
    // Handed off by our books and still a gap: not for another round of the same.
    if (left >= before) return { proven, putBack, outcome: "waits" };
    before = left;
    const outcome = await repairGaps(ports, { ...request, gaps }, signal);
    if (outcome.kind !== "busy") putBack += outcome.putBack;
    proven = await prove();
    if (outcome.kind !== "done") return { proven, putBack, outcome: outcome.kind };
  }
}

/**
 * Puts missing messages back: they become owed (`retry` of the checkpoint), so that the normal flow fetches them, with all its care.
 * Each step is a fenced commit of its own; killed anywhere, what was put back is fetched all the same and the rest is found by the next proof.
 */
export async function repairGaps(ports: RepairPorts, request: RepairRequest, signal: AbortSignal): Promise<RepairOutcome> {
  const lease = await acquireSoon(ports, request.mailbox, signal);
  if (lease === undefined) return { kind: "busy" };
  const putBack = await putBackAll(ports, request, lease, signal);
  return { kind: await waitForWorkers(ports, request, signal), putBack };
}

async function acquireSoon({ clock, store }: RepairPorts, mailbox: MailboxRef, signal: AbortSignal): Promise<Lease | undefined> {
  const startedAt = clock.monotonic();
  for (;;) {
    const lease = await store.acquire(mailbox, "fresh");
    if (lease !== undefined || clock.monotonic() - startedAt >= limits.sessionMs) return lease;
    await clock.sleep(limits.repairLookMs, signal);
  }
}

async function putBackAll(ports: RepairPorts, request: RepairRequest, lease: Lease, signal: AbortSignal): Promise<number> {
  const { clock, chance, handOff } = ports;
  try {
    const state = lease.found;
    let putBack = 0;
    for (const gap of request.gaps) {
      signal.throwIfAborted();
      lease.signal.throwIfAborted();
      const stored = state.folders.get(gap.path);
      const checkpoint = stored?.checkpoint;
      if (!stored || !checkpoint || checkpoint.generation !== gap.generation) continue;
      const owed = newlyOwed(checkpoint, gap.uids, clock.now());
      if (owed.length === 0) continue;
      const { ledger } = stored;
      const result = await handOff.commit({
        id: chance.uuid(),
        lease,
        folder: gap.path,
        expectedVersion: stored.version,
        checkpoint: { ...checkpoint, retry: [...checkpoint.retry, ...owed].sort((a, b) => a.uid - b.uid) },
        ledger: { ...ledger, listed: ledger.listed + owed.length, toDo: ledger.toDo + owed.length },
        events: [],
      });
      // Refused: nothing was written, and the next proof finds the same gap.
      if (result.kind === "applied") putBack += owed.length;
      else if (result.kind === "fenced") break;
    }
    await settle(ports, lease, state);
    return putBack;
  } finally {
    lease.stop();
  }
}

/** Below the bound of one checkpoint: the rest is put back when these are done. */
function newlyOwed(checkpoint: FolderCheckpoint, gaps: UidSet, now: number): RetryEntry[] {
  const floor = Math.max(checkpoint.excludedBelow, checkpoint.backfillBelow);
  const dealt = floor < checkpoint.uidNext ? intersectUids(gaps, [[floor, checkpoint.uidNext - 1]]) : [];
  const missing = subtractUids(dealt, accountedFor(checkpoint));
  const room = limits.repairAtOnce - checkpoint.retry.length;
  const owed: RetryEntry[] = [];
  for (const uid of eachUid(missing)) {
    if (owed.length >= room) break;
    owed.push({ uid, tries: 0, notBefore: now });
  }
  return owed;
}

/** Gives the mailbox back as it was, and due at once. */
async function settle(ports: RepairPorts, lease: Lease, state: MailboxState): Promise<void> {
  const isHistoryLeft = [...state.folders.values()].some(({ checkpoint }) => checkpoint !== undefined && hasHistory(checkpoint));
  await ports.handOff.settle(lease, {
    checked: false,
    opened: state.opened,
    freshDueInMs: 0,
    ...(isHistoryLeft && { backfillDueInMs: 0 }),
    ...(state.cause && { cause: state.cause }),
    events: [],
  });
}

async function waitForWorkers(ports: RepairPorts, request: RepairRequest, signal: AbortSignal): Promise<"done" | "nobody-works" | "waits"> {
  const { clock, store } = ports;
  const all = request.gaps.reduce((sum, { uids }) => sum + countUids(uids), 0);
  let least = Number.POSITIVE_INFINITY;
  let movedAt = clock.monotonic();
  for (;;) {
    const left = stillOwed(request, await store.load(request.mailbox));
    if (left === 0) return "done";
    if (left < least) movedAt = clock.monotonic();
    least = Math.min(least, left);
    request.onProgress?.(left, all);
    const quietMs = clock.monotonic() - movedAt;
    if (quietMs >= limits.repairPatienceMs) return "waits";
    if (quietMs >= limits.repairLookMs && !(await ports.isAnyoneWorking())) return "nobody-works";
    await ports.poke();
    await clock.sleep(limits.repairLookMs, signal);
  }
}

function stillOwed({ gaps }: RepairRequest, state: MailboxState): number {
  let owed = 0;
  for (const { path, generation, uids } of gaps) {
    const checkpoint = state.folders.get(path)?.checkpoint;
    if (checkpoint?.generation !== generation) continue;
    owed += countUids(intersectUids(uids, uidSetOf(checkpoint.retry.map((entry) => entry.uid))));
  }
  return owed;
}
