import type { FailureCode } from "../failure-code.ts";
import type { LoginTry, Observations } from "./observations.ts";

/**
 * What is made of a refusal after the comparisons (exchange-online 2.3). The same words mean a missing registration, a missing grant,
 * a switched off protocol, too many sessions or an outage; only who else is refused tells them apart.
 * `readAt`: the fleet read a mailbox of the tenant then, within a day, so what is missing now was there.
 */
export type RefusalJudgement =
  /** Other tenants are refused in the same way. */
  | { readonly kind: "incident"; readonly isSure: boolean }
  /** Every mailbox tried is refused at login. `isTold`: by IMAP, which tells it from a missing grant. */
  | { readonly kind: "app unknown"; readonly isCompared: boolean; readonly isTold: boolean; readonly readAt?: number }
  /** Logins are taken everywhere and no mailbox opens: granted to nobody, or to the wrong object. */
  | { readonly kind: "nothing granted"; readonly isCompared: boolean; readonly readAt?: number }
  /** Neighbours open. */
  | { readonly kind: "this mailbox"; readonly workedLately: boolean };

const day = 24 * 3_600_000;

/** The refusals that say little by themselves. */
export function isAmbiguous(code: FailureCode): boolean {
  return code === "TOKEN_REJECTED" || code === "MAILBOX_ACCESS_DENIED" || code === "EXCHANGE_PRINCIPAL_UNKNOWN";
}

/** Trouble at the server rather than a refusal of this app. */
export function isServerTrouble(code: FailureCode): boolean {
  return code === "SERVER_UNAVAILABLE" || code === "SESSION_CLOSED" || code === "CONNECT_TIMEOUT" || code === "CONNECT_REFUSED";
}

/** Where it helps to know how others do before it is judged. */
export function needsControls(code: FailureCode): boolean {
  return (
    isAmbiguous(code) || isServerTrouble(code) || code === "SESSION_EXPIRED" || code === "PROTOCOL_VIOLATION" || code === "UNCLASSIFIED"
  );
}

/** For what happened at the mailbox, the neighbours and other tenants. Total. */
export function judgeRefusal(seen: Observations, code: FailureCode, now: number): RefusalJudgement {
  const { neighbours, others } = seen.controls ?? { neighbours: [], others: [] };
  if (neighbours.some(isOpen)) return { kind: "this mailbox", workedLately: workedLately(seen, now) };
  const shut = neighbours.filter(({ refusal }) => refusal !== undefined && isAmbiguous(refusal.code));
  const isTenantShut = shut.length === neighbours.length;
  const strangers = others.filter(({ refusal }) => refusal !== undefined && (isAmbiguous(refusal.code) || isServerTrouble(refusal.code)));
  // A second tenant that was always misconfigured looks the same, so only a tenant that worked makes it likely.
  if (isTenantShut && strangers.length > 0 && strangers.length === others.length)
    return { kind: "incident", isSure: workedLately(seen, now) || tenantWorkedLately(seen, now) };
  const tries = [{ protocol: seen.subject.protocol, refusal: { code } }, ...(seen.other ? [seen.other] : []), ...shut];
  const byImap = tries.filter(({ protocol, refusal }) => protocol === "imap" && refusal !== undefined && isAmbiguous(refusal.code));
  const isTold = byImap.length > 0;
  // POP3 refuses a login with the same words whatever is missing; IMAP lets in where only the mailbox's permission is (exchange-online 2.2).
  const codes = (isTold ? byImap : tries).map(({ refusal }) => refusal?.code);
  const isCompared = neighbours.length > 0;
  const readAt = seen.redis?.kind === "ready" ? seen.redis.fleet.tenantCheckedAt : undefined;
  const read = readAt !== undefined && tenantWorkedLately(seen, now) ? { readAt } : {};
  return codes.some((one) => one === "TOKEN_REJECTED" || one === "EXCHANGE_PRINCIPAL_UNKNOWN")
    ? { kind: "app unknown", isCompared, isTold, ...read }
    : { kind: "nothing granted", isCompared, ...read };
}

/** The fleet read this mailbox within a day: a permission seldom goes by itself. */
export function workedLately(seen: Observations, now: number): boolean {
  const checkedAt = seen.redis?.kind === "ready" ? seen.redis.fleet.mailbox?.checkedAt : undefined;
  return checkedAt !== undefined && now - checkedAt < day;
}

function tenantWorkedLately(seen: Observations, now: number): boolean {
  const checkedAt = seen.redis?.kind === "ready" ? seen.redis.fleet.tenantCheckedAt : undefined;
  return checkedAt !== undefined && now - checkedAt < day;
}

export function isOpen({ refusal }: LoginTry): boolean {
  return refusal === undefined;
}

/** Mailboxes tried in the tenant, this one included, and those of them that were refused. */
export function countTries(seen: Observations): { readonly tried: number; readonly refused: number } {
  const neighbours = seen.controls?.neighbours ?? [];
  return { tried: neighbours.length + 1, refused: neighbours.filter((one) => !isOpen(one)).length + 1 };
}
