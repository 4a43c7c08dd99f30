import {
  type CauseGroup,
  describeIntake,
  describeLane,
  type DownstreamMarks,
  fleetSentence,
  fullest,
  idleLanes,
  type Lane,
  laneWaiting,
  laneWorkers,
  stateOf,
  sumLoads,
  unservedLanes,
  viewFleet,
} from "@mailfleet/core";
import type { IntakeWatch, SyncQueues } from "@mailfleet/queue";
import type { FleetReader, MailboxRecord } from "@mailfleet/store";
import type { FleetFacts, MailboxFact } from "@mailfleet/telemetry";

export interface FactsSources {
  readonly reader: Pick<FleetReader, "now" | "mailboxes" | "tenantLedgers" | "processes" | "lanesServed">;
  /** At least one. */
  readonly shards: readonly { readonly queues: Pick<SyncQueues, "waiting">; readonly intake: Pick<IntakeWatch, "look"> }[];
  readonly freshWithinMs: number;
  /** A shard's share of what consumers may leave. */
  readonly marks: DownstreamMarks;
}

/** The fleet as metrics show it; reads every mailbox, so not more often than somebody asks. */
export async function readFleetFacts({ reader, shards, freshWithinMs, marks }: FactsSources): Promise<FleetFacts> {
  const now = await reader.now();
  const [records, ledgers, processes, servedAt, watched, fresh, backfill] = await Promise.all([
    reader.mailboxes(),
    reader.tenantLedgers(),
    reader.processes(),
    reader.lanesServed(),
    Promise.all(shards.map(({ intake }) => intake.look())),
    waitingIn(shards, "fresh"),
    waitingIn(shards, "backfill"),
  ]);
  const load = sumLoads(watched.map((one) => one.load));
  // Of several shards the words are about the one that is held back most.
  const decided = fullest(watched.map((one) => ({ ...one.intake, load: one.load })));
  const intake = describeIntake(decided, decided.load, marks, now);
  const lanes = unservedLanes(idleLanes(processes, servedAt, now), () => records, now).map((one) => describeLane(one, now));
  const view = viewFleet(records, now, freshWithinMs, { intake, lanes });
  const { waiting, active, delayed, failed } = load;
  const lane = (one: Lane) => ({ workers: laneWorkers(processes, one), waiting: laneWaiting(records, one, now) });
  return {
    sentence: fleetSentence(view),
    mailboxes: mailboxFacts(records, now, freshWithinMs, view.causes),
    ledgers,
    events: { waiting, active, delayed, failed },
    eventBytes: load.bytes,
    oldestEventMs: load.oldestAt === undefined ? 0 : now - load.oldestAt,
    redisMemoryShare: load.memoryShare,
    intake: { fresh: decided.lanes.fresh.state, backfill: decided.lanes.backfill.state } satisfies Record<Lane, string>,
    syncJobs: { fresh, backfill } satisfies Record<Lane, number>,
    processes,
    lanes: { fresh: lane("fresh"), backfill: lane("backfill") } satisfies Record<Lane, object>,
  };
}

async function waitingIn(shards: FactsSources["shards"], lane: Lane): Promise<number> {
  return (await Promise.all(shards.map(({ queues }) => queues.waiting(lane)))).reduce((sum, one) => sum + one, 0);
}

/** The same states and causes as `status` shows; who has to act is the cause's, whomever it hits. */
function mailboxFacts(
  records: readonly MailboxRecord[],
  now: number,
  freshWithinMs: number,
  causes: readonly CauseGroup[],
): readonly MailboxFact[] {
  const owners = new Map<string, "you" | "self">();
  for (const { code, tenant, owner } of causes) owners.set(`${code} ${tenant ?? ""}`, owner);
  return records.map((record): MailboxFact => {
    const { tenant, checkedAt, nextAt, cause, parkedBy } = record;
    const owner = cause && (owners.get(`${cause.code} ${tenant}`) ?? owners.get(`${cause.code} `) ?? "self");
    return {
      tenant,
      state: stateOf(record, { now, factsAt: now, freshWithinMs }),
      ...(checkedAt !== undefined && { checkAgeMs: now - checkedAt }),
      ...(nextAt !== undefined && !cause && !parkedBy && { dueMs: now - nextAt }),
      ...(cause && owner && !parkedBy && { stopped: { code: cause.code, owner } }),
    };
  });
}
