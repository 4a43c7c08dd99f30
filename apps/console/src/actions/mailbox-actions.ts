import { formatCount, formatCounted, mailboxId, type MailboxRef, shellWord } from "@mailfleet/core";
import type { ActionPorts } from "./action-ports.ts";

export type MailboxVerb = "try" | "park" | "resume";

/** What came of it for each. */
export interface MailboxesDone {
  readonly done: number;
  readonly failed: number;
  readonly words: string;
  /** Those that a reverse action puts back. */
  readonly changed: readonly MailboxRef[];
}

/** At once: each is one script, and Redis does one after the other anyway. */
const atOnce = 100;

export async function actOnMailboxes(
  ports: ActionPorts,
  verb: MailboxVerb,
  mailboxes: readonly MailboxRef[],
  { who, reason }: { readonly who: string; readonly reason: string | undefined },
  onDone: (done: number) => void,
): Promise<MailboxesDone> {
  const { desk, live } = ports;
  const at = live.now();
  if (verb !== "park") await ports.forgetTokenFailures(tenantsAtLogin(ports, mailboxes));
  const act = (mailbox: MailboxRef): Promise<string> =>
    verb === "park" ? desk.park(mailbox, { name: who, at, ...(reason !== undefined && { reason }) }) : desk.resume(mailbox);
  const changed: MailboxRef[] = [];
  const counts = new Map<string, number>();
  for (let i = 0; i < mailboxes.length; i += atOnce) {
    const some = mailboxes.slice(i, i + atOnce);
    const outcomes = await Promise.all(some.map(act));
    for (const [j, outcome] of outcomes.entries()) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      if (outcome === "parked" || outcome === "resumed") changed.push(some[j] as MailboxRef);
    }
    onDone(i + some.length);
  }
  const failed = counts.get("unknown") ?? 0;
  return { done: mailboxes.length - failed, failed, words: outcomeWords(counts), changed };
}

function tenantsAtLogin({ live }: ActionPorts, mailboxes: readonly MailboxRef[]): ReadonlySet<string> {
  const stopped = mailboxes.filter((mailbox) => live.memory.find(mailboxId(mailbox))?.mailbox.cause?.code.startsWith("ENTRA_"));
  return new Set(stopped.map(({ tenant }) => tenant));
}

const said: readonly (readonly [outcome: string, words: string])[] = [
  ["parked", "parked"],
  ["already", "parked before, left as it was"],
  ["resumed", "resumed"],
  ["tried", "tried at once"],
  ["running", "with a session that looks once more at its end"],
  ["unknown", "not there any more"],
];

function outcomeWords(counts: ReadonlyMap<string, number>): string {
  const parts = said.flatMap(([outcome, words]) => {
    const count = counts.get(outcome) ?? 0;
    return count === 0 ? [] : [`${formatCount(count)} ${words}`];
  });
  return parts.length === 0 ? "nothing to do" : parts.join(", ");
}

/** Addresses of one line: a line for a shell has some kilobytes. */
const addressesOfLine = 200;

/** The commands that do the same: a line for each {@link addressesOfLine} mailboxes. */
export function mailboxCommand(verb: MailboxVerb, mailboxes: readonly MailboxRef[], reason: string | undefined, options: string): string {
  const why = verb === "park" && reason !== undefined ? ` --reason ${shellWord(reason)}` : "";
  const lines: string[] = [];
  for (let i = 0; i < mailboxes.length; i += addressesOfLine) {
    const words = mailboxes.slice(i, i + addressesOfLine).map(({ address }) => shellWord(address));
    lines.push(`npx mailfleet mailboxes ${verb === "park" ? "park" : "resume"} ${words.join(" ")}${why}${options}`);
  }
  return lines.join("\n");
}

export function mailboxSubject(mailboxes: readonly MailboxRef[]): string {
  const [first] = mailboxes;
  return mailboxes.length === 1 && first !== undefined ? first.address : formatCounted(mailboxes.length, "mailbox", "mailboxes");
}
