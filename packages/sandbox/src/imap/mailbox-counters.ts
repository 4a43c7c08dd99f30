import type { BudgetPlace } from "./server-budget.ts";

/** What one mailbox was asked for and given, for a test to judge a client by. */
export interface MailboxCounters {
  /** Logins that were answered OK, also such that led nowhere. */
  readonly logins: number;
  /** Connections that have the mailbox open now. */
  readonly sessions: number;
  readonly mostSessions: number;
  /** Commands after login that were carried out, logins included. */
  readonly accepted: number;
  /** Commands and logins that were refused with a wait hint. */
  readonly refused: number;
  /** Server time spent, by the costs of the `budget` that holds there; 0 without one. */
  readonly grantedMs: number;
  /** Commands that a low account made wait, and for how long in all. */
  readonly delays: number;
  readonly delayedMs: number;
  /** Messages whose whole content was sent, a message in pieces once: the goodput. */
  readonly bodies: number;
  readonly bodyBytes: number;
}

/** The same, to count in. */
export type MailboxTally = { -readonly [K in keyof MailboxCounters]: number };

/** Counts of every mailbox that somebody tried to open, by address. */
export class MailboxCounts {
  readonly #byAddress = new Map<string, MailboxTally>();
  readonly #sessionsOf = new Map<string, number>();

  get byAddress(): ReadonlyMap<string, MailboxCounters> {
    return this.#byAddress;
  }

  /** Of a tenant's alias or an address. */
  sessionsOf(name: string): number {
    return this.#sessionsOf.get(name) ?? 0;
  }

  /** A session has opened the mailbox, or left it. */
  countSession({ tenant, mailbox }: BudgetPlace, by: 1 | -1): void {
    const tally = this.of(mailbox);
    tally.sessions += by;
    tally.mostSessions = Math.max(tally.mostSessions, tally.sessions);
    for (const name of [tenant, mailbox]) this.#sessionsOf.set(name, this.sessionsOf(name) + by);
  }

  of(address: string): MailboxTally {
    let tally = this.#byAddress.get(address);
    if (tally === undefined) {
      tally = {
        logins: 0,
        sessions: 0,
        mostSessions: 0,
        accepted: 0,
        refused: 0,
        grantedMs: 0,
        delays: 0,
        delayedMs: 0,
        bodies: 0,
        bodyBytes: 0,
      };
      this.#byAddress.set(address, tally);
    }
    return tally;
  }
}
