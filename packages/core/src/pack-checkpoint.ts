import {
  flaggedUids,
  type Compared,
  type FolderCheckpoint,
  type PreviousGeneration,
  type Recheck,
  type RetryEntry,
  type Spot,
  type Unlisted,
  type Vanished,
} from "./checkpoint.ts";
import { noFlags, packFlagSets, unpackFlagSets } from "./flag-sets.ts";
import { decodeUidSet, encodeUidSet } from "./uid-codec.ts";
import { isOfSpool } from "./uidl-book.ts";
import { packUidls, unpackUidls } from "./uidl-codec.ts";

/**
 * Compact JSON, short names, nothing that has its usual value, sets as in uid-codec.ts; about 100 bytes for a quiet folder. Counts are
 * numbers, so that an operator can read them. A later version may read this one's; `f` tells what it takes to read it, and is left out
 * where every version can.
 */
export function packCheckpoint(checkpoint: FolderCheckpoint): string {
  const { quarantined, removed, retry, recheck, compared, unlisted, uidls, vanished } = checkpoint;
  return JSON.stringify({
    ...(needsSpools(checkpoint) && { f: checkpointFormat }),
    ...(checkpoint.generation !== 1 && { g: checkpoint.generation }),
    v: packDigits(checkpoint.uidValidity),
    n: checkpoint.uidNext,
    ...(checkpoint.backfillBelow !== 1 && { b: checkpoint.backfillBelow }),
    ...(checkpoint.handedOff.length > 0 && { h: encodeUidSet(checkpoint.handedOff) }),
    ...(quarantined.length > 0 && { q: encodeUidSet(quarantined) }),
    ...(removed.length > 0 && { d: encodeUidSet(removed) }),
    ...(checkpoint.excludedBelow > 1 && { e: checkpoint.excludedBelow }),
    ...(checkpoint.wantedFrom !== undefined && { w: checkpoint.wantedFrom }),
    ...(checkpoint.flags.size > 0 && { l: packFlagSets(checkpoint.flags, flaggedUids(checkpoint)) }),
    ...(checkpoint.flagsFrom > 1 && { lf: checkpoint.flagsFrom }),
    ...(compared && { c: packCompared(compared) }),
    ...(checkpoint.spots.length > 0 && { o: checkpoint.spots.map(packSpot).join(" ") }),
    ...(checkpoint.previous.length > 0 && {
      p: checkpoint.previous.map((one) => [
        ...[one.folder, one.generation, one.uidValidity, encodeUidSet(one.left), one.hasSameUids ? 1 : 0],
        ...(one.gone === undefined ? [] : [encodeUidSet(one.gone)]),
      ]),
    }),
    ...(unlisted && { u: [unlisted.since, unlisted.tries] }),
    ...(retry.length > 0 && { r: retry.map((entry) => [entry.uid, entry.tries, entry.notBefore]) }),
    ...(checkpoint.isResync && { s: 1 }),
    ...(!checkpoint.isVerified && { y: 0 }),
    ...(checkpoint.isExcluded && { x: 1 }),
    ...(recheck && { k: [recheck.low, recheck.high, recheck.tries, recheck.notBefore] }),
    ...(uidls && { i: packUidls(uidls) }),
    ...(checkpoint.leftoversFrom !== undefined && { j: checkpoint.leftoversFrom }),
    ...(vanished && { a: [encodeUidSet(vanished.uids), vanished.notBefore] }),
  });
}

/**
 * The newest format that {@link packCheckpoint} writes. Rises only when an older version would misread what a newer one wrote: the first
 * knows folders alone, and would take a mailbox that was read as a spool for one whose messages are all new.
 */
const checkpointFormat = 2;
const folderFormat = 1;

/** Whether a version that knows no spools must leave it alone (F36): a spool's, or a folder's that still owes what a spool had. */
function needsSpools(checkpoint: FolderCheckpoint): boolean {
  const { previous, spots, uidls } = checkpoint;
  return isOfSpool(checkpoint) || previous.some(isOfSpool) || uidls !== undefined || spots.some((spot) => spot.internalDate === undefined);
}

/** True for what a newer version of mailfleet wrote: it is whole and must not be touched by this one (F36). */
export function isNewerCheckpoint(text: string): boolean {
  try {
    const { f } = JSON.parse(text) as { readonly f?: unknown };
    return typeof f === "number" && Number.isInteger(f) && f > checkpointFormat;
  } catch {
    return false;
  }
}

/** Undefined for anything that {@link packCheckpoint} of this version did not write: the folder is then CHECKPOINT_CORRUPT. */
export function unpackCheckpoint(text: string): FolderCheckpoint | undefined {
  try {
    const raw = JSON.parse(text) as Record<string, unknown>;
    const format = raw["f"] ?? folderFormat;
    if (format !== folderFormat && format !== checkpointFormat) return undefined;
    const checkpoint: FolderCheckpoint = {
      generation: count(raw["g"] ?? 1),
      uidValidity: readDigits(raw["v"]),
      uidNext: count(raw["n"]),
      backfillBelow: count(raw["b"] ?? 1),
      handedOff: decodeUidSet(words(raw["h"] ?? "")),
      quarantined: decodeUidSet(words(raw["q"] ?? "")),
      removed: decodeUidSet(words(raw["d"] ?? "")),
      excludedBelow: count(raw["e"] ?? 1),
      flags: noFlags,
      flagsFrom: count(raw["lf"] ?? 1),
      spots: words(raw["o"] ?? "")
        .split(" ")
        .filter((spot) => spot !== "")
        .map(readSpot),
      previous: list(raw["p"] ?? []).map(readPrevious),
      retry: list(raw["r"] ?? []).map(readRetry),
      isResync: raw["s"] === 1,
      isVerified: raw["y"] !== 0,
      isExcluded: raw["x"] === 1,
      ...(raw["w"] !== undefined && { wantedFrom: integer(raw["w"]) }),
      ...(raw["k"] !== undefined && { recheck: readRecheck(raw["k"]) }),
      ...(raw["c"] !== undefined && { compared: readCompared(raw["c"]) }),
      ...(raw["u"] !== undefined && { unlisted: readUnlisted(raw["u"]) }),
      ...(raw["i"] !== undefined && { uidls: unpackUidls(words(raw["i"])) }),
      ...(raw["j"] !== undefined && { leftoversFrom: count(raw["j"]) }),
      ...(raw["a"] !== undefined && { vanished: readVanished(raw["a"]) }),
    };
    return raw["l"] === undefined ? checkpoint : { ...checkpoint, flags: unpackFlagSets(raw["l"], flaggedUids(checkpoint)) };
  } catch {
    return undefined;
  }
}

function readRetry(value: unknown): RetryEntry {
  const [uid, tries, notBefore] = list(value);
  return { uid: count(uid), tries: count(tries), notBefore: count(notBefore) };
}

function readRecheck(value: unknown): Recheck {
  const [low, high, tries, notBefore] = list(value);
  return { low: count(low), high: count(high), tries: count(tries), notBefore: count(notBefore) };
}

/** UID and INTERNALDATE in base 36, digest: half of what JSON would take. */
function packSpot({ uid, internalDate, digest }: Spot): string {
  return `${uid.toString(36)}.${internalDate?.toString(36) ?? ""}.${digest}`;
}

function readSpot(text: string): Spot {
  const match = /^([0-9a-z]{1,7})\.(-?[0-9a-z]{0,10})\.([A-Za-z0-9_-]*)$/.exec(text);
  if (!match) throw new RangeError("not a spot");
  const [, uid = "", internalDate = "", digest = ""] = match;
  const date = internalDate === "" ? {} : { internalDate: integer(Number.parseInt(internalDate, 36)) };
  return { uid: count(Number.parseInt(uid, 36)), ...date, digest };
}

function readPrevious(value: unknown): PreviousGeneration {
  const [folder, generation, uidValidity, left, hasSameUids, gone] = list(value);
  return {
    folder: words(folder),
    generation: count(generation),
    uidValidity: words(uidValidity),
    left: decodeUidSet(words(left)),
    ...(gone !== undefined && { gone: decodeUidSet(words(gone)) }),
    hasSameUids: hasSameUids === 1,
  };
}

/** When the whole was compared, how much later the newest part was, both in seconds; then what is not usual. Alone a number, else a list. */
function packCompared({ wholeAt, recentAt, uncounted, unseenUncounted, modSeq, top, hidden }: Compared): unknown {
  const all = [
    Math.floor(wholeAt / 1_000),
    Math.floor(recentAt / 1_000) - Math.floor(wholeAt / 1_000),
    uncounted,
    unseenUncounted ?? null,
    modSeq ?? "",
    top === undefined ? 0 : [top.uidNext, top.listed, ...(top.ends ?? [])],
    hidden ?? 0,
  ];
  const usual = [undefined, 0, 0, 0, "", 0, 0];
  while (all.length > 1 && all.at(-1) === usual[all.length - 1]) all.pop();
  return all.length === 1 ? all[0] : all;
}

function readCompared(value: unknown): Compared {
  const [wholeAt, later = 0, uncounted = 0, unseenUncounted = 0, modSeq = "", top = 0, hidden = 0] =
    typeof value === "number" ? [value] : list(value);
  const whole = count(wholeAt);
  return {
    wholeAt: whole * 1_000,
    recentAt: (whole + integer(later)) * 1_000,
    uncounted: integer(uncounted),
    ...(unseenUncounted !== null && { unseenUncounted: integer(unseenUncounted) }),
    ...(modSeq !== "" && { modSeq: words(modSeq) }),
    ...(top !== 0 && { top: readTop(top) }),
    ...(hidden !== 0 && { hidden: count(hidden) }),
  };
}

function readTop(value: unknown): NonNullable<Compared["top"]> {
  const [uidNext, listed, first, last] = list(value);
  return {
    uidNext: count(uidNext),
    listed: count(listed),
    ...(first !== undefined && { ends: [count(first), count(last)] as const }),
  };
}

/** A UIDVALIDITY is digits, so a number of 32 bits in nearly every case. */
function packDigits(digits: string): number | string {
  const number = Number(digits);
  return Number.isSafeInteger(number) && String(number) === digits ? number : digits;
}

function readDigits(value: unknown): string {
  return typeof value === "number" ? String(count(value)) : words(value);
}

function readVanished(value: unknown): Vanished {
  const [uids, notBefore] = list(value);
  return { uids: decodeUidSet(words(uids)), notBefore: count(notBefore) };
}

function readUnlisted(value: unknown): Unlisted {
  const [since, tries] = list(value);
  return { since: count(since), tries: count(tries) };
}

function integer(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new RangeError("not a whole number");
  return value;
}

function count(value: unknown): number {
  const number = integer(value);
  if (number < 0) throw new RangeError("not a count");
  return number;
}

function words(value: unknown): string {
  if (typeof value !== "string") throw new RangeError("not a text");
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RangeError("not a list");
  return value;
}
