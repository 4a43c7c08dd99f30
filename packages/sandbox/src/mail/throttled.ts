import type { FaultBook } from "../faults/fault-book.ts";
import type { ActiveFault, FaultTarget } from "../faults/fault-spec.ts";
import type { MailboxTally } from "./mailbox-counters.ts";

/** A refusal with a wait hint: the order (`throttle` or `budget`), and for how long. Each protocol has its own form for it. */
export interface Throttling {
  readonly order: ActiveFault;
  readonly waitMs: number;
}

/** The refusal of `throttle`, where it strikes at this place and occasion. */
export function throttleAt(
  faults: Pick<FaultBook, "strike" | "holds">,
  place: FaultTarget,
  at: "login" | "command",
  tally: MailboxTally,
): Throttling | undefined {
  const held = faults.holds("throttle", place)?.word("at");
  if (held === undefined || (held !== "both" && held !== at)) return undefined;
  const order = faults.strike("throttle", place);
  if (!order) return undefined;
  tally.refused++;
  const left = order.flag("countsDown") ? order.until - Date.now() : Number.POSITIVE_INFINITY;
  return { order, waitMs: Number.isFinite(left) ? left : order.number("hintMs") };
}

/** Exchange's words for it. Times are floats: what is over a whole number by less than a microsecond is that number. */
export function throttleText({ waitMs }: Throttling): string {
  return `Request is throttled. Suggested Backoff Time: ${String(Math.ceil(Number(waitMs.toFixed(3))))} milliseconds`;
}
