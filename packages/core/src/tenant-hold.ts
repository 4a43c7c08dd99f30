import type { Cause } from "./cause.ts";
import type { FailureCode, FailureScope } from "./failure-code.ts";
import type { Lease } from "./ports.ts";
import type { NeighbourView, RefusalKind } from "./neighbours.ts";
import type { MailboxRef } from "./ids.ts";

/**
 * Why a whole tenant stands still, kept once and not with each mailbox. While it is held none of its mailboxes is worked on, but one
 * canary each time `cause.nextAt` comes; what becomes of the canary ends the hold or moves its time.
 */
export interface TenantHold {
  /** Names this hold; the tenant's next one has another. */
  readonly id: string;
  /** Times by the store's clock. Consumers are told of a parked one, mailbox by mailbox; of a waiting one nobody is. */
  readonly cause: Cause;
}

/** A hold that is to begin, or how one goes on after its canary. */
export interface HoldOrder {
  readonly code: FailureCode;
  readonly scope: FailureScope;
  readonly text: string;
  readonly state: Cause["state"];
  /** Failures in a row, this one included. */
  readonly tries: number;
  /** Until the next look. */
  readonly inMs: number;
  /** The same cause as before: its `since` stays. */
  readonly isSame: boolean;
}

/**
 * What the fleet knows of its tenants as wholes: how neighbours do, and who is held. Every method throws SyncError REDIS_UNAVAILABLE.
 * All of it may be sent again when an answer was lost.
 */
export interface Breakers {
  /**
   * The mailbox answered after its login. Ends the hold whose canary the lease is. Most calls only count: one report for a tenant in
   * `limits.openedReportMs`, others with it.
   * @param wasRefused it was in trouble before: reported in any case
   */
  opened(lease: Lease, wasRefused: boolean): Promise<void>;
  /**
   * Counts a refusal and tells how the neighbours do.
   * @param slows the tenant's logins become fewer: a login that is throttled, or that of a mailbox that opened before, refused for the first time
   */
  refused(mailbox: MailboxRef, kind: RefusalKind, slows: boolean): Promise<NeighbourView>;
  /**
   * Holds the tenant, or moves the hold whose canary the lease is. A hold that is there already gives way to one that parks, and to a
   * longer wait for the same reason. False when the lease is lost: nothing was written.
   */
  hold(lease: Lease, order: HoldOrder): Promise<boolean>;
  /** Ends the hold whose canary the lease is, because what it met is not what the tenant was held for. */
  release(lease: Lease): Promise<void>;
}

/** Tenants that are held, for who watches or tells. Every method throws SyncError REDIS_UNAVAILABLE. */
export interface HoldReader {
  /** By tenant. */
  held(): Promise<ReadonlyMap<string, TenantHold>>;
  /** Makes the look at a held tenant due now, once for each credential. False where it was tried already or nothing is held. */
  tryCredential(tenant: string, credential: string): Promise<boolean>;
}
