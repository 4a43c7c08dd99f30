import { openProofFiles } from "@mailfleet/checks/proof-files";
import { formatCounted, type MailboxRef, unaccountedIn } from "@mailfleet/core";
import type { ProofItem } from "@mailfleet/core/console";
import { proofItem } from "./proof-items.ts";

/** The last proof of a mailbox that lies in the data folder, whoever made it; one that was changed since counts as none. */
export function lastProofs(dataDir: string): (mailbox: MailboxRef) => Promise<ProofItem | undefined> {
  const files = openProofFiles(dataDir);
  return async (mailbox) => {
    const proof = await files.latest(mailbox);
    if (proof === undefined) return undefined;
    const missing = unaccountedIn(proof.sums);
    const words = {
      whole: "Proven: every message that the server listed was accounted for.",
      gaps: `The last proof found ${formatCounted(missing, "message")} missing.`,
      unread: "The last proof could not look at everything, so nothing is proven.",
    }[proof.verdict];
    return proofItem(proof, [words]);
  };
}
