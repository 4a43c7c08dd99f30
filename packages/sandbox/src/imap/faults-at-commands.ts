import type { Reply } from "./command-table.ts";
import type { Command } from "./parse-command.ts";
import { Spending } from "./server-budget.ts";
import type { Session } from "./session.ts";
import { throttleAt } from "./throttled.ts";

/** Decides, once somebody is logged in, whether a command is carried out; if so, what it spends from. */
export async function admitCommand(session: Session, command: Command): Promise<Reply | Spending | undefined> {
  if (command.verb === "LOGOUT") return undefined;
  const { services, place } = session;
  if (!place) return undefined;
  const { tally } = session;
  const admitted = throttleAt(services.faults, place, "command", tally) ?? (await services.budgets.admit(place, command.verb, tally));
  if (admitted === undefined || admitted instanceof Spending) tally.accepted++;
  return admitted;
}
