import {
  type FolderCheckpoint,
  formatUidSet,
  hasUid,
  intersectUids,
  isOfSpool,
  maxUid,
  ownNumber,
  type PreviousGeneration,
  spoolUidValidity,
  subtractUids,
  uidlOf,
  type UidSet,
  uidSetOf,
} from "@mailfleet/core";
import { seenOf } from "./fingerprints.ts";
import { ensureOpen, type FolderWork } from "./folder-work.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext } from "./ports.ts";

/** Headers that are compared before a whole mailbox is taken to have kept its numbers, spread over it from the oldest to the newest. */
const samples = 8;
/** Of so many newest ones at least one must agree as well: what a restore replaced stands there, and may be less than a sample's share. */
const newestSamples = 4;

/**
 * After a move from one protocol to the other, or after a spool's first UIDL that is no number: Exchange's UIDLs are the UIDs of its INBOX,
 * so nearly always all messages still have their numbers. Where some that are spread over the mailbox have their headers too, the others
 * are linked without a TOP for each, which takes hours for 100,000. One that has not: each is looked at.
 *
 * @param checkpoint that the reset begins with; with `excludedBelow` where what was left out before ends, if the numbers were kept
 */
export async function withSameUids(context: SessionContext, work: FolderWork, checkpoint: FolderCheckpoint): Promise<FolderCheckpoint> {
  const before = work.checkpoint;
  if (before === undefined || before.uidValidity === checkpoint.uidValidity || before.uidValidity === spoolUidValidity.dealtNumbers)
    return checkpoint;
  if (!isOfSpool(before) && !isOfSpool(checkpoint)) return checkpoint;
  await ensureOpen(context, { ...work, checkpoint: undefined });
  const listed = await context.session.listUids(1, maxUid);
  // Also what an earlier move left: it has the numbers that the generation in between had.
  const kept = before.previous.filter(({ hasSameUids }) => hasSameUids);
  const maybe = checkpoint.previous.map((one) => ({
    ...one,
    hasSameUids: one.generation === before.generation || kept.some((other) => isSamePart(one, other)),
  }));
  const next = { ...checkpoint, previous: maybe };
  const common = listed.filter((uid) => sameUid(next, uid) !== undefined);
  if (!(await doAgree(context, next, common))) return checkpoint;
  const leftOut = listed.filter((uid) => (numberBefore(next, next.previous[0], uid) ?? maxUid) < before.excludedBelow);
  return {
    ...next,
    previous: next.previous.flatMap((one) => partsOf(next, one, listed)),
    excludedBelow: leftOut.reduce((highest, uid) => Math.max(highest, uid), 0) + 1,
  };
}

/** One generation may stand in two parts, of which one kept its numbers. */
function isSamePart(one: PreviousGeneration, other: PreviousGeneration): boolean {
  return one.generation === other.generation && formatUidSet(one.left) === formatUidSet(other.left);
}

/** A number that is not listed now may be another message's when it is: a restore deals it again. That one is known by its header or not at all. */
function partsOf(checkpoint: FolderCheckpoint, place: PreviousGeneration, listed: readonly number[]): readonly PreviousGeneration[] {
  if (!place.hasSameUids) return [place];
  const { gone: _gone, ...rest } = place;
  const there = intersectUids(place.left, uidSetOf(listed.flatMap((uid) => numberBefore(checkpoint, place, uid) ?? [])));
  const away = subtractUids(place.left, there);
  if (away.length === 0) return [place];
  return [
    { ...rest, left: there },
    { ...place, left: away, hasSameUids: false },
  ].filter(({ left }) => left.length > 0);
}

/** Old messages that are found again by their number, by generation: a copy with the same header is not taken for one of them. */
export async function claimedUids(context: SessionContext, work: FolderWork): Promise<readonly UidSet[]> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { previous } = checkpoint;
  if (!areNumbersKept(checkpoint) || !(isOfSpool(checkpoint) || previous.some(isOfSpool))) return previous.map(() => []);
  const claimed = previous.map((): number[] => []);
  for (const uid of await context.session.listUids(1, maxUid)) {
    const same = sameUid(checkpoint, uid);
    if (same) claimed[same.generationAt]?.push(same.previousUid);
  }
  return claimed.map(uidSetOf);
}

/** Whether a reset left the messages the numbers they had. */
export function areNumbersKept({ previous }: FolderCheckpoint): boolean {
  return previous.some(({ hasSameUids }) => hasSameUids);
}

/** Which old message has a UID's number, where the way of numbering stayed. */
export function sameUid(
  checkpoint: FolderCheckpoint,
  uid: number,
): { readonly generationAt: number; readonly previousUid: number } | undefined {
  for (const [generationAt, place] of checkpoint.previous.entries()) {
    const previousUid = place.hasSameUids ? numberBefore(checkpoint, place, uid) : undefined;
    if (previousUid !== undefined && hasUid(place.left, previousUid)) return { generationAt, previousUid };
  }
  return undefined;
}

/** The number that a message had before, if the server gave it and gives it still; undefined where it was dealt. */
export function numberBefore(checkpoint: FolderCheckpoint, place: PreviousGeneration | undefined, uid: number): number | undefined {
  if (place === undefined || place.uidValidity === spoolUidValidity.dealtNumbers) return undefined;
  if (checkpoint.uidValidity !== spoolUidValidity.dealtNumbers) return uid;
  const uidl = uidlOf(checkpoint.uidls, uid);
  return uidl === undefined ? undefined : ownNumber(uidl);
}

async function doAgree(context: SessionContext, checkpoint: FolderCheckpoint, common: readonly number[]): Promise<boolean> {
  const newest = common.slice(-newestSamples);
  const uids = [...new Set([...spread(common), ...newest])];
  if (uids.length === 0) return false;
  const entries = await Promise.all(
    checkpoint.previous.map((place, at) => {
      const asked = uids.map((uid) => sameUid(checkpoint, uid)).filter((same) => same?.generationAt === at);
      return readEntries(context, place, uidSetOf(asked.flatMap((same) => same?.previousUid ?? [])));
    }),
  );
  const agreed = new Set<number>();
  for (const row of await context.session.fetchHeaders(uids)) {
    const same = sameUid(checkpoint, row.uid);
    const entry = same && entries[same.generationAt]?.get(same.previousUid);
    if (entry === undefined) continue;
    const seen = seenOf(context.ports.digest, row);
    if (seen.digest !== entry.digest || seen.messageId !== entry.messageId) return false;
    agreed.add(row.uid);
  }
  // Most of them: who says nothing may be anybody.
  return agreed.size > uids.length / 2 && newest.some((uid) => agreed.has(uid));
}

/** So many of a list at even distances, its ends among them. */
function spread(all: readonly number[]): readonly number[] {
  if (all.length <= samples) return all;
  return Array.from({ length: samples }, (_, i) => all[Math.round((i * (all.length - 1)) / (samples - 1))] as number);
}
