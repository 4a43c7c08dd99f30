import {
  type EventFolder,
  type FlagSets,
  hasUid,
  type IndexEntry,
  type Lane,
  messageKey,
  type MessagePlace,
  nameInPlace,
  type OutgoingEvent,
  outgoing,
  type PreviousGeneration,
} from "@mailfleet/core";
import type { FolderWork } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";

/** All that happens in one commit carries the number of the checkpoint's version it makes, so that consumers can order it. */
function changeOf(work: FolderWork): number {
  return work.version + 1;
}

export function flagsEvent(
  context: SessionContext,
  work: FolderWork,
  at: { readonly place: MessagePlace; readonly uid: number; readonly flags: FlagSets; readonly lane: Lane; readonly isBack: boolean },
): OutgoingEvent {
  return outgoing({
    ...base(context, work, at.place, at.uid, at.lane),
    type: "message.flags",
    flags: flagsOf(at.flags, at.uid),
    change: changeOf(work),
    ...(at.isBack && { isBack: true as const }),
  });
}

export function removedEvent(
  context: SessionContext,
  work: FolderWork,
  at: { readonly place: MessagePlace; readonly uid: number; readonly lane: Lane; readonly messageId: string | undefined },
): OutgoingEvent {
  return outgoing({
    ...base(context, work, at.place, at.uid, at.lane),
    type: "message.removed",
    ...(at.messageId !== undefined && { messageId: at.messageId }),
    change: changeOf(work),
  });
}

export function rekeyedEvent(
  context: SessionContext,
  work: FolderWork,
  at: {
    readonly place: MessagePlace;
    readonly uid: number;
    readonly previous: PreviousGeneration;
    readonly previousUid: number;
    readonly flags: readonly string[];
    readonly entry: IndexEntry | undefined;
  },
): OutgoingEvent {
  const { previous, previousUid, entry } = at;
  return outgoing({
    ...base(context, work, at.place, at.uid, "backfill"),
    type: "message.rekeyed",
    previousKey: keyOf(context, previous, previousUid),
    ...(entry?.messageId !== undefined && { messageId: entry.messageId }),
    flags: at.flags,
    resync: true,
    ...(entry?.raw && { raw: entry.raw }),
  });
}

/** In the order of the sets: system flags first. */
export function flagsOf(sets: FlagSets, uid: number): readonly string[] {
  return [...sets].filter(([, set]) => hasUid(set, uid)).map(([flag]) => flag);
}

function keyOf({ mailbox }: SessionContext, place: MessagePlace, uid: number): string {
  const { folder, generation, uidValidity } = place;
  return messageKey({ tenant: mailbox.tenant, address: mailbox.address, folder, generation, uidValidity, uid });
}

export function folderOf(work: FolderWork): EventFolder {
  return { path: work.path, ...(work.role !== undefined && { role: work.role }) };
}

function base(context: SessionContext, work: FolderWork, place: MessagePlace, uid: number, lane: Lane) {
  const { mailbox, ports } = context;
  return {
    schema: "mailfleet.event/1" as const,
    key: keyOf(context, place, uid),
    tenant: mailbox.tenant,
    mailbox: mailbox.address,
    protocol: mailbox.protocol,
    at: new Date(ports.clock.now()).toISOString(),
    lane,
    folder: place.folder === work.path ? folderOf(work) : { path: place.folder },
    // Numbers that were dealt before a reset may be of another book.
    ...nameInPlace(place, uid, place.generation === work.checkpoint?.generation ? work.checkpoint.uidls : undefined),
  };
}
