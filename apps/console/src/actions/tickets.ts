import { randomBytes } from "node:crypto";
import { type Clock, formatCount, formatCounted, type MailboxRef } from "@mailfleet/core";
import type { Ticket, TicketRequest } from "@mailfleet/core/console";
import { Refusal } from "../http/refusal.ts";
import type { ListedLetter } from "../letters/letter-desk.ts";

/** What a ticket binds to: exactly what the dialog counted. */
export type Frozen =
  | { readonly kind: "mailboxes"; readonly mailboxes: readonly MailboxRef[] }
  | { readonly kind: "letters"; readonly letters: readonly ListedLetter[] };

export interface FrozenTicket extends Ticket {
  readonly frozen: Frozen;
  /** Whoever asked: nobody else's dialog is confirmed with it. */
  readonly who: string;
}

export interface TicketFacts {
  readonly verb: TicketRequest["verb"];
  readonly who: string;
  readonly frozen: Frozen;
  /** Epoch ms by Redis' clock. */
  readonly at: number;
  /** Behind the number: ` of cause c7f2`. */
  readonly of: string;
  readonly notes: readonly string[];
  readonly command: string;
}

/** A dialog that stays open longer counted what is not so any more. */
const validMs = 10 * 60_000;
const mostTickets = 200;
const named = 5;

/** Frozen lists that wait for a dialog's button. One use each. */
export class Tickets {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly ticket: FrozenTicket; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue({ verb, who, frozen, at, of, notes, command }: TicketFacts): Ticket {
    const isLetters = frozen.kind === "letters";
    const names = isLetters ? frozen.letters.map(({ id }) => id) : frozen.mailboxes.map(({ address }) => address);
    const count = names.length;
    const ticket: FrozenTicket = {
      ticket: randomBytes(16).toString("base64url"),
      verb,
      subject: `${isLetters ? formatCounted(count, "dead letter") : formatCounted(count, "mailbox", "mailboxes")}${of}`,
      count,
      first: names.slice(0, named),
      at,
      expiresAt: at + validMs,
      button: `${buttonWords[verb]} ${formatCount(count)}`,
      ...(verb === "discard" && { typed: String(count) }),
      notes,
      command,
      frozen,
      who,
    };
    const now = this.#clock.monotonic();
    for (const [id, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(id);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= mostTickets && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(ticket.ticket, { ticket, untilMs: now + validMs });
    const { frozen: _list, who: _who, ...shown } = ticket;
    return shown;
  }

  /** Takes it for good. @throws Refusal TICKET_GONE, NOT_CONFIRMED (it can be tried again then) */
  take(
    id: string,
    { verb, who, typed }: { readonly verb: string; readonly who: string; readonly typed: string | undefined },
  ): FrozenTicket {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.untilMs <= this.#clock.monotonic() || kept.ticket.who !== who || kept.ticket.verb !== verb) {
      throw new Refusal("TICKET_GONE", "What was counted is too old, or was done already. Nothing was done now.", {
        todo: "Choose again.",
      });
    }
    const { ticket } = kept;
    if (ticket.typed !== undefined && typed?.replaceAll(/[\s,]/g, "") !== ticket.typed) {
      throw new Refusal("NOT_CONFIRMED", "That was not the number. Nothing was done.", { todo: `Type ${ticket.typed}.` });
    }
    this.#kept.delete(id);
    return ticket;
  }
}

const buttonWords: Readonly<Record<TicketRequest["verb"], string>> = {
  try: "Try now",
  park: "Park",
  resume: "Resume",
  replay: "Replay",
  discard: "Discard",
};
