import {
  countUids,
  emptyLedger,
  type FolderCheckpoint,
  type FolderStatus,
  goneOf,
  limits,
  type ListedFolder,
  type MailboxState,
  type PreviousGeneration,
  presentUids,
  previousOf,
  startCheckpoint,
  type StoredCheckpoint,
  withoutHistory,
} from "@mailfleet/core";
import { commitRemoved } from "./compare-folder.ts";
import { seenOf, spotOf } from "./fingerprints.ts";
import { commitStep, ensureOpen, type FolderWork, inFolder } from "./folder-work.ts";
import type { SessionContext } from "./ports.ts";
import { tellLeftovers } from "./resync.ts";

/**
 * Folders that have a checkpoint and that the server lists no more. One that came back under another name goes on there, its keys linked
 * by `message.rekeyed`; one that stays away is taken for deleted after some sessions and some time, and its messages are told as removed.
 */
export async function settleUnlisted(context: SessionContext, listed: readonly ListedFolder[], state: MailboxState): Promise<void> {
  const isListed = new Set(listed.map((folder) => folder.path));
  const works = [...state.folders].flatMap(([path, stored]) => context.folders.find((one) => one.path === path) ?? toWork(path, stored));
  // Also where the former name is used again by now: what is told of it belongs to the folder that has its messages.
  for (const work of works.filter((one) => isTakenOver(one, state))) await vacate(context, work);
  const away = works.filter(({ path, checkpoint }) => !isListed.has(path) && checkpoint && !checkpoint.isExcluded);
  await findRenamed(context, away);
  for (const work of away) {
    if (work.checkpoint?.isExcluded || work.path === "INBOX") continue;
    await inFolder(context, work, () => noteUnlisted(context, work));
  }
  await noteBack(context);
}

function toWork(path: string, stored: StoredCheckpoint): FolderWork[] {
  const { version, checkpoint, ledger } = stored;
  return checkpoint === undefined ? [] : [{ path, role: undefined, version, checkpoint, ledger }];
}

/** A former path whose messages another folder's checkpoint has as its own by now: the second half of a rename that was interrupted. */
function isTakenOver({ path, checkpoint: own }: FolderWork, state: MailboxState): boolean {
  return [...state.folders].some(
    ([other, { checkpoint }]) =>
      other !== path && checkpoint?.previous.some((one) => one.folder === path && one.generation === own?.generation && one.hasSameUids),
  );
}

/**
 * Looks for each new folder, and each that is another one than it was, among those that are away: UIDVALIDITY, UIDNEXT and known messages
 * must agree. A new one may also be what a listed folder was until now: it was renamed, and its name used again.
 */
async function findRenamed(context: SessionContext, away: readonly FolderWork[]): Promise<void> {
  const gone = away.filter(hasSpots);
  const listed = context.folders.filter(hasSpots);
  for (const work of context.folders) {
    const isNew = work.checkpoint === undefined || work.checkpoint.isExcluded;
    const candidates = isNew ? [...gone, ...listed] : gone;
    if (candidates.length === 0) continue;
    await inFolder(context, work, async () => {
      const status = await context.session.status(work.path);
      if (!isNew && !isAnother(status, work.checkpoint as FolderCheckpoint)) return;
      for (const former of candidates.filter(({ checkpoint }) => couldBe(status, checkpoint as FolderCheckpoint))) {
        if (former.checkpoint?.isExcluded || (listed.includes(former) && !(await isReplaced(context, former)))) continue;
        if (!(await holdsItsMessages(context, work, former))) continue;
        await takeOver(context, work, status, former);
        return;
      }
    });
  }
}

function hasSpots({ path, checkpoint }: FolderWork): boolean {
  return path !== "INBOX" && checkpoint !== undefined && !checkpoint.isExcluded && checkpoint.spots.length > 0;
}

/** Whether the name denotes another folder than the checkpoint's, as far as STATUS tells. */
function isAnother(status: FolderStatus, known: FolderCheckpoint): boolean {
  return status.uidValidity !== known.uidValidity || status.uidNext < known.uidNext;
}

async function isReplaced(context: SessionContext, { path, checkpoint }: FolderWork): Promise<boolean> {
  return isAnother(await context.session.status(path), checkpoint as FolderCheckpoint);
}

function couldBe(status: FolderStatus, former: FolderCheckpoint): boolean {
  return status.uidValidity === former.uidValidity && status.uidNext >= former.uidNext;
}

async function holdsItsMessages(context: SessionContext, work: FolderWork, former: FolderWork): Promise<boolean> {
  await ensureOpen(context, { ...work, checkpoint: undefined });
  const spots = (former.checkpoint as FolderCheckpoint).spots;
  const rows = await context.session.fetchHeaders(spots.map(({ uid }) => uid));
  const seen = rows.map((row) => spotOf(seenOf(context.ports.digest, row)));
  return (
    seen.length > 0 &&
    seen.every((now) => spots.some((spot) => spot.uid === now.uid && spot.digest === now.digest && spot.internalDate === now.internalDate))
  );
}

/** First the new path takes the messages over, then the former one lets go of them: whoever is killed in between, the next session ends it. */
async function takeOver(context: SessionContext, work: FolderWork, status: FolderStatus, former: FolderWork): Promise<void> {
  const before = former.checkpoint as FolderCheckpoint;
  context.ports.log.info({ mailbox: context.mailbox.address, folder: work.path, formerly: former.path }, "a folder was renamed");
  const { generation, uidValidity } = before;
  // Named also when nothing is left of it: it tells the next session that the former path is taken over.
  const own: PreviousGeneration = {
    folder: former.path,
    generation,
    uidValidity,
    left: presentUids(before),
    ...goneOf(before),
    hasSameUids: true,
  };
  // What the new path had before is gone, unless it is found again here.
  const replaced = work.checkpoint?.isExcluded === false ? previousOf(work.path, work.checkpoint) : [];
  const excludedBelow = context.settings.backfill ? before.excludedBelow : Math.max(before.excludedBelow, before.backfillBelow);
  await commitStep(context, work, {
    checkpoint: {
      ...startCheckpoint(status, unusedGeneration(work), before.isResync),
      excludedBelow,
      ...(before.wantedFrom !== undefined && { wantedFrom: before.wantedFrom }),
      flags: before.flags,
      flagsFrom: before.flagsFrom,
      // Its UIDs stayed: so it is known again under a third name, before it is resynced.
      spots: before.spots,
      previous: [own, ...before.previous, ...replaced.map((one) => ({ ...one, hasSameUids: false }))],
      isVerified: false,
    },
    ledger: { ...emptyLedger, listed: status.messages, toDo: status.messages },
    events: [],
  });
  await vacate(context, former);
}

function unusedGeneration({ version, checkpoint }: FolderWork): number {
  if (checkpoint === undefined) return version + 1;
  return checkpoint.isExcluded ? checkpoint.generation : checkpoint.generation + 1;
}

/** The path may be used again, under the next generation. */
async function vacate(context: SessionContext, work: FolderWork): Promise<void> {
  const { uidValidity, generation } = work.checkpoint as FolderCheckpoint;
  const empty = startCheckpoint({ uidValidity, uidNext: 1, messages: 0 }, generation + 1, false);
  await commitStep(context, work, { checkpoint: { ...withoutHistory(empty), isExcluded: true }, ledger: emptyLedger, events: [] });
}

async function noteUnlisted(context: SessionContext, work: FolderWork): Promise<void> {
  const checkpoint = work.checkpoint as FolderCheckpoint;
  const { ledger } = work;
  const isSettled = presentUids(checkpoint).length === 0 && checkpoint.previous.length === 0 && ledger.toDo === 0 && ledger.excluded === 0;
  if (isSettled) return;
  const now = context.ports.clock.now();
  const unlisted = { since: checkpoint.unlisted?.since ?? now, tries: (checkpoint.unlisted?.tries ?? 0) + 1 };
  const isDeleted = unlisted.tries >= limits.unlistedTries && now - unlisted.since >= limits.unlistedMs;
  await commitStep(context, work, {
    checkpoint: isDeleted ? { ...checkpoint, retry: [], unlisted } : { ...checkpoint, unlisted },
    // Its rest is listed no more. What was handed off stays counted until it is told as removed.
    ledger: { ...ledger, listed: ledger.listed - ledger.toDo - ledger.excluded, toDo: 0, excluded: 0 },
    events: [],
  });
  if (!isDeleted) return;
  const fields = { mailbox: context.mailbox.address, folder: work.path, messages: countUids(presentUids(checkpoint)) };
  context.ports.log.warn(fields, "a folder is gone; its messages are told as removed");
  await commitRemoved(context, work, presentUids(work.checkpoint as FolderCheckpoint), "backfill");
  await tellLeftovers(context, work);
}

/** A folder that is listed again was only away. */
async function noteBack(context: SessionContext): Promise<void> {
  for (const work of context.folders) {
    const { checkpoint } = work;
    if (!checkpoint?.unlisted) continue;
    const { unlisted: _was, ...back } = checkpoint;
    await inFolder(context, work, () => commitStep(context, work, { checkpoint: back, ledger: work.ledger, events: [] }));
  }
}
