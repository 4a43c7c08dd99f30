import type { FaultName } from "../faults/catalogue.ts";
import type { MailProtocol } from "../faults/fault-spec.ts";
import type { Mailbox } from "../store/mail-store.ts";
import { type BudgetPlace, Spending } from "./server-budget.ts";
import type { MailServices } from "./services.ts";
import { throttleAt, type Throttling } from "./throttled.ts";
import { readXoauth2 } from "./xoauth2.ts";

/** Why somebody is not let in whose token may be good. Each protocol has its own words for it (field guide 2.2). */
export type LoginRefusal =
  | "auth-no"
  | "auth-no-hint"
  | "auth-no-not-connected"
  | "auth-unavailable"
  | "auth-echo"
  | "auth-challenge"
  | "too-many"
  | "disabled";

/** What the mail service makes of a login. */
export type LoginVerdict =
  | {
      readonly kind: "welcome";
      /** Undefined: the front end says OK, and the mailbox behind it does not let anybody in (field guide 2.2). */
      readonly mailbox: Mailbox | undefined;
      readonly place: BudgetPlace;
      readonly expiresAt: number;
    }
  | { readonly kind: "throttled"; readonly throttling: Throttling }
  | { readonly kind: "refused"; readonly why: LoginRefusal };

/** As Exchange shows the machine that refused. */
export const authHint = '[Error="AuthFailed:LogonDenied-None-OAuthLog:AuthExc_Auth Failed" Proxy=MB1P000CA0001.SANDBOX.EXAMPLE:1993:SSL]';

const roles: Readonly<Record<MailProtocol, string>> = { imap: "IMAP.AccessAsApp", pop3: "POP.AccessAsApp" };
const simpleRefusals = ["auth-no", "auth-no-hint", "auth-no-not-connected", "auth-unavailable"] as const;
const failed: LoginVerdict = { kind: "refused", why: "auth-no" };

/** @param blob the answer to XOAUTH2 as it came */
export async function judgeLogin(services: MailServices, blob: string): Promise<LoginVerdict> {
  const credentials = readXoauth2(blob);
  if (!credentials) return failed;
  const { store, verifyToken, aliasOf, protocol } = services;
  const verified = await verifyToken(credentials.token);
  if (!verified?.roles.includes(roles[protocol])) return failed;
  const mailbox = credentials.user.toLowerCase();
  const tenant = aliasOf(verified.tenantId);
  if (tenant === undefined || (store.tenantOf(mailbox) ?? tenant) !== tenant) return failed;
  const place = { tenant, mailbox, protocol };
  const judged = await judgeMailbox(services, place);
  if (typeof judged !== "boolean") return judged;
  // An address that Exchange does not host looks the same as a mailbox without permission (field guide 2.2).
  return { kind: "welcome", mailbox: judged ? store.take(mailbox) : undefined, place, expiresAt: verified.expiresAt };
}

/** False: let in to be told that he is not connected. */
async function judgeMailbox(services: MailServices, place: BudgetPlace): Promise<boolean | Exclude<LoginVerdict, { kind: "welcome" }>> {
  const { faults, budgets, counts, sleep, protocol } = services;
  const tally = counts.of(place.mailbox);
  const slow = faults.strike("login-slow", place);
  if (slow) await sleep(slow.number("ms"));
  const throttling = throttleAt(faults, place, "login", tally);
  if (throttling) return { kind: "throttled", throttling };
  const isOff = faults.holds("protocol-disabled", place) !== undefined;
  const why = (isOff && protocol === "pop3" ? "disabled" : undefined) ?? ordered(services, place);
  const cap = why === undefined ? overTheCap(services, place) : undefined;
  const refusal = why ?? (cap === "not-connected" ? undefined : cap);
  if (refusal !== undefined) return { kind: "refused", why: refusal };
  const admitted = await budgets.admit(place, "AUTHENTICATE", tally);
  if (admitted instanceof Spending) await admitted.pass();
  else if (admitted) return { kind: "throttled", throttling: admitted };
  counts.countLogin(place, Date.now());
  return cap === undefined && !isOff && !faults.strike("auth-not-connected", place);
}

function ordered({ faults }: MailServices, place: BudgetPlace): LoginRefusal | undefined {
  const names = [...simpleRefusals, "auth-echo", "auth-challenge"] as const satisfies readonly FaultName[];
  return names.find((name) => faults.strike(name, place));
}

/** Undefined where there is room. */
function overTheCap({ faults, counts }: MailServices, place: BudgetPlace): LoginRefusal | "not-connected" | undefined {
  const isOver = (count: number, per: string): boolean =>
    (per === "tenant" ? counts.ofTenant(place.tenant) : counts.of(place.mailbox)).sessions >= count;
  const cap = faults.strike("connection-cap", place, (fault) => isOver(fault.number("count"), fault.word("per")));
  switch (cap?.word("form")) {
    case undefined:
      return undefined;
    case "not-connected":
      return "not-connected";
    case "no-not-connected":
      return "auth-no-not-connected";
    case "too-many":
      return "too-many";
    default:
      return "auth-no";
  }
}

/** What a challenge in place of a refusal says, in base64: as Google has it (RFC 7628 section 3.2.3 has the same for OAUTHBEARER). */
export function challengeText(protocol: MailProtocol): string {
  const scope = `https://outlook.office365.com/${protocol === "imap" ? "IMAP" : "POP"}.AccessAsUser.All`;
  return Buffer.from(JSON.stringify({ status: "401", schemes: "bearer", scope })).toString("base64");
}

/** How the order `basic-blocked` says that a password is refused; undefined: in the server's usual words. */
export function basicRefusal({ faults, store }: MailServices, user: string | undefined): "disabled" | "blocked" | undefined {
  const mailbox = user?.toLowerCase();
  const tenant = mailbox === undefined ? undefined : store.tenantOf(mailbox);
  const place = { ...(mailbox !== undefined && { mailbox }), ...(tenant !== undefined && { tenant }) };
  const form = faults.strike("basic-blocked", place)?.word("form");
  return form === "disabled" || form === "blocked" ? form : undefined;
}
