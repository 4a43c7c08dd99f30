import { type AccountCounts, emptyAccount, sumAccounts, unaccountedIn } from "./account-folder.ts";
import type { FolderRole } from "./event.ts";
import { type FolderUidls, uidlProblems } from "./proof-uidls.ts";
import { type PartUids, proofParts, type Sha256, uidsOfProof } from "./proof-uids.ts";
import { countUids, type UidSet, uniteUids } from "./uid-set.ts";

export const proofSchema = "mailfleet.proof/1";

/** One folder of a proof. */
export interface ProofFolder {
  readonly path: string;
  readonly role?: FolderRole;
  /** As the server said when its UIDs were compared; absent for a folder that it lists no more, or that could not be read. */
  readonly status?: { readonly messages: number; readonly uidNext: number; readonly uidValidity: string };
  /** ISO 8601 UTC: when its UIDs were compared. Earlier than the proof where nothing moved since. */
  readonly comparedAt: string;
  /** The stored checkpoint it was compared with: its generation and version, and a digest of what counts of it. */
  readonly checkpoint: { readonly generation: number; readonly version: number; readonly basis: string };
  readonly counts: AccountCounts;
  /** Absent where the count of messages says everything. */
  readonly uids?: PartUids;
  /** The same messages by their UIDLs, where a spool was listed. */
  readonly uidls?: FolderUidls;
  /** Why it was not looked at; its counts are then 0 and mean nothing. */
  readonly failure?: { readonly code: string; readonly text: string };
}

/** What one look at one mailbox found; the file adds its digest. */
export interface Proof {
  readonly schema: typeof proofSchema;
  readonly program: { readonly name: string; readonly version: string };
  readonly by: { readonly user: string; readonly host: string };
  readonly fleet: string;
  readonly mailbox: { readonly tenant: string; readonly address: string; readonly protocol: string };
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly commands: number;
  readonly verdict: "whole" | "gaps" | "unread";
  readonly folders: readonly ProofFolder[];
  /** Listed and not mail: calendars, contacts and the like. */
  readonly notMail: readonly string[];
  readonly sums: AccountCounts;
}

/** `whole`: every message on the server is accounted for. `unread`: something was not looked at, so that nothing can be said of it. */
export function verdictOf(folders: readonly ProofFolder[]): Proof["verdict"] {
  if (folders.some(({ counts }) => counts.gaps > 0)) return "gaps";
  return folders.some(({ counts, failure }) => failure !== undefined || counts.hidden > 0) ? "unread" : "whole";
}

export function sumsOf(folders: readonly ProofFolder[]): AccountCounts {
  return sumAccounts(folders.map(({ counts }) => counts));
}

/** Members sorted by name, no white space: the same content is the same text, as `jq -cS` writes it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
}

/** The file's text: canonical JSON with the digest of itself without `digest`. */
export function sealProof(proof: Proof, sha256: Sha256): string {
  return `${canonicalJson({ ...proof, digest: `sha256:${sha256(canonicalJson(proof))}` })}\n`;
}

export type ProofCheck =
  | { readonly ok: true; readonly proof: Proof }
  /** Sentences; at least one. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Checks a proof without server or Redis: its digest, and that all its sums hold. */
export function checkProof(text: string, sha256: Sha256): ProofCheck {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return { ok: false, problems: ["It is not JSON."] };
  }
  if (!isRecord(raw) || raw["schema"] !== proofSchema) return { ok: false, problems: [`It is not a proof of the kind ${proofSchema}.`] };
  const { digest, ...body } = raw;
  const problems: string[] = [];
  if (digest !== `sha256:${sha256(canonicalJson(body))}`)
    problems.push("Its digest is not that of its content: it was changed since it was written.");
  const proof = body as unknown as Proof;
  try {
    problems.push(...sumProblems(proof));
  } catch {
    problems.push("Its parts are not as a proof has them.");
  }
  return problems.length === 0 ? { ok: true, proof } : { ok: false, problems };
}

function sumProblems(proof: Proof): string[] {
  const problems: string[] = [];
  for (const [at, folder] of proof.folders.entries()) {
    const name = `folder ${at + 1}`;
    if (!isWhole(folder.counts)) problems.push(`The counts of ${name} do not add up.`);
    if (folder.uids !== undefined) problems.push(...uidProblems(folder, name), ...uidlProblems(folder, name));
  }
  const sums = sumsOf(proof.folders);
  if (canonicalJson(sums) !== canonicalJson(proof.sums)) problems.push("Its sums are not those of its folders.");
  if (verdictOf(proof.folders) !== proof.verdict) problems.push("Its verdict does not follow from its folders.");
  return problems;
}

function isWhole(counts: AccountCounts): boolean {
  const { listed, handedOff, excluded, quarantined, toDo } = counts;
  const areCounts = Object.keys(emptyAccount).every(
    (key) => Number.isSafeInteger(counts[key as keyof AccountCounts]) && counts[key as keyof AccountCounts] >= 0,
  );
  return areCounts && listed === handedOff + excluded + quarantined + toDo + unaccountedIn(counts);
}

function uidProblems({ uids, counts }: ProofFolder, name: string): string[] {
  const problems: string[] = [];
  let all: UidSet = [];
  let sum = 0;
  let isComplete = true;
  for (const part of proofParts) {
    const given = (uids as NonNullable<ProofFolder["uids"]>)[part];
    const set = uidsOfProof(given);
    if (set === undefined) {
      isComplete = false;
      continue;
    }
    if (countUids(set) !== counts[part]) problems.push(`The UIDs of ${name} are not as many as its counts say (${part}).`);
    all = uniteUids(all, set);
    sum += countUids(set);
  }
  if (isComplete && countUids(all) !== sum) problems.push(`A UID of ${name} stands in two parts.`);
  return problems;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
