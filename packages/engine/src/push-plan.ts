import { decideRetry, type Failure, limits, type PushFacts, pushShare } from "@mailfleet/core";

export interface RoundQuestion extends PushFacts {
  /** This worker's, in connections. */
  readonly budget: number;
  /** Mailboxes that this worker holds. */
  readonly held: number;
  /** Of those, the ones without a session. */
  readonly unconnected: number;
}

export interface RoundPlan {
  readonly claim: number;
  readonly release: number;
}

/**
 * What a worker takes or gives in one round. It takes no more than it can connect soon, so that workers that start together share what
 * there is; it gives what is above its share only as fast as the others take it, so that no mailbox waits long between two workers.
 */
export function planRound({ chosen, free, budgets, budget, held, unconnected }: RoundQuestion): RoundPlan {
  const share = pushShare(chosen, budgets, budget);
  if (held > share) return { claim: 0, release: Math.max(0, Math.min(held - share, limits.pushConnecting - free)) };
  return { claim: Math.max(0, Math.min(share - held, limits.pushConnecting - unconnected, free)), release: 0 };
}

/** What follows on the end of a session. */
export type PushStep =
  | { readonly kind: "reconnect"; readonly inMs: number; readonly tries: number }
  /** Nobody tries before `afterMs`. */
  | { readonly kind: "give-back"; readonly afterMs: number; readonly tries: number };

export interface EndQuestion {
  readonly failure: Failure;
  /** Failures in a row before this one. */
  readonly tries: number;
  /** How long the session idled, ms; undefined when it never came to that. */
  readonly idledMs: number | undefined;
  /** The token that the session was opened with is at its end: that is what the session was to last. */
  readonly isTokenOver: boolean;
  /** Epoch ms. */
  readonly now: number;
  readonly random: number;
}

/**
 * The same waits as for a session that reads, and nothing more: push never writes a cause, because the poll sees the same trouble with
 * a better view of it. Ten to 25 ends a day are normal for an IDLE on Exchange.
 */
export function afterEnd({ failure, tries, idledMs, isTokenOver, now, random }: EndQuestion): PushStep {
  const worked = idledMs !== undefined && (isTokenOver || idledMs >= limits.pushHealthyMs);
  const row = worked ? 1 : tries + 1;
  const { inMs } = decideRetry({ code: failure.code, facts: failure.facts, tries: row, since: now, now, opened: true, random });
  return inMs > limits.pushKeepMs ? { kind: "give-back", afterMs: inMs, tries: row } : { kind: "reconnect", inMs, tries: row };
}

/** How long one IDLE lasts. */
export function turnMs(random: number): number {
  return limits.pushTurnMs * (1 + random / 4);
}

/** A login service gives a new token for one with less left (`usableMarginMs` of entra). */
const renewedFromMs = 5 * 60_000;
const lastMinuteMs = 60_000;

/**
 * When a session is replaced, before its token ends and takes all sessions of the tenant with it: ms from now, in the last five minutes
 * but one, each at another moment. Undefined for a token that is too short for that; the server ends such a session.
 */
export function replaceInMs(tokenExpiresAt: number, now: number, random: number): number | undefined {
  const left = tokenExpiresAt - now;
  if (left <= renewedFromMs + lastMinuteMs) return undefined;
  return left - lastMinuteMs - (renewedFromMs - lastMinuteMs) * random;
}

/** An IDLE that tells of news within this time tells of what came in the pause before it. */
const atOnceMs = 250;

/**
 * The pause after a poke, in which everything that moves is one. It doubles while something moves in every pause, because each poke
 * costs a login.
 * @param beforeMs the pause before, 0 for none
 * @param quietMs how long nothing moved between its end and now
 */
export function pauseMs(beforeMs: number, quietMs: number): number {
  if (beforeMs === 0 || quietMs > atOnceMs) return limits.pushPauseMs;
  return Math.min(beforeMs * 2, limits.pushPauseMaxMs);
}
