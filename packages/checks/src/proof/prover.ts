import { hostname, userInfo } from "node:os";
import type { Config } from "@mailfleet/config";
import {
  formatCount,
  formatCounted,
  isSyncError,
  type MailboxRef,
  type MailboxStore,
  type Proof,
  type ProofFolder,
  proofSchema,
  stripControls,
  sumsOf,
  verdictOf,
} from "@mailfleet/core";
import { proveMailbox } from "@mailfleet/engine";
import { systemClock, systemDigest } from "@mailfleet/runtime";
import type { TenantAccess } from "../tenant-access.ts";
import { openProofFiles, type ProofFiles, sha256Hex } from "./proof-files.ts";
import type { ProvenOrNot } from "./proven.ts";

/** Mailboxes that are looked at side by side: enough to hide round trips, far below what a server notices. */
const atOnce = 4;

export interface ProverParts {
  readonly config: Config;
  readonly store: MailboxStore;
  readonly access: TenantAccess;
  readonly isFull: boolean;
  /** Of the program that proves. */
  readonly version: string;
  readonly signal: AbortSignal;
}

/** Proves mailboxes and writes their proofs. */
export class Prover {
  readonly #parts: ProverParts;
  readonly #files: ProofFiles;

  constructor(parts: ProverParts) {
    this.#parts = parts;
    this.#files = openProofFiles(parts.config.dataDir);
  }

  async proveAll(mailboxes: readonly MailboxRef[], progress: { update(text: string): void }): Promise<ProvenOrNot[]> {
    const results: ProvenOrNot[] = [];
    const queue = [...mailboxes.entries()];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [at, mailbox] = next;
        results[at] = await this.proveOne(mailbox, (folder, all) =>
          progress.update(
            mailboxes.length === 1
              ? `${mailbox.address}: ${formatCount(folder)} of ${formatCounted(all, "folder")} compared`
              : `${formatCount(done)} of ${formatCounted(mailboxes.length, "mailbox", "mailboxes")} compared`,
          ),
        );
        done++;
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, mailboxes.length) }, work));
    return results;
  }

  async proveOne(mailbox: MailboxRef, onFolder?: (done: number, all: number) => void): Promise<ProvenOrNot> {
    const { config, store, access, isFull, version, signal } = this.#parts;
    const startedMs = systemClock.monotonic();
    const startedAt = new Date(systemClock.now()).toISOString();
    try {
      const earlier = isFull ? undefined : await this.#files.latest(mailbox);
      const byPath = new Map(earlier?.folders.map((folder) => [folder.path, folder]));
      const ports = {
        clock: systemClock,
        digest: systemDigest,
        sha256: sha256Hex,
        tokens: access.tokens,
        mail: access.mail,
        store,
      };
      const request = { mailbox, rules: config.sync.folders, earlier: (name: string) => byPath.get(name), ...(onFolder && { onFolder }) };
      const found = await proveMailbox(ports, request, signal);
      const proof: Proof = {
        schema: proofSchema,
        program: { name: "mailfleet", version },
        by: { user: userName(), host: hostname() },
        fleet: config.name,
        mailbox,
        startedAt,
        endedAt: new Date(systemClock.now()).toISOString(),
        commands: found.commands,
        verdict: verdictOf(found.folders),
        folders: found.folders,
        notMail: found.notMail,
        sums: sumsOf(found.folders),
      };
      const { unchanged, missingSince } = found;
      const file = await this.#files.write(mailbox, proof);
      return {
        mailbox,
        // The file has all UIDs; of ten thousand mailboxes only those that are missing are held.
        proof: { ...proof, folders: proof.folders.map(withGapsOnly) },
        file,
        ms: systemClock.monotonic() - startedMs,
        unchanged,
        ...(missingSince !== undefined && { missingSince }),
      };
    } catch (error) {
      if (!isSyncError(error) || error.failure.code === "INTERRUPTED") throw error;
      const { code, message, facts } = error.failure;
      return { mailbox, failure: { code, what: stripControls(withServerText(message, facts.text)) } };
    }
  }
}

/** Many messages quote the server themselves. */
function withServerText(message: string, text: string | undefined): string {
  return text === undefined || message.includes(text.replace(/\.$/, "")) ? message : `${message} "${text}"`;
}

function withGapsOnly({ uids, uidls, ...folder }: ProofFolder): ProofFolder {
  return { ...folder, ...(folder.counts.gaps > 0 && { ...(uids && { uids }), ...(uidls && { uidls }) }) };
}

/** A machine without an entry for its user still proves. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
