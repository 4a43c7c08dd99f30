import type { MailboxFacts, StateQuestion } from "./states.ts";

/**
 * Epoch ms from which on `stateOf` says something else of the same facts; Infinity where only news can change it. So whoever keeps the
 * facts of many mailboxes need not look at all of them each second.
 */
export function stateEndsAt(facts: MailboxFacts, { now, freshWithinMs }: Pick<StateQuestion, "now" | "freshWithinMs">): number {
  const { cause, checkedAt, parkedBy } = facts;
  if (parkedBy !== undefined || cause?.state === "parked") return Number.POSITIVE_INFINITY;
  const promised = cause === undefined ? checkedAt : cause.nextAt;
  const endsAt = promised === undefined ? Number.POSITIVE_INFINITY : promised + freshWithinMs + 1;
  return endsAt > now ? endsAt : Number.POSITIVE_INFINITY;
}
