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

/** What one tenant's mailboxes were asked for together. */
export interface TenantCounters {
  readonly logins: number;
  /** The most logins that came within one second. */
  readonly mostLoginsPerSecond: number;
  /** Connections that have a mailbox open now. */
  readonly sessions: number;
  readonly mostSessions: number;
}

/** The same, to count in. */
export type MailboxTally = { -readonly [K in keyof MailboxCounters]: number };

type TenantTally = { -readonly [K in keyof TenantCounters]: number };

/** Counts of every mailbox that somebody tried to open, by address, and of their tenants, by alias. */
export class MailboxCounts {
  readonly #byAddress = new Map<string, MailboxTally>();
  readonly #byTenant = new Map<string, TenantTally>();
  /** Times of the last second's logins by tenant, ascending. */
  readonly #recentLogins = new Map<string, number[]>();

  get byAddress(): ReadonlyMap<string, MailboxCounters> {
    return this.#byAddress;
  }

  get byTenant(): ReadonlyMap<string, TenantCounters> {
    return this.#byTenant;
  }

  /** @param now in milliseconds */
  countLogin({ tenant, mailbox }: BudgetPlace, now: number): void {
    const tally = this.of(mailbox);
    tally.accepted++;
    tally.logins++;
    const whole = this.ofTenant(tenant);
    whole.logins++;
    const recent = [...(this.#recentLogins.get(tenant) ?? []).filter((at) => at > now - 1_000), now];
    this.#recentLogins.set(tenant, recent);
    whole.mostLoginsPerSecond = Math.max(whole.mostLoginsPerSecond, recent.length);
  }

  /** A session has opened the mailbox, or left it. */
  countSession({ tenant, mailbox }: BudgetPlace, by: 1 | -1): void {
    for (const tally of [this.of(mailbox), this.ofTenant(tenant)]) {
      tally.sessions += by;
      tally.mostSessions = Math.max(tally.mostSessions, tally.sessions);
    }
  }

  ofTenant(alias: string): TenantTally {
    let tally = this.#byTenant.get(alias);
    if (tally === undefined) {
      tally = { logins: 0, mostLoginsPerSecond: 0, sessions: 0, mostSessions: 0 };
      this.#byTenant.set(alias, tally);
    }
    return tally;
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
