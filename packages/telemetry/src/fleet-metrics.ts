import type { RoleMetrics } from "./role-metrics.ts";

/** One mailbox, as far as metrics go. Ages and lags are ms. */
export interface MailboxFact {
  readonly tenant: string;
  /** A word of `stateOf`. */
  readonly state: string;
  readonly checkAgeMs?: number;
  /** Due for so long; 0 or less where it is not due. Absent where something stops it. */
  readonly dueMs?: number;
  readonly stopped?: { readonly code: string; readonly owner: "you" | "self" };
}

export interface FleetFacts {
  /** What `status` begins with: it counts mailboxes and names none. */
  readonly sentence: string;
  readonly mailboxes: readonly MailboxFact[];
  readonly ledgers: ReadonlyMap<
    string,
    {
      readonly listed: number;
      readonly handedOff: number;
      readonly excluded: number;
      readonly quarantined: number;
      readonly toDo: number;
    }
  >;
  readonly events: { readonly waiting: number; readonly active: number; readonly delayed: number; readonly failed: number };
  readonly eventBytes: number;
  readonly oldestEventMs: number;
  readonly redisMemoryShare: number;
  readonly intake: Readonly<Record<string, "open" | "slow" | "closed">>;
  readonly syncJobs: Readonly<Record<string, number>>;
  readonly processes: readonly { readonly role: string }[];
  readonly lanes: Readonly<Record<string, { readonly workers: number; readonly waiting: number }>>;
}

const intakeValues = { open: 1, slow: 0.5, closed: 0 } as const;

/** Shows the fleet as it is now; tenants and causes that are gone are gone. */
export function showFleet(metrics: RoleMetrics, facts: FleetFacts, states: readonly string[]): void {
  metrics.clear("sentence", "mailboxes", "checkAge", "oldestCheck", "causes", "ledger", "unaccounted", "dueLag", "processes");
  metrics.set("sentence", { sentence: facts.sentence }, 1);
  const tenants = new Set([...facts.ledgers.keys(), ...facts.mailboxes.map(({ tenant }) => tenant)]);
  const byTenant = Map.groupBy(facts.mailboxes, ({ tenant }) => tenant);
  for (const tenant of tenants) showTenant(metrics, tenant, byTenant.get(tenant) ?? [], facts, states);
  for (const [lane, count] of Object.entries(facts.syncJobs)) metrics.set("syncJobs", { lane }, count);
  for (const [state, count] of Object.entries(facts.events)) metrics.set("events", { state }, count);
  metrics.set("eventBytes", {}, facts.eventBytes);
  metrics.set("oldestEvent", {}, seconds(facts.oldestEventMs));
  for (const [lane, state] of Object.entries(facts.intake)) metrics.set("intake", { lane }, intakeValues[state]);
  metrics.set("redisMemory", {}, facts.redisMemoryShare);
  for (const [role, some] of Map.groupBy(facts.processes, (one) => one.role)) metrics.set("processes", { role }, some.length);
  for (const [lane, { workers, waiting }] of Object.entries(facts.lanes)) {
    metrics.set("laneWorkers", { lane }, workers);
    metrics.set("laneWaiting", { lane }, waiting);
  }
}

function showTenant(
  metrics: RoleMetrics,
  tenant: string,
  mailboxes: readonly MailboxFact[],
  facts: FleetFacts,
  states: readonly string[],
): void {
  const counts = new Map(states.map((state) => [state, 0]));
  const stopped = new Map<string, { code: string; owner: string; count: number }>();
  let oldest = 0;
  let lag = 0;
  for (const one of mailboxes) {
    counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
    if (one.checkAgeMs !== undefined) metrics.observe("checkAge", { tenant }, seconds(one.checkAgeMs));
    if (one.stopped) {
      const key = `${one.stopped.code} ${one.stopped.owner}`;
      const before = stopped.get(key);
      stopped.set(key, { ...one.stopped, count: (before?.count ?? 0) + 1 });
    } else oldest = Math.max(oldest, one.checkAgeMs ?? 0);
    lag = Math.max(lag, one.dueMs ?? 0);
  }
  for (const [state, count] of counts) metrics.set("mailboxes", { tenant, state }, count);
  for (const { code, owner, count } of stopped.values()) metrics.set("causes", { tenant, code, owner }, count);
  metrics.set("oldestCheck", { tenant }, seconds(oldest));
  metrics.set("dueLag", { tenant }, seconds(lag));
  const ledger = facts.ledgers.get(tenant);
  if (!ledger) return;
  const { listed, handedOff, excluded, quarantined, toDo } = ledger;
  const accounts = { listed, handed_off: handedOff, excluded, quarantined, to_do: toDo };
  for (const [account, count] of Object.entries(accounts)) metrics.set("ledger", { tenant, account }, count);
  metrics.set("unaccounted", { tenant }, listed - handedOff - excluded - quarantined - toDo);
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
