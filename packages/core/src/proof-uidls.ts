import type { AccountCounts } from "./account-folder.ts";
import { type PartUids, proofParts, type ProofUids, type Sha256, uidsOfProof } from "./proof-uids.ts";
import { uidlOf, type UidlBook } from "./uidl-book.ts";
import { eachUid } from "./uid-set.ts";

/** Lists longer than this stand in a proof as their SHA-256; a proof is a file that people read and send. Characters. */
const longestList = 64 * 1024;

/**
 * The UIDLs of the same messages, in the order of their UIDs; null for one whose text is not known any more. Where the list is very long,
 * the SHA-256 of its lines in hex.
 */
export type ProofUidls = { readonly list: readonly (string | null)[] } | { readonly sha256: string };

/** A spool's messages by the names that its server has for them. `numbers`: each UID is the UIDL, as Exchange's are. */
export type FolderUidls = "numbers" | Readonly<Record<(typeof proofParts)[number], ProofUidls>>;

/** What of a proof's folder its UIDLs go with. */
interface NamedFolder {
  readonly counts: AccountCounts;
  readonly uids?: PartUids;
  readonly uidls?: FolderUidls;
}

/** @param book of the spool; undefined where its UIDLs are numbers */
export function proofUidls(uids: NamedFolder["uids"], book: UidlBook | undefined, sha256: Sha256): FolderUidls {
  if (book === undefined || uids === undefined) return "numbers";
  const write = (part: ProofUids, isNamed = false): ProofUidls => {
    const set = uidsOfProof(part);
    if (set === undefined) return { sha256: "sha256" in part ? part.sha256 : "" };
    const list = Array.from(eachUid(set), (uid) => uidlOf(book, uid) ?? null);
    const text = list.join("\n");
    return isNamed || text.length <= longestList ? { list } : { sha256: sha256(text) };
  };
  const { handedOff, excluded, quarantined, toDo, gaps, extras } = uids;
  return {
    handedOff: write(handedOff),
    excluded: write(excluded),
    quarantined: write(quarantined),
    toDo: write(toDo),
    gaps: write(gaps, true),
    extras: write(extras),
  };
}

/** The names of a part's messages; undefined where the proof holds only their hash. */
export function uidlsOfPart({ uids, uidls }: NamedFolder, part: (typeof proofParts)[number]): readonly (string | null)[] | undefined {
  if (uidls === undefined || uids === undefined) return undefined;
  if (uidls !== "numbers") return "list" in uidls[part] ? uidls[part].list : undefined;
  const set = uidsOfProof(uids[part]);
  return set && Array.from(eachUid(set), String);
}

/** Where the UIDLs of a folder are not as many as its counts say: sentences. Two messages may have the same one where a server errs. */
export function uidlProblems({ uidls, counts }: NamedFolder, name: string): string[] {
  if (uidls === undefined || uidls === "numbers") return [];
  return proofParts.flatMap((part) => {
    const given = uidls[part];
    return "list" in given && given.list.length !== counts[part]
      ? [`The UIDLs of ${name} are not as many as its counts say (${part}).`]
      : [];
  });
}
