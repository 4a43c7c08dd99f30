import { mailboxId, type MailboxRef, shellWord } from "@mailfleet/core";
import { readMailboxQuery, selectRows, type TicketRequest } from "@mailfleet/core/console";
import type { LiveFleet } from "../fleet/live-fleet.ts";
import { Refusal } from "../http/refusal.ts";
import { findCause } from "../letters/letter-desk.ts";
import type { ActionPorts } from "./action-ports.ts";
import type { TicketFacts } from "./tickets.ts";

/** More than any fleet has. */
const mostListed = 100_000;

/** The mailboxes that a ticket is to bind to, as they are now. @throws Refusal BAD_REQUEST */
export function chooseMailboxes(live: LiveFleet, select: TicketRequest["select"]): readonly MailboxRef[] {
  const { memory } = live;
  const refs = (ids: Iterable<string>): MailboxRef[] => [...ids].flatMap((id) => refsOf(memory.find(id)?.mailbox));
  if ("mailboxes" in select) return refs(new Set(select.mailboxes));
  if ("cause" in select) return refs(memory.cause(select.cause)?.members ?? []);
  if (!("query" in select)) throw new Refusal("BAD_REQUEST", "It is not said which mailboxes.");
  const params = new URLSearchParams(select.query);
  const query = readMailboxQuery((name) => params.get(name));
  return refs(selectRows(memory.rows(), query, live.now(), mostListed).rows.map(mailboxId));
}

/** The letters that a ticket is to bind to: listed anew, whatever a page shows. @throws Refusal NOT_FOUND */
export async function freezeLetters(
  { letters, options }: Pick<ActionPorts, "letters" | "options">,
  verb: "replay" | "discard",
  select: TicketRequest["select"],
): Promise<Pick<TicketFacts, "frozen" | "at" | "of" | "notes" | "command">> {
  const { at, causes, listed } = await letters.list(true);
  const cause = "letterCause" in select ? findCause(causes, select.letterCause) : undefined;
  const wanted = "letters" in select ? new Set(select.letters) : undefined;
  const chosen = listed.filter((one) => (wanted === undefined ? one.cause === cause?.fullId : wanted.has(one.id)));
  if (chosen.length === 0) throw new Refusal("NOT_FOUND", "These letters are gone: consumed, discarded, or tried again. Nothing was done.");
  // A terminal has a list of its own, of another time: with the moment of this one it finds the same letters.
  const which =
    cause === undefined
      ? chosen.map(({ id }) => ` ${shellWord(id)}`).join("")
      : ` --cause ${cause.id} --as-of ${new Date(at).toISOString()}`;
  const stillFailing = cause?.isStillFailing ? ["This cause had new letters within the last ten minutes: it may fail again."] : [];
  return {
    frozen: { kind: "letters", letters: chosen },
    at,
    of: cause === undefined ? "" : ` of cause ${cause.id}`,
    notes:
      verb === "replay"
        ? ["They go out under the same keys, so consumers can tell repeats.", ...stillFailing]
        : ["Messages among them can be put back for 7 days; other events cannot."],
    command: `npx mailfleet dead-letters ${verb}${which}${options}`,
  };
}

function refsOf(mailbox: MailboxRef | undefined): readonly MailboxRef[] {
  return mailbox === undefined ? [] : [refOf(mailbox)];
}

export function refOf({ tenant, address, protocol }: MailboxRef): MailboxRef {
  return { tenant, address, protocol };
}
