import type { FailureCode } from "./failure-code.ts";
import type { Failure } from "./failure.ts";
import { limits } from "./limits.ts";
import type { NeighbourView, RefusalKind } from "./neighbours.ts";
import { decideRetry } from "./retry-policy.ts";
import { taxonomy } from "./taxonomy.ts";
import type { HoldOrder, TenantHold } from "./tenant-hold.ts";

export interface JudgeQuestion {
  readonly failure: Failure;
  /** Absent where the failure is of no kind that neighbours tell anything about. */
  readonly view?: NeighbourView;
  /** The hold whose canary met the failure. */
  readonly hold?: TenantHold;
  /** Epoch ms by the clock of the hold. */
  readonly now: number;
  /** 0 <= x < 1. */
  readonly random: number;
}

export type Verdict =
  /** It is this mailbox's own; a hold whose canary it was has ended. */
  | { readonly kind: "mailbox" }
  /** It is the tenant's, or everybody's: none of its mailboxes is to blame. */
  | { readonly kind: "tenant"; readonly order: HoldOrder }
  /** Of a canary: it says nothing about what the tenant is held for. */
  | { readonly kind: "unclear" };

/** In what way a failure is a refusal; undefined for what says nothing about neighbours. @param isOpened the session was open by then */
export function refusalKind({ code, facts }: Failure, isOpened: boolean): RefusalKind | undefined {
  if (code === "SERVER_THROTTLED") return "throttle";
  if (isOpened) return undefined;
  switch (code) {
    case "TOKEN_REJECTED":
    case "LOGIN_METHOD_REFUSED":
      return "login";
    case "MAILBOX_ACCESS_DENIED":
      return "access";
    case "SERVER_UNAVAILABLE":
    case "CONNECT_TIMEOUT":
    case "CONNECT_REFUSED":
    case "DNS":
      return facts.layer === "entra" ? undefined : "reach";
    default:
      return undefined;
  }
}

/**
 * What a failure means for more than its mailbox. The same refusal has many reasons on Exchange: no permission, a protocol
 * that is switched off, too many sessions, an outage; how the neighbours do is what tells them apart. Pure and total.
 */
export function judge(question: JudgeQuestion): Verdict {
  const { failure, hold } = question;
  const found = blame(question);
  if (found) return { kind: "tenant", order: orderOf(question, found) };
  if (!hold) return { kind: "mailbox" };
  if (isAnswered(hold, failure)) return { kind: "mailbox" };
  return isSilent(failure) ? { kind: "unclear" } : { kind: "tenant", order: moved(question, hold) };
}

/**
 * A tenant that worked before is held for refused logins: three wrong addresses among a few mailboxes that are polled seldom look the
 * same, so another mailbox is looked at soon. Only where it is refused as well does the policy decide.
 */
const controlLookMs = 20_000;
/** Looks at a tenant that worked before until it is called parked: the first, one after 5 min, and without another tenant that opens 15, 30, 60. */
const patience = 2;
const patienceAlone = 5;
/** Not seldom, since what it is parked for may be over; not often, since it costs a login. */
const leastLookMs = 60_000;

/** A tenant goes on within a minute of the end of an outage (F22), for which the token's own pause is up to a minute. */
const tokenLookMs = 10_000;

interface Blame {
  readonly code: FailureCode;
  readonly text: string;
  readonly state: "parked" | "waiting";
}

function blame(question: JudgeQuestion): Blame | undefined {
  const { failure, view } = question;
  const { code, facts } = failure;
  const text = facts.text ?? failure.message;
  if (code === "LOGIN_METHOD_REFUSED") return view && view.openedLately > 0 ? undefined : { code, text, state: "parked" };
  if (taxonomy[code].scope === "tenant") return { code, text, state: taxonomy[code].disposition === "park" ? "parked" : "waiting" };
  // A token service that answers nothing that has a name: for the whole tenant, as its token is.
  if (facts.layer === "entra" && code === "UNCLASSIFIED") return { code, text, state: "waiting" };
  if (!view) return undefined;
  if (code === "SERVER_THROTTLED") return isTenantThrottled(view) ? { code, text, state: "waiting" } : undefined;
  return blameForRefusals(question, view, text);
}

function isTenantThrottled({ refused, openedLately }: NeighbourView): boolean {
  return refused.throttle >= limits.tenantThrottledMailboxes && refused.throttle >= openedLately;
}

function blameForRefusals({ failure, hold }: JudgeQuestion, view: NeighbourView, text: string): Blame | undefined {
  const kind = refusalKind(failure, false);
  if (kind === undefined || !isDown(view, kind)) return undefined;
  if (isIncident(view)) return { code: "SERVICE_INCIDENT", text, state: "waiting" };
  // Where a login was accepted, Exchange knows the app.
  if (kind !== "login" || view.refused.access > 0) return undefined;
  const code = "EXCHANGE_PRINCIPAL_UNKNOWN";
  if (hold?.cause.state === "parked") return { code, text, state: "parked" };
  const tries = hold?.cause.code === code ? hold.cause.tries : 0;
  if (view.openedAgoMs === undefined) return { code, text, state: "parked" };
  // It worked before, so it may be Microsoft. Others that open say it is not; without others only time does (rows 18 and 23).
  const isAlone = view.others.open === 0;
  const said = isAlone ? `${text} (no other tenant to compare with: it may also be an outage)` : text;
  return { code, text: said, state: tries >= (isAlone ? patienceAlone : patience) ? "parked" : "waiting" };
}

/** All mailboxes of the tenant that were tried since one opened are refused. */
function isDown({ refused, mailboxes, refusedForMs }: NeighbourView, kind: RefusalKind): boolean {
  const count = kind === "reach" ? refused.reach : refused.login + refused.access;
  if (mailboxes < limits.tenantDownMailboxes) return count >= Math.max(1, mailboxes) && refusedForMs >= limits.smallTenantDownAfterMs;
  return count >= limits.tenantDownMailboxes && refusedForMs >= limits.tenantDownAfterMs;
}

/** Several tenants that had opened before went down together, this one among them. */
function isIncident({ openedAgoMs, others }: NeighbourView): boolean {
  if (openedAgoMs === undefined || others.down < 1) return false;
  const down = others.down + 1;
  return down >= limits.incidentTenants || down * 2 >= others.active + 1;
}

/** A tenant that is parked stays so while something else stands before it: consumers are told of one parking, not of two. */
function orderOf(question: JudgeQuestion, found: Blame): HoldOrder {
  const { hold, failure, now, random } = question;
  if (hold?.cause.state === "parked" && found.state === "waiting") return moved(question, hold);
  const isSame = hold?.cause.code === found.code;
  const tries = isSame ? hold.cause.tries + 1 : 1;
  const since = isSame ? hold.cause.since : now;
  const { code, text, state } = found;
  const isControlled = code === "EXCHANGE_PRINCIPAL_UNKNOWN" && state === "waiting";
  if (isControlled && tries === 1) return { code, scope: taxonomy[code].scope, text, state, tries, inMs: controlLookMs, isSame };
  const decision = decideRetry({ code, facts: failure.facts, tries: isControlled ? tries - 1 : tries, since, now, opened: true, random });
  // Who asks the token service, and when, is agreed on with the token: a look in between costs no request.
  const inMs = code === "ENTRA_UNAVAILABLE" ? Math.min(decision.inMs, tokenLookMs) : decision.inMs;
  return { code, scope: taxonomy[code].scope, text, state, tries, inMs, isSame };
}

/** The hold stays what it is; what the canary met says when to look again. */
function moved({ failure, now, random }: JudgeQuestion, { cause }: TenantHold): HoldOrder {
  const { code, scope, text, state, tries, since } = cause;
  const decision = decideRetry({ code: failure.code, facts: failure.facts, tries: tries + 1, since, now, opened: true, random });
  const inMs = Math.max(decision.inMs, leastLookMs);
  return { code, scope, text, state, tries, inMs, isSame: true };
}

/** The failure shows that what the tenant is held for is over. */
function isAnswered({ cause }: TenantHold, failure: Failure): boolean {
  if (isSilent(failure) || (failure.facts.layer === "entra" && failure.code !== "TOKEN_REJECTED")) return false;
  const kind = refusalKind(failure, false);
  switch (cause.code) {
    case "EXCHANGE_PRINCIPAL_UNKNOWN":
    case "LOGIN_METHOD_REFUSED":
      return kind === "access";
    case "SERVICE_INCIDENT":
      // Others of the tenant open, or no other tenant is down any more.
      return kind !== undefined;
    case "SERVER_THROTTLED":
      return kind !== undefined && kind !== "throttle";
    default:
      // A token was had, whatever the mail server says to it.
      return true;
  }
}

/** It ended on our side, and would have with any server. */
function isSilent({ code, facts }: Failure): boolean {
  if (code === "INVARIANT" || code === "INTERRUPTED" || taxonomy[code].scope === "process") return true;
  return facts.layer === "engine" || facts.layer === "redis" || facts.layer === "blobs" || facts.layer === "mime";
}
