import { causeCommand, type CauseGroup, resumeCommand } from "@mailfleet/core";
import type { CauseItem } from "@mailfleet/core/console";
import type { WatchedMailbox } from "@mailfleet/store";

/** Of a cause so many mailboxes are named; its page lists them all. */
const namedMailboxes = 5;

/** A cause as pages show it. @param options what printed commands need besides */
export function causeItem(group: CauseGroup, options: string): CauseItem {
  const doctor = causeCommand(group);
  const resume = resumeCommand(group);
  return {
    ...group,
    mailboxes: group.mailboxes.slice(0, namedMailboxes),
    ...(doctor !== undefined && { doctor: `${doctor}${options}` }),
    ...(resume !== undefined && { resume: `${resume}${options}` }),
  };
}

/** Ids of all mailboxes behind each cause, by the cause's id. */
export function membersOf(mailboxes: Iterable<WatchedMailbox>, groups: readonly CauseGroup[]): ReadonlyMap<string, ReadonlySet<string>> {
  const members = new Map<string, Set<string>>(groups.map((group) => [group.id, new Set()]));
  for (const { id, tenant, cause, parkedBy } of mailboxes) {
    if (cause === undefined || parkedBy !== undefined) continue;
    const group = groups.find((one) => one.code === cause.code && (one.tenant ?? tenant) === tenant);
    if (group) members.get(group.id)?.add(id);
  }
  return members;
}
