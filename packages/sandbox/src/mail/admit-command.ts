import type { ActiveFault } from "../faults/fault-spec.ts";
import type { Occupancy } from "./occupancy.ts";
import { Spending } from "./server-budget.ts";
import type { MailServices } from "./services.ts";
import { throttleAt, type Throttling } from "./throttled.ts";

/** What of a session decides on its next command. */
export interface AdmittingSession {
  readonly services: MailServices;
  readonly occupancy: Occupancy;
  keepWhileIdle(ms?: number): void;
  invalidate(reason: string, lingers?: boolean): void;
  fallSilent(): Promise<void>;
}

/** Each protocol has its own words for these. */
export type CommandRefusal =
  | { readonly kind: "throttled"; readonly throttling: Throttling }
  | { readonly kind: "unavailable" | "refused"; readonly order: ActiveFault };

/** Decides, once somebody is logged in, whether a command is carried out; if so, what it spends from. `over`: there is nothing to answer. */
export async function admitCommand(
  session: AdmittingSession,
  verb: string,
  folder: string | undefined,
): Promise<CommandRefusal | Spending | "over" | undefined> {
  const { services, occupancy } = session;
  if (!occupancy.place) return undefined;
  const place = { ...occupancy.place, ...(folder !== undefined && { folder }) };
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
  const { tally } = occupancy;
  const slow = faults.strike("slow", place, isMeant);
  if (slow) await sleep(slow.number("ms"));
  const throttling = throttleAt(faults, place, "command", tally);
  if (throttling) return { kind: "throttled", throttling };
  const down = faults.strike("server-unavailable", place, isMeant);
  if (down) return { kind: "unavailable", order: down };
  const refused = faults.strike("command-refused", place, isMeant);
  if (refused) return { kind: "refused", order: refused };
  const admitted = await budgets.admit(place, verb, tally);
  if (admitted !== undefined && !(admitted instanceof Spending)) return { kind: "throttled", throttling: admitted };
  tally.accepted++;
  return admitted;
}

function isVerb(ordered: string, verb: string): boolean {
  const wanted = ordered.trim().toUpperCase();
  return wanted === "" || wanted === verb || `UID ${wanted}` === verb;
}
