import type { ProvenOrNot } from "@mailfleet/checks";
import { countUids, formatUidSet, type Proof, uidlsOfPart, uidsOfProof } from "@mailfleet/core";
import type { GapItem, ProofItem, ProvenItem } from "@mailfleet/core/console";

/** Folders with gaps, and characters of a folder's UIDs: what is more stands in the proof's file. */
const mostFolders = 50;
const longestUids = 400;

/** A proof as pages show it. @param file its name in the data folder's `proofs` */
export function proofItem({ verdict, endedAt, sums }: Proof, words: readonly string[], file?: string): ProofItem {
  return {
    verdict,
    endedAt: Date.parse(endedAt),
    listed: sums.listed,
    handedOff: sums.handedOff,
    gaps: sums.gaps,
    extras: sums.extras,
    ...(file !== undefined && { file }),
    words,
  };
}

/** @param words the sentences that the terminal prints of it @param file the proof's name */
export function provenItem(one: ProvenOrNot, words: readonly string[], file: string | undefined): ProvenItem {
  const { tenant, address } = one.mailbox;
  if ("failure" in one) return { tenant, address, words, gaps: [] };
  return { tenant, address, proof: proofItem(one.proof, words, file), words, gaps: gapsOf(one.proof) };
}

/** Folder by folder what is missing: UIDs, over POP3 UIDLs. */
function gapsOf({ folders }: Proof): readonly GapItem[] {
  return folders
    .filter(({ counts }) => counts.gaps > 0)
    .slice(0, mostFolders)
    .map((folder): GapItem => {
      const uids = folder.uids && uidsOfProof(folder.uids.gaps);
      const named = uidlsOfPart(folder, "gaps")?.join(" ") ?? (uids === undefined ? "" : formatUidSet(uids));
      return {
        folder: folder.path,
        count: uids === undefined ? folder.counts.gaps : countUids(uids),
        uids: named.length <= longestUids ? named : `${named.slice(0, longestUids)}…`,
      };
    });
}
