import {
  extrasSentence,
  formatCount,
  formatCounted,
  gapSentence,
  hiddenSentence,
  type Proof,
  repairSentence,
  shellWord,
  stripControls,
  sumAccounts,
  type TimeStyle,
  uidlsOfPart,
  uidsOfProof,
  wholeSentence,
} from "@mailfleet/core";
import { isProven, type ProvenOrNot } from "./proven.ts";

/** A line of the report, and how it is meant. */
export interface ReportLine {
  readonly mark?: "done" | "yours" | "look";
  readonly text: string;
}

/**
 * Sentences of one proof: what is missing and how it is put back, what could not be read, and the verdict.
 * @param options what commands need besides to reach the same fleet; begins with a space, or is empty
 */
export function proofLines(
  { proof, mailbox, ms, missingSince, repair }: Extract<ProvenOrNot, { proof: Proof }>,
  style: TimeStyle,
  options: string,
): ReportLine[] {
  const lines: ReportLine[] = [];
  const gaps = proof.folders.filter(({ counts }) => counts.gaps > 0);
  const told = gaps.flatMap((folder) => {
    const { path, uids } = folder;
    const set = uids && uidsOfProof(uids.gaps);
    const uidls = uidlsOfPart(folder, "gaps");
    return set === undefined ? [] : [{ path, uids: set, ...(uidls && { uidls }) }];
  });
  if (repair !== undefined)
    lines.push({ mark: repair.ending === "done" ? "done" : "look", text: repairSentence(repair.ending, repair.putBack, options) });
  if (gaps.length > 0) {
    const command = `npx mailfleet prove ${shellWord(mailbox.address)} --repair${options}`;
    lines.push({ mark: "yours", text: `${gapSentence(told, missingSince, style)} Put back: ${command}` });
  }
  for (const { path, counts, failure } of proof.folders) {
    if (failure !== undefined) {
      lines.push({
        mark: "yours",
        text: `${stripControls(path)} could not be read: "${stripControls(failure.text)}" (${failure.code}). Nothing is proven of it.`,
      });
    } else if (counts.hidden > 0) lines.push({ mark: "yours", text: hiddenSentence(path, counts.hidden) });
  }
  if (proof.verdict === "whole") lines.push({ mark: "done", text: wholeSentence(proof.sums, { commands: proof.commands, ms }) });
  if (proof.sums.extras > 0) lines.push({ mark: "look", text: extrasSentence(proof.sums.extras) });
  return lines;
}

/** Nothing that a session with the server would explain. */
const notOfTheServer: ReadonlySet<string> = new Set(["CHECKPOINT_NEWER", "CHECKPOINT_CORRUPT", "CONFIG_INVALID"]);

/** Of a mailbox that could not be read. */
export function unreadLine({ mailbox, failure }: Extract<ProvenOrNot, { failure: object }>, options: string): ReportLine {
  const command = `npx mailfleet doctor --tenant ${shellWord(mailbox.tenant)} --mailbox ${shellWord(mailbox.address)}${options}`;
  const what = stripControls(failure.what).trimEnd();
  const next = notOfTheServer.has(failure.code) ? "" : ` See where it stops: ${command}`;
  // A server's words end as they like.
  const end = /[.!?]$/.test(what) ? "" : ".";
  return {
    mark: "yours",
    text: `${stripControls(mailbox.address)} could not be read, so nothing is proven of it: ${what}${end}${next}`,
  };
}

/** What the proofs of many come to. @param ms of the whole run */
export function proofSentence(all: readonly ProvenOrNot[], ms: number): string {
  const whole = all.filter(isProven).length;
  if (whole < all.length) {
    return `${formatCount(whole)} of ${formatCounted(all.length, "mailbox", "mailboxes")} ${whole === 1 ? "is" : "are"} proven whole.`;
  }
  const proofs = all.flatMap((one) => ("proof" in one ? [one.proof] : []));
  const commands = proofs.reduce((sum, proof) => sum + proof.commands, 0);
  return wholeSentence(sumAccounts(proofs.map(({ sums }) => sums)), { commands, ms });
}
