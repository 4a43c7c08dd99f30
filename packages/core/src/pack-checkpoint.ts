import {
  flaggedUids,
  type Compared,
  type FolderCheckpoint,
  type PreviousGeneration,
  type Recheck,
  type RetryEntry,
  type Spot,
  type Unlisted,
} from "./checkpoint.ts";
import { noFlags, packFlagSets, unpackFlagSets } from "./flag-sets.ts";
import { decodeUidSet, encodeUidSet } from "./uid-codec.ts";

/**
 * Compact JSON, short names, nothing that has its usual value, sets as in uid-codec.ts; about 100 bytes for a quiet folder. Counts are
 * numbers, so that an operator can read them. A later version may read this one's; `f` tells which one wrote it.
 */
export function packCheckpoint(checkpoint: FolderCheckpoint): string {
  const { quarantined, removed, retry, recheck, compared, unlisted } = checkpoint;
  return JSON.stringify({
    f: checkpointFormat,
    g: checkpoint.generation,
    v: checkpoint.uidValidity,
    n: checkpoint.uidNext,
    ...(checkpoint.backfillBelow !== 1 && { b: checkpoint.backfillBelow }),
    ...(checkpoint.handedOff.length > 0 && { h: encodeUidSet(checkpoint.handedOff) }),
    ...(quarantined.length > 0 && { q: encodeUidSet(quarantined) }),
    ...(removed.length > 0 && { d: encodeUidSet(removed) }),
    ...(checkpoint.excludedBelow > 1 && { e: checkpoint.excludedBelow }),
    ...(checkpoint.flags.size > 0 && { l: packFlagSets(checkpoint.flags, flaggedUids(checkpoint)) }),
    ...(checkpoint.flagsFrom > 1 && { lf: checkpoint.flagsFrom }),
    ...(compared && {
      c: [
        Math.floor(compared.wholeAt / 1_000),
        Math.floor(compared.recentAt / 1_000),
        compared.uncounted,
        compared.unseenUncounted ?? null,
        ...(compared.modSeq ? [compared.modSeq] : []),
      ],
    }),
    ...(checkpoint.spots.length > 0 && { o: checkpoint.spots.map(({ uid, internalDate, digest }) => [uid, internalDate, digest]) }),
    ...(checkpoint.previous.length > 0 && {
      p: checkpoint.previous.map((one) => [one.folder, one.generation, one.uidValidity, encodeUidSet(one.left), one.hasSameUids ? 1 : 0]),
    }),
    ...(unlisted && { u: [unlisted.since, unlisted.tries] }),
    ...(retry.length > 0 && { r: retry.map((entry) => [entry.uid, entry.tries, entry.notBefore]) }),
    ...(checkpoint.isResync && { s: 1 }),
    ...(!checkpoint.isVerified && { y: 0 }),
    ...(checkpoint.isExcluded && { x: 1 }),
    ...(recheck && { k: [recheck.low, recheck.high, recheck.tries, recheck.notBefore] }),
  });
}

/** The format that {@link packCheckpoint} writes. Rises only when an older version would misread what a newer one wrote. */
const checkpointFormat = 1;

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
    if (raw["f"] !== checkpointFormat) return undefined;
    const checkpoint: FolderCheckpoint = {
      generation: count(raw["g"]),
      uidValidity: words(raw["v"]),
      uidNext: count(raw["n"]),
      backfillBelow: count(raw["b"] ?? 1),
      handedOff: decodeUidSet(words(raw["h"] ?? "")),
      quarantined: decodeUidSet(words(raw["q"] ?? "")),
      removed: decodeUidSet(words(raw["d"] ?? "")),
      excludedBelow: count(raw["e"] ?? 1),
      flags: noFlags,
      flagsFrom: count(raw["lf"] ?? 1),
      spots: list(raw["o"] ?? []).map(readSpot),
      previous: list(raw["p"] ?? []).map(readPrevious),
      retry: list(raw["r"] ?? []).map(readRetry),
      isResync: raw["s"] === 1,
      isVerified: raw["y"] !== 0,
      isExcluded: raw["x"] === 1,
      ...(raw["k"] !== undefined && { recheck: readRecheck(raw["k"]) }),
      ...(raw["c"] !== undefined && { compared: readCompared(raw["c"]) }),
      ...(raw["u"] !== undefined && { unlisted: readUnlisted(raw["u"]) }),
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

function readSpot(value: unknown): Spot {
  const [uid, internalDate, digest] = list(value);
  return { uid: count(uid), internalDate: integer(internalDate), digest: words(digest) };
}

function readPrevious(value: unknown): PreviousGeneration {
  const [folder, generation, uidValidity, left, hasSameUids] = list(value);
  return {
    folder: words(folder),
    generation: count(generation),
    uidValidity: words(uidValidity),
    left: decodeUidSet(words(left)),
    hasSameUids: hasSameUids === 1,
  };
}

function readCompared(value: unknown): Compared {
  const [wholeAt, recentAt, uncounted, unseenUncounted, modSeq] = list(value);
  return {
    wholeAt: count(wholeAt) * 1_000,
    recentAt: count(recentAt) * 1_000,
    uncounted: integer(uncounted),
    ...(unseenUncounted !== null && { unseenUncounted: integer(unseenUncounted) }),
    ...(modSeq !== undefined && { modSeq: words(modSeq) }),
  };
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
