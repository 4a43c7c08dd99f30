import {
  eachUid,
  expectedCount,
  expectedEnds,
  expectedTop,
  type FolderCheckpoint,
  type FolderStatus,
  hasUid,
  type HeaderRow,
  intersectUids,
  isAnyDue,
  isCountOff,
  isOfSpool,
  limits,
  type MailboxRef,
  type MailboxState,
  maxUid,
  type SpoolKnown,
  spoolUidValidity,
  type Spot,
  subtractUids,
  type UidSet,
  uidSetOf,
  uniteUids,
  witnessLines,
} from "@mailfleet/core";
import { anchorIn, seenOf, spotOf } from "./fingerprints.ts";
import { ensureOpen, type FolderWork } from "./folder-work.ts";
import { readEntries } from "./read-entries.ts";
import type { SessionContext, SyncSettings } from "./ports.ts";

/** No count of messages: whatever the spool counts, it is listed. */
const notKnown = -1;

/**
 * What a session need not ask a spool for; undefined for a mailbox that is no spool, or was none until now. Count and ends of a list do not
 * show that one message in its middle took another's place. So where the list is asked for anyway, it is asked for before anything is
 * planned: numbers that are dealt after that would be planned for by nobody.
 *
 * @param now epoch ms
 */
export function spoolKnownOf({ protocol }: MailboxRef, state: MailboxState, settings: SyncSettings, now: number): SpoolKnown | undefined {
  const checkpoint = protocol === "pop3" ? state.folders.get("INBOX")?.checkpoint : undefined;
  if (checkpoint === undefined || !isOfSpool(checkpoint)) return undefined;
  const { compared, uidls } = checkpoint;
  const isListed = isAnyDue(checkpoint, now) || (compared !== undefined && now - compared.wholeAt >= settings.compare.wholeMs);
  const ends = expectedEnds(checkpoint);
  const messages = isListed ? notKnown : (expectedCount(checkpoint) ?? notKnown);
  return { uidls, newest: expectedTop(checkpoint), messages, ...(ends && { ends }) };
}

export interface SpoolLook {
  /** As STATUS of a folder reads: UIDNEXT does not fall with the newest message. */
  readonly status: FolderStatus;
  /** Known UIDs are other messages now: a reset. */
  readonly isAnother: boolean;
}

/**
 * Reads a spool's status as that of a folder. UIDNEXT is only the highest number and one more, so it falls when the newest message is
 * taken away; and a number that is dealt again after a restore shows in nothing but the message: POP3 has no UIDVALIDITY. So whenever
 * something moved, the known messages at the ends of the list must have the headers they had (`witnessLines`): a TOP each, of a mailbox
 * whose UIDLs are numbers in their order one. Takes over the numbers that this session dealt; the commit that first uses them writes
 * them. Any other folder passes as it is.
 */
export async function lookAtSpool(context: SessionContext, work: FolderWork, seen: FolderStatus): Promise<SpoolLook> {
  const before = work.checkpoint;
  if (!isOfSpool(seen) || before === undefined || before.isExcluded) return { status: seen, isAnother: false };
  const isUnused = isOfSpool(before) && before.uidNext === 1;
  if (before.uidValidity !== seen.uidValidity && !isUnused) return { status: seen, isAnother: false };
  const checkpoint: FolderCheckpoint = {
    ...before,
    // An empty spool does not show how its messages will be named: nothing was dealt yet, so nothing is dealt anew.
    uidValidity: seen.uidValidity,
    ...(seen.uidls && { uidls: seen.uidls }),
  };
  if (seen.uidls !== before.uidls || isUnused) work.checkpoint = checkpoint;
  const status = { ...seen, uidNext: Math.max(seen.uidNext, checkpoint.uidNext) };
  work.top = seen.uidNext - 1;
  if (!hasMoved(context, checkpoint, seen)) return { status, isAnother: false };
  const verdict = await judge(context, work, checkpoint);
  if (verdict === "same") await anchoredAnew(context, work, checkpoint, uidSetOf(await context.session.listUids(1, maxUid)));
  // Looked at again as long as it is not known.
  if (verdict === "unsure") work.top = undefined;
  return { status, isAnother: verdict === "another" };
}

/** Once a day also where nothing shows: as many messages may have come as went, under the same numbers. */
function hasMoved(context: SessionContext, checkpoint: FolderCheckpoint, seen: FolderStatus): boolean {
  const { compared } = checkpoint;
  if (seen.uidNext - 1 !== expectedTop(checkpoint)) return true;
  if (compared === undefined) return false;
  return isCountOff(seen, checkpoint, compared) || context.ports.clock.now() - compared.wholeAt >= context.settings.compare.wholeMs;
}

type Verdict = "same" | "another" | "unsure";

async function judge(context: SessionContext, work: FolderWork, checkpoint: FolderCheckpoint): Promise<Verdict> {
  const opened = await ensureOpen(context, work);
  const order = opened.order ?? (await context.session.listUids(1, maxUid));
  const handedOff = uniteUids(checkpoint.handedOff, checkpoint.quarantined);
  if (!order.some((uid) => hasUid(handedOff, uid))) return judgeExcluded(context, checkpoint, uidSetOf(order));
  const anchor = anchorIn(checkpoint);
  const known = uniteUids(handedOff, uidSetOf(anchor.map(({ uid }) => uid)));
  const ends = witnessLines(order, known, checkpoint.uidValidity === spoolUidValidity.ownNumbers);
  const lines = [...ends, ...linesOfBack(checkpoint, order, ends)];
  const verdict = await askRemembered(context, checkpoint, lines);
  if (verdict !== undefined) return verdict;
  const entries = await readEntries(context, { folder: work.path, ...checkpoint }, uidSetOf(lines.flat()));
  const spots = new Map([...anchor, ...[...entries.values()].map(spotOf)].map((spot) => [spot.uid, spot]));
  let isSure = true;
  for (const line of lines) {
    const answer = await askLine(context, line, spots);
    if (answer === "another") return answer;
    isSure &&= answer === "same";
  }
  return isSure ? "same" : "unsure";
}

type Lines = readonly (readonly number[])[];

/**
 * So many messages that were told as removed and are listed again are asked one by one: a new one that has the UIDL of one that is gone, and
 * shows late, stands among older ones.
 */
const backAsked = 10;

function linesOfBack({ removed }: FolderCheckpoint, order: readonly number[], ends: Lines): Lines {
  if (removed.length === 0) return [];
  const back = order.filter((uid) => hasUid(removed, uid) && !ends.some(([head]) => head === uid));
  return back.slice(-backAsked).map((uid) => [uid]);
}

/** Nearly always: the heads of all lines are there, and their digests in the checkpoint. Undefined where not all of them say something. */
async function askRemembered(context: SessionContext, { spots }: FolderCheckpoint, lines: Lines): Promise<Verdict | undefined> {
  const heads = lines.map(([head]) => spots.find(({ uid }) => uid === head)).filter((spot) => spot !== undefined);
  if (heads.length < lines.length) return undefined;
  const now = await digestsOf(
    context,
    heads.map(({ uid }) => uid),
  );
  if (heads.some(({ uid, digest }) => now.has(uid) && now.get(uid) !== digest)) return "another";
  return now.size === heads.length ? "same" : undefined;
}

/** One that does not answer says nothing, and what stands behind it in the line not all. */
async function askLine(context: SessionContext, line: readonly number[], spots: ReadonlyMap<number, Spot>): Promise<Verdict> {
  let isAnswered = true;
  for (const uid of line) {
    const spot = spots.get(uid);
    if (spot === undefined) continue;
    const now = (await digestsOf(context, [uid])).get(uid);
    if (now === undefined) isAnswered = false;
    else if (now !== spot.digest) return "another";
    else return isAnswered ? "same" : "unsure";
  }
  return "unsure";
}

/**
 * Nothing that was handed off is there. What is new has higher numbers and what was missed is found by them; only below those that a
 * rule leaves out a number that is dealt again would hide new mail for ever. So the newest that is listed there must be one that is known
 * to be there: an older one proves nothing of the numbers above it.
 */
async function judgeExcluded(context: SessionContext, { spots, excludedBelow }: FolderCheckpoint, listed: UidSet): Promise<Verdict> {
  const newest = leftOutOf(listed, excludedBelow).at(-1)?.[1];
  if (newest === undefined) return "same";
  const anchor = spots.find(({ uid }) => uid === newest);
  if (anchor === undefined) return "another";
  const now = (await digestsOf(context, [anchor.uid])).get(anchor.uid);
  return now === undefined ? "unsure" : now === anchor.digest ? "same" : "another";
}

function leftOutOf(listed: UidSet, excludedBelow: number): UidSet {
  return excludedBelow <= 1 ? [] : intersectUids(listed, [[1, excludedBelow - 1]]);
}

/** So many of the newest messages that a rule leaves out are remembered: people take away the newest first. A TOP each, at first sight. */
const anchors = 8;
/** With fewer of them listed, others are remembered in their place. */
const fewAnchors = 4;

/** Once it is known that the numbers are those they were, what is listed now can stand for them later. */
async function anchoredAnew(context: SessionContext, work: FolderWork, checkpoint: FolderCheckpoint, listed: UidSet): Promise<void> {
  const known = uniteUids(checkpoint.handedOff, checkpoint.quarantined);
  const leftOut = [...eachUid(subtractUids(leftOutOf(listed, checkpoint.excludedBelow), known))].slice(-anchors);
  const there = anchorIn(checkpoint).filter(({ uid }) => leftOut.includes(uid));
  if (there.length >= Math.min(fewAnchors, leftOut.length)) return;
  const rows = await context.session.fetchHeaders(leftOut.filter((uid) => !there.some((spot) => spot.uid === uid)));
  const added = rows.map((row) => spotOf(seenOf(context.ports.digest, row)));
  // Those that are not listed stay: a list can be short.
  const all = [...added, ...anchorIn(checkpoint)].sort((one, other) => other.uid - one.uid).slice(0, 2 * anchors);
  const now = work.checkpoint ?? checkpoint;
  work.checkpoint = { ...now, spots: [...now.spots.filter(({ uid }) => hasUid(known, uid)), ...all] };
}

/** By UID; what the server withholds is absent. */
async function digestsOf(context: SessionContext, uids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const rows = await context.session.fetchHeaders(uids);
  return new Map(rows.map((row) => [row.uid, spotOf(seenOf(context.ports.digest, row)).digest]));
}

/** The newest messages of a spool whose history is not wanted, so that it is known again when all that was handed off is gone. */
export async function anchored(
  context: SessionContext,
  work: FolderWork,
  status: FolderStatus,
  checkpoint: FolderCheckpoint,
): Promise<FolderCheckpoint> {
  if (!isOfSpool(status) || status.messages === 0) return checkpoint;
  await ensureOpen(context, { ...work, checkpoint: undefined });
  const newest = (await context.session.listUids(1, maxUid)).slice(-anchors);
  const rows = await context.session.fetchHeaders(newest);
  return { ...checkpoint, spots: rows.map((row) => spotOf(seenOf(context.ports.digest, row))) };
}

/** From the topmost `Received` of a whole header, which the mailbox's own server writes: a spool says no other date. Epoch ms. */
export function arrivalOf({ header }: HeaderRow): number | undefined {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString("latin1");
  const received = /^received:((?:[^\n]|\n[ \t])*)/im.exec(text)?.[1];
  const date =
    received === undefined ? Number.NaN : Date.parse(received.slice(received.lastIndexOf(";") + 1).replace(/\([^)]*\)|\s+/g, " "));
  return Number.isNaN(date) ? undefined : date;
}

/** Whether so many are gone of a spool that its list is not believed the first time. */
export function isMany(gone: number, known: number): boolean {
  return gone > known * limits.vanishedShare;
}
