import { formatDuration, type MailboxRef, mailboxId, shellWord, syncError } from "@mailfleet/core";
import type { CheckHooks, CheckOutcome } from "../checks/checks.ts";
import { Refusal } from "../http/refusal.ts";
import type { ActionPorts } from "./action-ports.ts";
import { refOf } from "./freeze.ts";
import type { Work } from "./work.ts";

export type CheckVerb = "doctor" | "prove";
/** One mailbox, or a tenant. */
export type CheckSubject = { readonly mailbox: MailboxRef } | { readonly tenant: string };

/** A doctor takes seconds a mailbox, a proof of a large mailbox minutes; whatever takes longer hangs. */
const limitMs: Readonly<Record<CheckVerb, number>> = { doctor: 3 * 60_000, prove: 15 * 60_000 };
/** Mailboxes of a tenant that are proven from a page; a proof of more is a night's work, and a terminal's. */
const mostProven = 50;

/**
 * A doctor or a proof, run in this process.
 * @throws Refusal with the command, where this console may not, or the tenant is too large; TOO_MANY; NOT_FOUND
 */
export function checkWork(ports: ActionPorts, verb: CheckVerb, subject: CheckSubject, reason: string | undefined): Work {
  const { checks, slots } = ports;
  const command = commandOf(verb, subject, ports.options);
  if (checks === undefined) {
    throw new Refusal("BAD_REQUEST", "This console does not use the tenants' credentials (console.checks), so it cannot log in anywhere.", {
      todo: "Run the command where mailfleet runs.",
      command,
    });
  }
  const mailboxes = "mailbox" in subject ? [subject.mailbox] : mailboxesOf(ports, subject.tenant);
  if (verb === "prove" && mailboxes.length > mostProven) {
    throw new Refusal("BAD_REQUEST", `A page proves ${mostProven} mailboxes at most, and these are ${mailboxes.length}.`, {
      todo: "Run the command where mailfleet runs.",
      command,
    });
  }
  const tenant = "mailbox" in subject ? subject.mailbox.tenant : subject.tenant;
  const leave = slots.take("mailbox" in subject ? mailboxId(subject.mailbox) : `${tenant}/`);
  return {
    verb,
    subject: "mailbox" in subject ? subject.mailbox.address : tenant,
    count: verb === "prove" ? mailboxes.length : 1,
    command,
    about: "mailbox" in subject ? { tenant, mailbox: subject.mailbox.address } : { tenant },
    reason,
    pace: "stoppable",
    leave,
    async act({ onLines, signal }) {
      const late = AbortSignal.timeout(limitMs[verb]);
      const hooks: CheckHooks = { onLines, signal: AbortSignal.any([signal, late]) };
      const whom = { tenant, ...("mailbox" in subject && { mailbox: subject.mailbox }) };
      const checking = verb === "doctor" ? checks.doctor(whom, hooks) : checks.prove(mailboxes, hooks);
      // The place is free when it has really ended, which may be later than somebody stopped waiting.
      void checking.catch(() => undefined).finally(leave);
      try {
        const { words, result } = await unlessStopped(checking, hooks.signal);
        return { done: mailboxes.length, failed: 0, words: words.replace(/\.$/, ""), result };
      } catch (error) {
        if (!late.aborted) throw error;
        const what = `It took longer than ${formatDuration(limitMs[verb])} and was ended. Nothing was changed.`;
        throw syncError("INTERRUPTED", what, { layer: "engine" });
      }
    },
  };
}

function mailboxesOf({ live }: ActionPorts, tenant: string): readonly MailboxRef[] {
  const found = [...live.memory.mailboxes()].filter((mailbox) => mailbox.tenant === tenant).map(refOf);
  if (found.length === 0) throw new Refusal("NOT_FOUND", "This tenant has no mailboxes. Nothing was done.");
  return found;
}

function commandOf(verb: CheckVerb, subject: CheckSubject, options: string): string {
  if ("tenant" in subject) return `npx mailfleet ${verb} --tenant ${shellWord(subject.tenant)}${options}`;
  const { tenant, address } = subject.mailbox;
  const which = `${verb === "doctor" ? "--mailbox " : ""}${shellWord(address)} --tenant ${shellWord(tenant)}`;
  return `npx mailfleet ${verb} ${which}${options}`;
}

/** What does not listen to the signal is not waited for. */
async function unlessStopped(checking: Promise<CheckOutcome>, signal: AbortSignal): Promise<CheckOutcome> {
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([checking, stopped]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
