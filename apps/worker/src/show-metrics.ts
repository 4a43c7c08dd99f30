import type { Config } from "@mailfleet/config";
import { type Clock, type Lane, type Log, type MailboxRef } from "@mailfleet/core";
import type { PushState, SyncOutcome } from "@mailfleet/engine";
import type { TenantBook, TokenStats } from "@mailfleet/entra";
import { programVersion } from "@mailfleet/runtime";
import { createRoleMetrics, judgeHealth, type RoleMetrics, startRoleServer } from "@mailfleet/telemetry";

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
  /** Shows it. @throws SyncError CONFIG_INVALID when the address of `metrics.listen` cannot be had */
  open(facts: WorkerFacts): Promise<void>;
  close(): void;
}

const dayMs = 86_400_000;

/** Counts nothing where nobody can ask. */
export function showWorker(config: Config, clock: Clock, log: Log): ShownWorker {
  const metrics =
    config.metrics && createRoleMetrics({ role: "worker", version: programVersion(new URL("../package.json", import.meta.url)) });
  const now = (): number => clock.monotonic();
  let [beatAt, redisAt, endAt] = [now(), now(), now()];
  let isDraining = false;
  let holds: readonly string[] = [];
  let close = (): void => undefined;
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
    async open(facts) {
      if (!metrics || !config.metrics) return;
      const activeNow = (): number => Object.values(facts.active()).reduce((sum, one) => sum + one, 0);
      metrics.onScrape(() => {
        metrics.set("lastSign", {}, (now() - beatAt) / 1_000);
        showFacts(metrics, facts, clock.now());
      });
      const server = await startRoleServer({
        listen: config.metrics.listen,
        metrics,
        log,
        health: () =>
          judgeHealth({
            sinceRoundMs: now() - beatAt,
            sinceRedisMs: now() - redisAt,
            isDraining,
            holds,
            sessions: { active: activeNow(), sinceEndMs: now() - endAt },
          }),
      });
      log.info({ port: server.port }, "metrics and health are shown");
      close = () => server.close();
    },
    close: () => close(),
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
