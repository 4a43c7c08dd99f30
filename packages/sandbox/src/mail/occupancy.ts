import type { Mailbox } from "../store/mail-store.ts";
import type { MailboxTally } from "./mailbox-counters.ts";
import type { BudgetPlace } from "./server-budget.ts";
import type { MailServices } from "./services.ts";

/** Who is logged in on a connection, which mailbox he has open, and until when. */
export class Occupancy {
  readonly #services: MailServices;
  #mailbox: Mailbox | undefined;
  #place: BudgetPlace | undefined;
  #tally: MailboxTally | undefined;
  #expiresAt = Number.POSITIVE_INFINITY;

  constructor(services: MailServices) {
    this.#services = services;
  }

  /** Undefined before a login, after its end, and where the mailbox is not open to whoever logged in. */
  get mailbox(): Mailbox | undefined {
    return this.#mailbox;
  }

  /** Whose session it is; undefined before a login. */
  get place(): BudgetPlace | undefined {
    return this.#place;
  }

  /** Only after a login. */
  get tally(): MailboxTally {
    if (!this.#tally) throw new Error("nobody is logged in");
    return this.#tally;
  }

  get msUntilTokenExpires(): number {
    return this.#expiresAt - Date.now();
  }

  /** @param mailbox as taken from the store; it is given back at the end */
  enter(mailbox: Mailbox | undefined, place: BudgetPlace, expiresAt: number): void {
    const { counts, faults } = this.#services;
    this.#mailbox = mailbox;
    this.#place = place;
    this.#tally = counts.of(place.mailbox);
    if (mailbox) counts.countSession(place, 1);
    const stale = faults.strike("stale-session", place);
    this.#expiresAt = stale ? Math.min(expiresAt, Date.now() + stale.number("afterMs")) : expiresAt;
  }

  /** Gives the mailbox back; safe to call twice. */
  leave(): void {
    if (!this.#mailbox || !this.#place) return;
    this.#services.store.giveBack(this.#mailbox);
    this.#services.counts.countSession(this.#place, -1);
    this.#mailbox = undefined;
  }

  /** As where the session is over and the connection is not. */
  forget(): void {
    this.leave();
    this.#place = undefined;
  }
}
