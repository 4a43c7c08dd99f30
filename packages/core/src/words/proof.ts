import type { AccountCounts } from "../account-folder.ts";
import { stripControls } from "../strip-controls.ts";
import { countUids, eachUid, type UidSet } from "../uid-set.ts";
import { formatCount, formatCounted } from "./numbers.ts";
import { formatClock, formatDuration, type TimeStyle } from "./times.ts";

export interface FolderGaps {
  readonly path: string;
  readonly uids: UidSet;
  /** Of a spool, by which its messages are named instead: in the order of `uids`; null where it is not known. */
  readonly uidls?: readonly (string | null)[];
}

/** UIDs that are named before the rest is counted. */
const namedUids = 3;

/** `Nothing is missing: all 41,203 messages on the server are accounted for. 0 gaps, 0 extras, 31 commands, 4.2 s.` */
export function wholeSentence(sums: AccountCounts, effort: { readonly commands: number; readonly ms: number }): string {
  const { listed, gaps, extras } = sums;
  const all =
    listed === 0
      ? "there is no message on the server"
      : listed === 1
        ? "the only message on the server is accounted for"
        : `all ${formatCount(listed)} messages on the server are accounted for`;
  const counts = [formatCounted(gaps, "gap"), formatCounted(extras, "extra"), formatCounted(effort.commands, "command")];
  return `Nothing is missing: ${all}. ${counts.join(", ")}, ${formatDuration(effort.ms)}.`;
}

/** `2 messages are missing: INBOX 48,112 and 48,113, listed since 09:14, never handed off.` */
export function gapSentence(folders: readonly FolderGaps[], since: number | undefined, style: TimeStyle): string {
  const count = folders.reduce((sum, { uids }) => sum + countUids(uids), 0);
  const where = folders
    .map(({ path, uids, uidls }) => `${stripControls(path)} ${uidls === undefined ? nameUids(uids) : `UIDL ${nameUids(uids, uidls)}`}`)
    .join("; ");
  const listed = since === undefined ? "listed" : `listed since ${formatClock(since, style)}`;
  return `${formatCount(count)} ${count === 1 ? "message is" : "messages are"} missing: ${where}, ${listed}, never handed off.`;
}

/** A server that counts more than it lists proves nothing. */
export function hiddenSentence(path: string, hidden: number): string {
  return `${stripControls(path)}: the server counts ${formatCounted(hidden, "message")} that it does not list, so nothing is proven of ${hidden === 1 ? "it" : "them"}.`;
}

export function extrasSentence(extras: number): string {
  return `${formatCounted(extras, "message")} ${extras === 1 ? "was" : "were"} handed off and ${extras === 1 ? "is" : "are"} no longer on the server: told as removed with the next comparison.`;
}

export type RepairEnding = "done" | "nobody-works" | "waits" | "busy";

/** What `--repair` did, and what happens next. @param options what commands need besides to reach the same fleet */
export function repairSentence(ending: RepairEnding, putBack: number, options = ""): string {
  const put = `${formatCounted(putBack, "message")} ${putBack === 1 ? "was" : "were"} put back`;
  const they = putBack === 1 ? "It" : "They";
  const theyAre = putBack === 1 ? "It is" : "They are";
  switch (ending) {
    case "done":
      return `${put} and handed off.`;
    case "nobody-works":
      return `${put}, and no worker runs here to fetch ${putBack === 1 ? "it" : "them"}. ${theyAre} handed off after the next start: npx mailfleet up${options}`;
    case "waits":
      return `${put} and not all fetched yet. ${they} stay${putBack === 1 ? "s" : ""} owed, and mailfleet goes on trying; what stops the mailbox: npx mailfleet status${options}`;
    case "busy":
      return "A session held the mailbox all the time, so nothing was put back. Nothing was changed; repair again later.";
  }
}

function nameUids(uids: UidSet, uidls?: readonly (string | null)[]): string {
  const count = countUids(uids);
  const named: string[] = [];
  for (const uid of eachUid(uids)) {
    if (named.length === (count > namedUids ? namedUids - 1 : namedUids)) break;
    named.push(uidls === undefined ? formatCount(uid) : stripControls(uidls[named.length] ?? "(not known)"));
  }
  if (count > named.length) return `${named.join(", ")} and ${formatCount(count - named.length)} more`;
  const last = named.pop() ?? "";
  return named.length === 0 ? last : `${named.join(", ")} and ${last}`;
}
