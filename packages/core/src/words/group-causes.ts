import type { Cause } from "../cause.ts";
import type { FailureCode } from "../failure-code.ts";
import { type CauseFacts } from "./causes.ts";

/** A mailbox that something stops. */
export interface StoppedMailbox {
  readonly tenant: string;
  readonly address: string;
  readonly cause: Cause;
}

/** One cause, whomever it hits: 2,000 mailboxes behind one expired secret are one of these. */
export interface CauseGroup extends CauseFacts {
  /** Short, and the same as long as the cause lasts and after it comes back: from code and tenant alone. */
  readonly id: string;
  /** `you`: a person must act, or it has lasted so long that a person should look. `self`: it ends by itself. */
  readonly owner: "you" | "self";
  /** Of `mailboxCount`. */
  readonly parkedCount: number;
  readonly waitingCount: number;
}

/** What waits longer than this is no longer left to itself: it moves up to what needs a person. */
const patienceMs = 6 * 3_600_000;

/** From this many tenants on, trouble with a server or the network is one cause and not one for each. */
const commonTenants = 3;

/** Codes that say more about a server, the network or this machine than about a tenant. */
const commonCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "CONNECT_TIMEOUT",
  "CONNECT_REFUSED",
  "DNS",
  "TLS_HANDSHAKE",
  "SERVER_UNAVAILABLE",
  "SESSION_CLOSED",
  "ENTRA_UNAVAILABLE",
  "BLOB_UNAVAILABLE",
]);

/** Codes that hit everybody at once, or several tenants by their meaning. */
const fleetCodes: ReadonlySet<FailureCode> = new Set<FailureCode>(["REDIS_UNAVAILABLE", "BLOB_STORE_FULL", "SERVICE_INCIDENT"]);

/** Causes, not rows: one group for each code and tenant; those that need a person first, the largest first among equals. */
export function groupCauses(stopped: Iterable<StoppedMailbox>, now: number): CauseGroup[] {
  const byCode = new Map<FailureCode, Map<string, StoppedMailbox[]>>();
  for (const mailbox of stopped) {
    const tenants = byCode.get(mailbox.cause.code) ?? new Map<string, StoppedMailbox[]>();
    byCode.set(mailbox.cause.code, tenants);
    const members = tenants.get(mailbox.tenant) ?? [];
    tenants.set(mailbox.tenant, members);
    members.push(mailbox);
  }
  const groups: CauseGroup[] = [];
  for (const [code, tenants] of byCode) {
    const isCommon = fleetCodes.has(code) || (commonCodes.has(code) && tenants.size >= commonTenants);
    if (isCommon) groups.push(groupOf(code, [...tenants.keys()], [...tenants.values()].flat(), now));
    else for (const [tenant, members] of tenants) groups.push(groupOf(code, [tenant], members, now));
  }
  groups.sort(inOrder);
  return withUniqueIds(groups);
}

function groupOf(code: FailureCode, tenants: readonly string[], members: readonly StoppedMailbox[], now: number): CauseGroup {
  const causes = members.map((member) => member.cause);
  const parkedCount = causes.filter((cause) => cause.state === "parked").length;
  const since = least(causes.map((cause) => cause.since));
  const latest = causes.reduce((a, b) => (b.tries > a.tries ? b : a));
  const [tenant] = tenants;
  return {
    id: hash(tenants.length === 1 ? `${code}\n${tenant}` : code),
    code,
    scope: latest.scope,
    state: parkedCount > 0 ? "parked" : "waiting",
    ...(tenants.length === 1 && tenant !== undefined ? { tenant } : { tenantCount: tenants.length }),
    mailboxes: members.map((member) => member.address).sort(),
    mailboxCount: members.length,
    since,
    // Members wait for different times; the group is over with the last, and moves with the first.
    nextAt: least(causes.map((cause) => cause.nextAt)),
    tries: latest.tries,
    text: latest.text,
    owner: parkedCount > 0 || now - since > patienceMs ? "you" : "self",
    parkedCount,
    waitingCount: members.length - parkedCount,
  };
}

/** Without spreading: a group may have tens of thousands of members. */
function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function inOrder(a: CauseGroup, b: CauseGroup): number {
  if (a.owner !== b.owner) return a.owner === "you" ? -1 : 1;
  return b.mailboxCount - a.mailboxCount || compare(a.code, b.code) || compare(a.tenant ?? "", b.tenant ?? "");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Four digits, more where two causes of today share them. */
function withUniqueIds(groups: readonly CauseGroup[]): CauseGroup[] {
  return groups.map((group) => {
    for (let length = 4; length < 8; length++) {
      const id = group.id.slice(0, length);
      if (groups.every((other) => other === group || !other.id.startsWith(id))) return { ...group, id };
    }
    return group;
  });
}

/** FNV-1a, 32 bit, with a final mix so that the first digits alone are well spread. Not for anything that must be secret. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0).toString(16).padStart(8, "0");
}
