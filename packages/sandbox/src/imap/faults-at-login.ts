import type { Reply } from "./command-table.ts";
import { ok } from "./command-table.ts";
import { type BudgetPlace, Spending } from "./server-budget.ts";
import type { Session } from "./session.ts";
import { throttleAt } from "./throttled.ts";

/** What the mail service makes of somebody whose token is good. */
export interface LoginVerdict {
  readonly reply: Reply;
  /** False: the front end says OK, and the mailbox behind it does not let anybody in (field guide 2.2). */
  readonly isConnected: boolean;
}

export async function judgeLogin(session: Session, place: BudgetPlace): Promise<LoginVerdict> {
  const { faults, budgets, counts } = session.services;
  const tally = counts.of(place.mailbox);
  const refuse = (reply: Reply): LoginVerdict => ({ reply, isConnected: false });
  const refusal = throttleAt(faults, place, "login", tally);
  if (refusal) return refuse(refusal);
  const admitted = await budgets.admit(place, "AUTHENTICATE", tally);
  if (admitted instanceof Spending) await admitted.pass();
  else if (admitted) return refuse(admitted);
  tally.accepted++;
  tally.logins++;
  return { reply: ok("AUTHENTICATE completed."), isConnected: !faults.strike("auth-not-connected", place) };
}
