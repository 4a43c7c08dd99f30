import type { FaultName } from "../faults/catalogue.ts";
import type { Reply } from "./command-table.ts";
import { no, ok, unavailable } from "./command-table.ts";
import { type BudgetPlace, Spending } from "./server-budget.ts";
import type { Session } from "./session.ts";
import { throttleAt } from "./throttled.ts";

/** What the mail service makes of somebody whose token is good. */
export interface LoginVerdict {
  readonly reply: Reply;
  /** False: the front end says OK, and the mailbox behind it does not let anybody in (field guide 2.2). */
  readonly isConnected: boolean;
}

export const loginFailed = no("AUTHENTICATE failed.");
const notConnected = no("User is authenticated but not connected.");
const hint = '[Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]';
const basicHint = '[Error="AuthFailed:LogonDenied-BasicAuthBlocked" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]';

const refusals: readonly (readonly [FaultName, Reply])[] = [
  ["auth-no", loginFailed],
  ["auth-no-hint", no(`AUTHENTICATE failed. ${hint}`)],
  ["auth-no-not-connected", notConnected],
  ["auth-unavailable", unavailable],
];

/** @param blob the SASL answer as it came */
export async function judgeLogin(session: Session, place: BudgetPlace, blob: string): Promise<LoginVerdict> {
  const { faults, budgets, counts, sleep } = session.services;
  const tally = counts.of(place.mailbox);
  const slow = faults.strike("login-slow", place);
  if (slow) await sleep(slow.number("ms"));
  const reply =
    throttleAt(faults, place, "login", tally) ??
    refusals.find(([name]) => faults.strike(name, place))?.[1] ??
    (faults.strike("auth-echo", place) ? no(`AUTHENTICATE failed. ${blob}`) : undefined) ??
    (faults.strike("auth-challenge", place) ? await challenge(session) : undefined) ??
    overTheCap(session, place);
  if (reply && reply.kind !== "ok") return { reply, isConnected: false };
  const admitted = await budgets.admit(place, "AUTHENTICATE", tally);
  if (admitted instanceof Spending) await admitted.pass();
  else if (admitted) return { reply: admitted, isConnected: false };
  counts.countLogin(place, Date.now());
  return { reply: reply ?? completed, isConnected: reply === undefined && !faults.strike("auth-not-connected", place) };
}

const completed = ok("AUTHENTICATE completed.");

/** Undefined where there is room; OK where one is let in to be told that he is not connected. */
function overTheCap({ services }: Session, place: BudgetPlace): Reply | undefined {
  const isOver = (count: number, per: string): boolean =>
    (per === "tenant" ? services.counts.ofTenant(place.tenant) : services.counts.of(place.mailbox)).sessions >= count;
  const cap = services.faults.strike("connection-cap", place, (fault) => isOver(fault.number("count"), fault.word("per")));
  switch (cap?.word("form")) {
    case undefined:
      return undefined;
    case "not-connected":
      return completed;
    case "no-not-connected":
      return notConnected;
    case "too-many":
      return no("Too many simultaneous connections.");
    default:
      return loginFailed;
  }
}

/** As Google does it (RFC 7628 section 3.2.3 has the same for OAUTHBEARER): the reason first, the refusal when the client has read it. */
async function challenge(session: Session): Promise<Reply> {
  const reason = { status: "401", schemes: "bearer", scope: "https://outlook.office365.com/IMAP.AccessAsUser.All" };
  session.writer.line(`+ ${Buffer.from(JSON.stringify(reason)).toString("base64")}`);
  const line = await session.readLine();
  return line === undefined || line === "" || line === "*" ? loginFailed : { kind: "bad", text: "Command Error. 12" };
}

/** LOGIN and AUTHENTICATE PLAIN: basic authentication is gone for good. */
export function refuseBasic({ services }: Session, verb: "LOGIN" | "AUTHENTICATE", user: string | undefined): Reply {
  const mailbox = user?.toLowerCase();
  const tenant = mailbox === undefined ? undefined : services.store.tenantOf(mailbox);
  const form = services.faults
    .strike("basic-blocked", { ...(mailbox !== undefined && { mailbox }), ...(tenant !== undefined && { tenant }) })
    ?.word("form");
  if (form === "disabled") return no("Basic authentication is disabled.");
  return no(form === "blocked" ? `${verb} failed. ${basicHint}` : `${verb} failed.`);
}
