import type { Clock, Lane, MailboxRef } from "@mailfleet/core";
import type { PushState, SyncOutcome } from "@mailfleet/engine";
import type { TenantBook, TokenStats } from "@mailfleet/entra";
import type { RolePanel } from "@mailfleet/role";
import { judgeHealth, type RoleMetrics } from "@mailfleet/telemetry";

/** What a running worker tells about itself. */
export interface WorkerSigns {
  /** `ms`: from the lease to the settlement. */
  sessionEnded(mailbox: MailboxRef, lane: Lane, outcome: SyncOutcome | "held", ms: number): void;
  /** A look at Redis, disk and clock ended. */
  heartbeatEnded(redisAnswered: boolean): void;
  /** Sentences: why no work is taken now. */
  noteHolds(holds: readonly string[]): void;
  drains(): void;
}

/** What is asked when somebody looks. */
export interface WorkerFacts {
  readonly tenants: Pick<TenantBook, "tenants">;
  readonly tokens: () => TokenStats;
  readonly active: () => Readonly<Record<Lane, number>>;
  readonly push: () => PushState | undefined;
}

export interface ShownWorker {
  readonly signs: WorkerSigns;
  /** From now on `/readyz` and `/metrics` say how it is. */
  open(facts: WorkerFacts): void;
}

const dayMs = 86_400_000;

/** Counts nothing where nobody can ask. */
export function showWorker({ metrics, judgeBy }: RolePanel, clock: Clock): ShownWorker {
  const now = (): number => clock.monotonic();
  let [beatAt, redisAt, endAt] = [now(), now(), now()];
  let isDraining = false;
  let holds: readonly string[] = [];
  return {
    signs: {
      sessionEnded(mailbox, lane, outcome, ms) {
        endAt = now();
        if (metrics) countSession(metrics, mailbox, lane, outcome, ms);
      },
      heartbeatEnded(redisAnswered) {
        beatAt = now();
        if (redisAnswered) redisAt = beatAt;
      },
      noteHolds(found) {
        holds = found;
      },
      drains() {
        isDraining = true;
      },
    },
    open(facts) {
      const activeNow = (): number => Object.values(facts.active()).reduce((sum, one) => sum + one, 0);
      metrics?.onScrape(() => {
        metrics.set("lastSign", {}, (now() - beatAt) / 1_000);
        showFacts(metrics, facts, clock.now());
      });
      judgeBy(() =>
        judgeHealth({
          sinceRoundMs: now() - beatAt,
          sinceRedisMs: now() - redisAt,
          isDraining,
          holds,
          sessions: { active: activeNow(), sinceEndMs: now() - endAt },
        }),
      );
    },
  };
}

function countSession(metrics: RoleMetrics, { tenant }: MailboxRef, lane: Lane, outcome: SyncOutcome | "held", ms: number): void {
  const word = outcome === "held" ? outcome : outcome.kind === "failed" ? outcome.failure.code : outcome.kind;
  metrics.add("sessions", { tenant, lane, outcome: word });
  if (outcome === "held" || outcome.kind === "busy") return;
  metrics.observe("sessionSeconds", { lane }, ms / 1_000);
  const { handedOff, quarantined, commits, bytes } = outcome.counts;
  metrics.add("handedOff", { tenant, lane }, handedOff);
  metrics.add("quarantined", { tenant, lane }, quarantined);
  metrics.add("commits", { tenant, lane }, commits);
  metrics.add("mailBytes", { tenant, lane }, bytes);
  if (outcome.kind === "failed" && outcome.failure.code === "SERVER_THROTTLED") metrics.add("throttled", { tenant });
}

function showFacts(metrics: RoleMetrics, facts: WorkerFacts, now: number): void {
  metrics.clear("credentialDays", "pushed");
  for (const { alias, credential, nextCredential } of facts.tenants.tenants()) {
    for (const [role, one] of [
      ["current", credential],
      ["next", nextCredential],
    ] as const) {
      if (one?.expiresAt === undefined || !Number.isFinite(one.expiresAt)) continue;
      metrics.set("credentialDays", { tenant: alias, credential: role }, (one.expiresAt - now) / dayMs);
    }
  }
  const { requests, failures, stored, adopted, unknownKey, broken, expired } = facts.tokens();
  const events = { requests, failures, stored, adopted, unknownKey, broken, expired };
  for (const [event, count] of Object.entries(events)) metrics.standsAt("tokens", { event }, count);
  for (const [lane, count] of Object.entries(facts.active())) metrics.set("activeSessions", { lane }, count);
  const push = facts.push();
  if (push) for (const state of ["chosen", "connected"] as const) metrics.set("pushed", { state }, push[state]);
}
