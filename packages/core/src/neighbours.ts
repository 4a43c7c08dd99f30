/**
 * In what way a mailbox was refused, as far as its neighbours can tell what it means: `login` (the token), `access` (the mailbox after a
 * login that was accepted), `reach` (no server, or one that says it is unavailable), `throttle`.
 */
export type RefusalKind = "login" | "access" | "reach" | "throttle";

/** How the other mailboxes of a tenant do, and the other tenants, at the moment of a refusal that is counted already. */
export interface NeighbourView {
  /** Registered mailboxes of the tenant. */
  readonly mailboxes: number;
  /**
   * Distinct mailboxes of the tenant that were refused since any of it opened, this one included. `throttle`: within the last
   * `limits.throttleWindowMs`, whoever opened.
   */
  readonly refused: Readonly<Record<RefusalKind, number>>;
  /** Since the first of these refusals, `throttle` left out; 0 where there is none. */
  readonly refusedForMs: number;
  /** Sessions of the tenant that opened within the last minute or two; short by what workers have not reported yet. */
  readonly openedLately: number;
  /** Since a mailbox of the tenant opened last; absent when none ever did. */
  readonly openedAgoMs?: number;
  /** Of the other tenants of the fleet. */
  readonly others: {
    /** That opened a mailbox within the last day. */
    readonly active: number;
    /** Of these, whose mailboxes are all refused since about the same time as this tenant's. */
    readonly down: number;
    /** Of these, that opened a mailbox after this tenant's first refusal. */
    readonly open: number;
  };
}
