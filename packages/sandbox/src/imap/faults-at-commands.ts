import type { ActiveFault, FaultTarget } from "../faults/fault-spec.ts";
import type { Reply } from "./command-table.ts";
import { unavailable } from "./command-table.ts";
import type { Command } from "./parse-command.ts";
import { Spending } from "./server-budget.ts";
import type { Session } from "./session.ts";
import { throttleAt } from "./throttled.ts";

/** Decides, once somebody is logged in, whether a command is carried out; if so, what it spends from. `over`: there is nothing to answer. */
export async function admitCommand(session: Session, { verb }: Command): Promise<Reply | Spending | "over" | undefined> {
  const { services, place } = session;
  if (verb === "LOGOUT" || !place) return undefined;
  const { faults, budgets, sleep } = services;
  session.keepWhileIdle(faults.holds("idle-timeout", place)?.number("ms"));
  const isMeant = (fault: ActiveFault): boolean => isVerb(fault.word("verb"), verb);
  const expiry = faults.strike("token-expiry", place, (fault) => ["any", "between"].includes(fault.word("at")) && isMeant(fault));
  if (expiry) {
    session.invalidate(expiry.word("reason"), expiry.flag("lingers"));
    return "over";
  }
  const invalidated = faults.strike("session-invalidated", place);
  if (invalidated) {
    session.invalidate(invalidated.word("reason"));
    return "over";
  }
  if (faults.strike("silence", place, (fault) => fault.word("where") === "command" && isMeant(fault))) {
    await session.fallSilent();
    return "over";
  }
  const { tally } = session;
  const slow = faults.strike("slow", place, isMeant);
  if (slow) await sleep(slow.number("ms"));
  const refusal = throttleAt(faults, place, "command", tally) ?? refuseCommand(session, place, isMeant);
  if (refusal) return refusal;
  const admitted = await budgets.admit(place, verb, tally);
  if (admitted === undefined || admitted instanceof Spending) tally.accepted++;
  return admitted;
}

function refuseCommand({ services }: Session, place: FaultTarget, isMeant: (fault: ActiveFault) => boolean): Reply | undefined {
  const down = services.faults.strike("server-unavailable", place, isMeant);
  if (down) return unavailableAs(down);
  const refused = services.faults.strike("command-refused", place, isMeant);
  return refused && { kind: refused.word("answer") === "NO" ? "no" : "bad", text: refused.word("text") };
}

/** In the form of an order of `server-unavailable`. */
export function unavailableAs(order: ActiveFault): Reply {
  return {
    ...unavailable,
    ...(order.word("form") === "untagged" && { isBare: true }),
    ...(order.word("form") === "bye" && { bye: "Connection closed." }),
  };
}

function isVerb(ordered: string, verb: string): boolean {
  const wanted = ordered.trim().toUpperCase();
  return wanted === "" || wanted === verb || `UID ${wanted}` === verb;
}
