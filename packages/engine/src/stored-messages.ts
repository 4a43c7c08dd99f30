import {
  type BlobStore,
  countUids,
  type EventFolder,
  type FlagSets,
  hasUid,
  type IndexEntry,
  intersectUids,
  type MailboxRef,
  type MailboxState,
  messageKey,
  type MessagePlace,
  presentUids,
  subtractUids,
  type UidlBook,
  type UidSet,
  uniteUids,
} from "@mailfleet/core";
import { flagsOf } from "./change-events.ts";

/** Which of the messages that were handed off. */
export interface StoredChoice {
  /** Paths; absent for all folders. */
  readonly folder?: string;
  readonly uids?: UidSet;
  /** Only this generation of the folder: a key names one. */
  readonly generation?: number;
  /** Epoch ms of INTERNALDATE, both ends included. A message without one is in no range of time. */
  readonly since?: number;
  readonly until?: number;
  /** Also those that are no longer on the server. */
  readonly withRemoved?: boolean;
  readonly onlyQuarantined?: boolean;
}

/** Messages of one generation of a folder that were handed off, or quarantined, under its keys and have no newer key. */
export interface StoredPlace {
  readonly place: MessagePlace;
  readonly folder: EventFolder;
  readonly uids: UidSet;
  /** Of those: set aside. */
  readonly quarantined: UidSet;
  /** Something was noted of it beside the blobs: else its index is lost, or lies where this machine does not look. */
  readonly isIndexed: boolean;
  /** Handed off and left out of `uids`, because they are gone from the server. */
  readonly removed: number;
  /** As last seen, where they are followed. */
  readonly flags?: { readonly sets: FlagSets; readonly from: number };
  /** Of a spool whose messages were dealt their numbers. */
  readonly uidls?: UidlBook;
}

/** A message as it lies beside the blobs. */
export interface StoredMessage {
  readonly key: string;
  readonly uid: number;
  readonly flags: readonly string[];
  readonly isSetAside: boolean;
  /** What was noted of it, the newest first; none for a message that was never noted. More than one where a commit was repeated. */
  readonly entries: readonly IndexEntry[];
}

/** UIDs of one look through a segment: what it holds of them stays below 20 MB. */
const windowUids = 20_000;
/** Of repeated notes of a message the newest are kept. */
const keptEntries = 3;

/** Where a choice of a mailbox's messages lies, by folder. */
export async function storedPlaces(
  blobs: BlobStore,
  mailbox: MailboxRef,
  state: MailboxState,
  choice: StoredChoice,
): Promise<readonly StoredPlace[]> {
  const indexed = await blobs.indexed(mailbox);
  const roles = new Map(indexed.map(({ folder, role }) => [folder, role]));
  const places: StoredPlace[] = [];
  const add = (place: MessagePlace, all: UidSet, quarantined: UidSet, gone: UidSet, seen?: Pick<StoredPlace, "flags" | "uidls">): void => {
    if (choice.folder !== undefined && place.folder !== choice.folder) return;
    if (choice.generation !== undefined && place.generation !== choice.generation) return;
    const chosen = choice.uids === undefined ? all : intersectUids(all, choice.uids);
    const kept = choice.withRemoved === true ? chosen : subtractUids(chosen, gone);
    const uids = choice.onlyQuarantined === true ? intersectUids(kept, quarantined) : kept;
    const role = roles.get(place.folder);
    const { folder, generation, uidValidity } = place;
    if (chosen.length === 0) return;
    places.push({
      place: { folder, generation, uidValidity },
      folder: { path: folder, ...(role !== undefined && { role }) },
      uids,
      quarantined,
      isIndexed: indexed.some((one) => one.folder === folder && one.generation === generation && one.uidValidity === uidValidity),
      removed: countUids(chosen) - countUids(kept),
      ...seen,
    });
  };
  for (const [folder, { checkpoint }] of state.folders) {
    if (checkpoint === undefined) continue;
    const { handedOff, quarantined, flags, flagsFrom, previous, uidls } = checkpoint;
    const all = uniteUids(handedOff, quarantined);
    const seen = { flags: { sets: flags, from: flagsFrom }, ...(uidls && { uidls }) };
    add({ folder, ...checkpoint }, all, quarantined, subtractUids(all, presentUids(checkpoint)), seen);
    // Of earlier generations only what has no newer key yet.
    for (const one of previous) add(one, one.left, [], []);
  }
  return places.sort((a, b) => (a.place.folder < b.place.folder ? -1 : Number(a.place.folder > b.place.folder)));
}

/** The chosen messages of a place by UID, in bounded memory: one look through the segment for each window of UIDs. */
export async function* readStored(
  blobs: BlobStore,
  mailbox: MailboxRef,
  stored: StoredPlace,
  choice: StoredChoice,
): AsyncGenerator<StoredMessage, void, void> {
  for (const window of windowsOf(stored.uids, windowUids)) {
    const byUid = new Map<number, IndexEntry[]>();
    for await (const entry of blobs.readIndex(mailbox, stored.place)) {
      if (!hasUid(window, entry.uid)) continue;
      const known = byUid.get(entry.uid) ?? [];
      byUid.set(entry.uid, [entry, ...known].slice(0, keptEntries));
    }
    for (const [low, high] of window) {
      for (let uid = low; uid <= high; uid++) {
        const entries = byUid.get(uid) ?? [];
        if (!isInTime(entries[0], choice)) continue;
        const isSetAside = hasUid(stored.quarantined, uid);
        // Read in the meantime, by a replay after an update.
        if (choice.onlyQuarantined && isSetAside && entries[0] !== undefined && entries[0].quarantine === undefined) continue;
        yield { key: keyOfStored(mailbox, stored.place, uid), uid, flags: flagsOfStored(stored, uid, entries[0]), isSetAside, entries };
      }
    }
  }
}

function keyOfStored(mailbox: MailboxRef, { folder, generation, uidValidity }: MessagePlace, uid: number): string {
  return messageKey({ tenant: mailbox.tenant, address: mailbox.address, folder, generation, uidValidity, uid });
}

function isInTime(entry: IndexEntry | undefined, { since, until }: StoredChoice): boolean {
  if (since === undefined && until === undefined) return true;
  const at = entry?.internalDate;
  return at !== undefined && at >= (since ?? Number.NEGATIVE_INFINITY) && at <= (until ?? Number.POSITIVE_INFINITY);
}

function flagsOfStored({ flags }: StoredPlace, uid: number, entry: IndexEntry | undefined): readonly string[] {
  return flags !== undefined && uid >= flags.from ? flagsOf(flags.sets, uid) : (entry?.flags ?? []);
}

/** A set in parts of at most `count` members, in order. */
function* windowsOf(set: UidSet, count: number): Generator<UidSet> {
  let part: [number, number][] = [];
  let room = count;
  for (const [from, to] of set) {
    for (let low = from; low <= to;) {
      const high = Math.min(to, low + room - 1);
      part.push([low, high]);
      room -= high - low + 1;
      low = high + 1;
      if (room > 0) continue;
      yield part;
      part = [];
      room = count;
    }
  }
  if (part.length > 0) yield part;
}
