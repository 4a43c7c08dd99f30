import type { MailboxRef } from "./ids.ts";
import type { FailureCode } from "./failure-code.ts";

/**
 * What one worker learned and all have to know at once: a server or tenant wants quiet, or no longer. A signal is advice that comes
 * early; what holds is what Redis says, and is found there by whoever missed it.
 */
export interface FleetSignals {
  /**
   * Listens for a session that begins now. Its signal aborts when quiet is asked for the mailbox or its tenant: a SyncError INTERRUPTED,
   * whose hint is the wait.
   */
  watch(mailbox: MailboxRef, options?: WatchOptions): SignalWatch;
  /** How long nothing is to be begun for the mailbox, ms, as far as was heard; 0 where it may. */
  waitMs(mailbox: MailboxRef): number;
  /** Tells all workers, this one included, that the mailbox's server wants quiet for so long; nobody takes the mailbox before. Never throws. */
  announce(mailbox: MailboxRef, waitMs: number, code: FailureCode): void;
}

export interface WatchOptions {
  /** The session is to find out whether its tenant still has to wait. */
  readonly isCanary?: boolean;
}

export interface SignalWatch {
  readonly signal: AbortSignal;
  stop(): void;
}

/** As it goes through `keys.signals`. */
export interface FleetSignal {
  /** `hold`: a breaker; `hint`: the server's own wait; `release`: a hold ended. */
  readonly kind: "hold" | "hint" | "release";
  readonly tenant: string;
  /** A mailbox id; undefined for the whole tenant. */
  readonly mailbox: string | undefined;
  /** Epoch ms by Redis' clock. */
  readonly untilMs: number;
  readonly code: string;
}

/** Undefined for what is no signal: another version's, or anybody's who may publish. */
export function readSignal(text: string): FleetSignal | undefined {
  const given = parse(text);
  if (typeof given !== "object" || given === null) return undefined;
  const { kind, tenant, mailbox, untilMs, code } = given as Record<string, unknown>;
  if (kind !== "hold" && kind !== "hint" && kind !== "release") return undefined;
  if (typeof tenant !== "string" || (mailbox !== undefined && typeof mailbox !== "string")) return undefined;
  if (typeof untilMs !== "number" || !Number.isFinite(untilMs)) return undefined;
  return { kind, tenant, mailbox, untilMs, code: typeof code === "string" ? code.slice(0, 60) : "" };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
