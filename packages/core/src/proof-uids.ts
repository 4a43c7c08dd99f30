import type { FolderAccount } from "./account-folder.ts";
import { formatUidSet, parseUidSet, type UidSet } from "./uid-set.ts";

export type Sha256 = (text: string) => string;

/** Ranges longer than this stand in a proof as their SHA-256; a proof is a file that people read and send. Characters. */
const longestRanges = 64 * 1024;

/** UIDs as an IMAP sequence set (`1:5,9`), or, where that is very long, the SHA-256 of that text in hex. */
export type ProofUids = { readonly ranges: string } | { readonly sha256: string };

export const proofParts = ["handedOff", "excluded", "quarantined", "toDo", "gaps", "extras"] as const;

/** Each message of a folder in one part. */
export type PartUids = Readonly<Record<(typeof proofParts)[number], ProofUids>>;

export function proofUids({ sets }: FolderAccount, sha256: Sha256): PartUids | undefined {
  if (sets === undefined) return undefined;
  const write = (set: UidSet, isNamed = false): ProofUids => {
    const ranges = formatUidSet(set);
    return isNamed || ranges.length <= longestRanges ? { ranges } : { sha256: sha256(ranges) };
  };
  const { handedOff, excluded, quarantined, toDo, gaps, extras } = sets;
  return {
    handedOff: write(handedOff),
    excluded: write(excluded),
    quarantined: write(quarantined),
    toDo: write(toDo),
    // What is missing is always named: a repair reads it here.
    gaps: write(gaps, true),
    extras: write(extras),
  };
}

/** The UIDs of a part; undefined where the proof holds only their hash. */
export function uidsOfProof(uids: ProofUids): UidSet | undefined {
  return "ranges" in uids ? parseUidSet(uids.ranges) : undefined;
}
