import {
  type Backlog,
  closingSentence,
  formatCount,
  formatCounted,
  formatDuration,
  type Observations,
  protocolNames,
  stripControls,
} from "@mailfleet/core";
import type { Examined } from "./run-doctor.ts";

/** `contoso, support@contoso.com, over IMAP` */
export function subjectHead({ subject }: Observations): string {
  const mailbox = subject.mailbox === undefined ? "no mailbox yet" : stripControls(subject.mailbox);
  return `${stripControls(subject.tenant)}, ${mailbox}, over ${protocolNames[subject.protocol]}`;
}

/** What a run of the doctor comes to: the words of its exit code. @param tookMs of the whole run */
export function doctorSentence(all: readonly Examined[], tookMs: number): string {
  const [only] = all;
  return only && all.length === 1 ? closingSentence(only.diagnosis, only.seen, formatDuration(tookMs)) : closingOfAll(all, tookMs);
}

/** Nothing was found wrong, and something was looked at. */
export function isWell(all: readonly Examined[]): boolean {
  return all.length > 0 && all.every(({ diagnosis }) => diagnosis.finding === undefined);
}

/** One for each tenant that is well by now, and waits all the same. */
export function backlogsOf(all: readonly Examined[]): readonly Backlog[] {
  const sick = new Set(all.filter(({ diagnosis }) => diagnosis.finding !== undefined).map(({ seen }) => seen.subject.tenant));
  const found = new Map<string, Backlog>();
  for (const { seen, diagnosis } of all) {
    if (diagnosis.backlog && !sick.has(seen.subject.tenant)) found.set(seen.subject.tenant, diagnosis.backlog);
  }
  return [...found.values()];
}

function closingOfAll(all: readonly Examined[], tookMs: number): string {
  const wrong = all.filter(({ diagnosis }) => diagnosis.finding !== undefined);
  const took = formatDuration(tookMs);
  const backlogs = backlogsOf(all);
  const waiting = backlogs.map(({ sentence, command }) => `${sentence}; go on now: ${command}`).join(" ");
  if (all.length === 0) return "No tenant is configured, so nothing was checked.";
  if (wrong.length === 0)
    return `All ${formatCounted(all.length, "mailbox", "mailboxes")} looked at are well, checked in ${took}. ${backlogs.length === 0 ? "Nothing to do." : waiting}`;
  const causes = [...new Set(wrong.map(({ seen, diagnosis }) => `${seen.subject.tenant}: ${diagnosis.finding?.conclusion ?? ""}`))];
  const shown = causes.slice(0, 3).join("; ");
  const more = causes.length > 3 ? `; and ${formatCount(causes.length - 3)} more` : "";
  return `${formatCount(wrong.length)} of ${formatCounted(all.length, "mailbox", "mailboxes")} looked at ${wrong.length === 1 ? "is" : "are"} not well, checked in ${took}. ${stripControls(shown)}${more}. No mail is lost.${waiting === "" ? "" : ` ${waiting}`}`;
}
