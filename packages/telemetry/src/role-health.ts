/** What a role knows of itself. Times are ms. */
export interface HealthFacts {
  /** Since it last finished a round of its own work, whatever came of it: a heartbeat of a worker, a round of a producer. */
  readonly sinceRoundMs: number;
  /** Since Redis last answered it. */
  readonly sinceRedisMs: number;
  readonly isDraining: boolean;
  /** Sentences: why it takes no work now, though it could. */
  readonly holds: readonly string[];
  /** Of a worker: mailboxes at work, and since the last of them ended. */
  readonly sessions?: { readonly active: number; readonly sinceEndMs: number };
}

/**
 * `isAlive` false: only a restart helps. `isReady` false: it does not do its work now and comes back by itself, such as while Redis is
 * away; restarting it would change nothing.
 */
export interface RoleHealth {
  readonly isAlive: boolean;
  readonly isReady: boolean;
  /** For an operator, without secrets and mailboxes. */
  readonly problems: readonly string[];
}

/** A round ends by itself within 30 s, also when Redis does not answer: four of them are no accident. */
const stuckRoundMs = 120_000;
/** As long as others believe a heartbeat. */
const redisSilentMs = 30_000;
/** A slice of history may last 15 min (`sync.slice.seconds` at most), and a session ends behind it: twice that. */
const stuckSessionsMs = 30 * 60_000;

export function judgeHealth(facts: HealthFacts): RoleHealth {
  const fatal: string[] = [];
  if (facts.sinceRoundMs > stuckRoundMs)
    fatal.push(`No round of work ended for ${seconds(facts.sinceRoundMs)} s; one takes less than 30 s.`);
  const { sessions } = facts;
  if (sessions && sessions.active > 0 && sessions.sinceEndMs > stuckSessionsMs) {
    fatal.push(`${sessions.active} sessions are at work and none ended for ${seconds(sessions.sinceEndMs)} s; one takes 15 min at most.`);
  }
  const waits = [...facts.holds];
  if (facts.sinceRedisMs > redisSilentMs)
    waits.push(`Redis did not answer for ${seconds(facts.sinceRedisMs)} s. Work goes on when it does.`);
  if (facts.isDraining) waits.push("It stops: no new work is taken.");
  return { isAlive: fatal.length === 0, isReady: fatal.length === 0 && waits.length === 0, problems: [...fatal, ...waits] };
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
