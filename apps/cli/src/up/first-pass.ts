import { mailboxId } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";

export interface PassResult {
  readonly isDone: boolean;
  /** Checked since the start, history and all. */
  readonly finished: number;
  /** Stopped by a cause that only a person ends, seen in this run. */
  readonly parked: number;
  /** Stopped by a cause that ends by itself, for longer than a pass waits. */
  readonly waiting: number;
  readonly unfinished: number;
}

export interface FirstPass {
  /** @param now epoch ms by Redis' clock */
  look(records: readonly MailboxRecord[], now: number): PassResult;
}

export interface FirstPassOptions {
  /** The mailboxes that must be finished; those that were added to the same tenants come on top. */
  readonly expected: readonly { readonly tenant: string; readonly address: string }[];
  /** Epoch ms by Redis' clock: checks before this do not count. */
  readonly startedAt: number;
  /** What was known at the start, to tell a cause of this run from an old one. */
  readonly before: readonly MailboxRecord[];
  readonly backfill: boolean;
}

/** A pass waits this long for a cause that ends by itself, longer when it is about to end, and at most five minutes. */
const patienceMs = 60_000;
const nearMs = 60_000;
const lastPatienceMs = 300_000;

/** Decides when every mailbox was looked at once, whole: the end of `--once` and of "First sync". No I/O. */
export function watchFirstPass(options: FirstPassOptions): FirstPass {
  const expected = new Set(options.expected.map(mailboxId));
  const tenants = new Set(options.expected.map((mailbox) => mailbox.tenant));
  const oldLooks = new Map(options.before.map((record) => [record.id, record.nextAt]));
  /** Mailbox id -> since when a cause has stood in its way without a check in between. */
  const stoppedSince = new Map<string, number>();

  const stateOf = (record: MailboxRecord, now: number): "finished" | "parked" | "waiting" | "unfinished" => {
    const { id, cause, ledger } = record;
    if (record.parkedBy !== undefined) return "parked";
    if (cause === undefined) {
      stoppedSince.delete(id);
      if ((record.checkedAt ?? 0) < options.startedAt) return "unfinished";
      if (!options.backfill) return "finished";
      return record.hasHistory || ledger.toDo > 0 ? "unfinished" : "finished";
    }
    const since = stoppedSince.get(id) ?? now;
    stoppedSince.set(id, since);
    const isLong = now - since > patienceMs;
    // A settlement writes the next look: another one than at the start is a look of this run.
    const isOfThisRun = record.nextAt !== oldLooks.get(id) || isLong;
    if (cause.state === "parked") return isOfThisRun ? "parked" : "unfinished";
    const isNear = cause.nextAt - now <= nearMs && now - since <= lastPatienceMs;
    return isLong && !isNear ? "waiting" : "unfinished";
  };

  return {
    look(records, now) {
      const counts = { finished: 0, parked: 0, waiting: 0, unfinished: 0 };
      const missing = new Set(expected);
      for (const record of records) {
        missing.delete(record.id);
        if (tenants.has(record.tenant)) counts[stateOf(record, now)]++;
      }
      counts.unfinished += missing.size;
      return { ...counts, isDone: counts.unfinished === 0 };
    },
  };
}
