import { formatCount, formatCounted, formatDuration, formatTotal } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";

/** What the last look at a fleet found undone. */
export interface WorkLeft {
  /** Messages that are known and not handed off. */
  readonly messages: number;
  /** Mailboxes that nobody has looked at yet: what they hold is not known. */
  readonly unseen: number;
  /** Mailboxes that wait or are parked: what they hold by now is not known either. */
  readonly stopped: number;
}

/** @param expected how many mailboxes there are to be, registered or not yet */
export function workLeft(records: readonly MailboxRecord[], expected: number): WorkLeft {
  const count = (fits: (record: MailboxRecord) => boolean): number => records.filter(fits).length;
  const isStopped = ({ cause, parkedBy }: MailboxRecord): boolean => cause !== undefined || parkedBy !== undefined;
  return {
    messages: records.reduce((sum, { ledger }) => sum + ledger.toDo, 0),
    unseen: count((record) => record.checkedAt === undefined && !isStopped(record)) + Math.max(0, expected - records.length),
    stopped: count(isStopped),
  };
}

export interface Stopped {
  readonly ms: number;
  /** Mailboxes that finished their batch, and those whose batch the next start repeats. */
  readonly finished: number;
  readonly cut: number;
  /** Undefined where nobody looked. */
  readonly left: WorkLeft | undefined;
}

/** The last line of `up`. That nothing is left is said only where everything was looked at. */
export function stopText({ ms, finished, cut, left }: Stopped): string {
  return `Stopped in ${formatDuration(ms)}: ${formatCount(finished)} finished, ${formatCount(cut)} handed back. ${leftText(left)}`;
}

function leftText(left: WorkLeft | undefined): string {
  const goesOn = "the next start goes on from here";
  if (left === undefined) return `${goesOn.replace(/^t/, "T")}.`;
  const { messages, unseen, stopped } = left;
  const boxes = (count: number): string => formatCounted(count, "mailbox", "mailboxes");
  const isAre = (count: number): string => (count === 1 ? "was" : "were");
  if (unseen > 0) {
    const known = messages > 0 ? `To do ${formatTotal(messages, false)}: ` : "";
    return `${known}${boxes(unseen)} ${isAre(unseen)} not looked at to the end yet; ${goesOn}.`;
  }
  if (messages > 0) return `To do ${formatCount(messages)}, goes on at the next start.`;
  if (stopped > 0)
    return `Nothing is left to do but for ${boxes(stopped)} that ${stopped === 1 ? "waits or is" : "wait or are"} parked; ${goesOn}.`;
  return `Nothing is left to do; ${goesOn}.`;
}
