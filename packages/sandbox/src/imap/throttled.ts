import type { FaultBook } from "../faults/fault-book.ts";
import type { ActiveFault, FaultTarget } from "../faults/fault-spec.ts";
import type { Reply } from "./command-table.ts";
import type { MailboxTally } from "./mailbox-counters.ts";

/** The refusal of `throttle`, where it strikes at this place and occasion. */
export function throttleAt(
  faults: Pick<FaultBook, "strike" | "holds">,
  place: FaultTarget,
  at: "login" | "command",
  tally: MailboxTally,
): Reply | undefined {
  const held = faults.holds("throttle", place)?.word("at");
  if (held === undefined || (held !== "both" && held !== at)) return undefined;
  const order = faults.strike("throttle", place);
  if (!order) return undefined;
  tally.refused++;
  const left = order.flag("countsDown") ? order.until - Date.now() : Number.POSITIVE_INFINITY;
  return throttled(order, Number.isFinite(left) ? left : order.number("hintMs"));
}

/** Exchange's refusal with a wait hint, in the words and the form of the order (`throttle` or `budget`). */
export function throttled(order: ActiveFault, waitMs: number): Reply {
  return {
    kind: order.word("answer") === "BAD" ? "bad" : "no",
    text: `Request is throttled. Suggested Backoff Time: ${String(Math.ceil(waitMs))} milliseconds`,
    ...(order.flag("bye") && { bye: "Connection closed. 14" }),
  };
}
