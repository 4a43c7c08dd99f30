import type { MailboxRef, Proof, RepairEnding } from "@mailfleet/core";

/** What became of one mailbox: its proof, or why it could not be read. */
export type ProvenOrNot =
  | {
      readonly mailbox: MailboxRef;
      readonly proof: Proof;
      /** Where the proof was written. */
      readonly file: string;
      readonly ms: number;
      readonly unchanged: number;
      readonly missingSince?: number;
      /** What `--repair` did before. */
      readonly repair?: { readonly ending: RepairEnding; readonly putBack: number };
    }
  | { readonly mailbox: MailboxRef; readonly failure: { readonly code: string; readonly what: string } };

/** Nothing is missing, everything was looked at, and nothing that was put back is still owed. */
export function isProven(one: ProvenOrNot): boolean {
  return "proof" in one && one.proof.verdict === "whole" && (one.repair === undefined || one.repair.ending === "done");
}
