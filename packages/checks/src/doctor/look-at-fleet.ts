import path from "node:path";
import type { Config } from "@mailfleet/config";
import {
  type FailureCode,
  type FleetLook,
  idleLanes,
  isPause,
  isSyncError,
  type MailboxRef,
  mailboxId,
  type RedisLook,
  type StoppedLook,
  type UnservedLane,
  unservedLanes,
} from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import { describeTarget, inspectShards, type MailboxRecord, readPrivateRedis } from "@mailfleet/store";
import { connectFleet, silentLog } from "../connect-fleet.ts";

/** What the fleet's Redis is and knows, read once for a whole run of the doctor. */
export interface FleetSurvey {
  readonly redis: Exclude<RedisLook, { kind: "ready" }> | Omit<Extract<RedisLook, { kind: "ready" }>, "fleet">;
  /** All that are registered; none without Redis. */
  readonly records: readonly MailboxRecord[];
  readonly isRunning: boolean;
  readonly unserved: readonly UnservedLane[];
}

const nothing = { records: [], isRunning: false, unserved: [] } as const;

/** Does not reject: a Redis that cannot be used is what is found. */
export async function surveyFleet(config: Config): Promise<FleetSurvey> {
  const target = config.redis ?? readPrivateRedis(path.join(config.dataDir, "redis"));
  if (target === undefined) return { redis: { kind: "not running" }, ...nothing };
  try {
    const fleet = await connectFleet(config, target, silentLog);
    try {
      const { version, problems, fixes, troubles } = await inspectShards(fleet.shards);
      const ready = { kind: "ready", version, problems, fixes, troubles } as const;
      if (troubles.length > 0) return { redis: { ...ready, writeMs: 0 }, ...nothing };
      const startedMs = systemClock.monotonic();
      await Promise.all(fleet.shards.map(({ redis, keys }) => redis.set(keys.doctor, "1", "PX", 5_000)));
      const writeMs = systemClock.monotonic() - startedMs;
      const { reader } = fleet;
      const [at, records, processes, servedAt] = await Promise.all([
        reader.now(),
        reader.mailboxes(),
        reader.processes(),
        reader.lanesServed(),
      ]);
      const unserved = unservedLanes(idleLanes(processes, servedAt, at), () => records, at);
      return { redis: { ...ready, writeMs }, records, isRunning: processes.length > 0, unserved };
    } finally {
      fleet.close();
    }
  } catch (error) {
    // One of our own that nobody started is not a fault.
    if (config.redis === undefined) return { redis: { kind: "not running" }, ...nothing };
    return { redis: { kind: "unreachable", where: describeTarget(target), code: codeOf(error) }, ...nothing };
  }
}

/** The survey as one mailbox's look. */
export function redisLookOf(
  { redis, records, isRunning, unserved }: FleetSurvey,
  tenant: string,
  mailbox: MailboxRef | undefined,
): RedisLook {
  if (redis.kind !== "ready") return redis;
  const own = records.filter((record) => record.tenant === tenant);
  const id = mailbox === undefined ? undefined : mailboxId(mailbox);
  const record = own.find((one) => one.id === id);
  const checks = own.flatMap(({ checkedAt }) => checkedAt ?? []);
  const stops = stopsOf(own);
  const fleet: FleetLook = {
    isRunning,
    ...(unserved.length > 0 && { unserved }),
    tenantMailboxes: own.length,
    tenantStopped: own.filter(({ cause }) => cause !== undefined).length,
    ...(stops && { tenantStops: stops }),
    ...(checks.length > 0 && { tenantCheckedAt: checks.reduce((a, b) => Math.max(a, b)) }),
    ...(record && {
      mailbox: {
        ...(record.checkedAt !== undefined && { checkedAt: record.checkedAt }),
        ...(record.nextAt !== undefined && { nextAt: record.nextAt }),
        ...(record.cause && { cause: record.cause }),
        ...(record.parkedBy && { parkedBy: record.parkedBy.name }),
      },
    }),
  };
  return { ...redis, fleet };
}

/** Operator's parks are no failure, and what a server asked to leave alone is to be left alone. */
function stopsOf(records: readonly MailboxRecord[]): StoppedLook | undefined {
  const causes = records.flatMap(({ cause, parkedBy }) => (cause === undefined || parkedBy !== undefined ? [] : [cause]));
  const mendable = causes.filter(({ code }) => !isPause(code));
  if (mendable.length === 0) return undefined;
  const counts = new Map<FailureCode, number>();
  for (const { code } of mendable) counts.set(code, (counts.get(code) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return {
    count: mendable.length,
    parked: mendable.filter(({ state }) => state === "parked").length,
    until: mendable.reduce((latest, { nextAt }) => Math.max(latest, nextAt), 0),
    ...(most && mendable.length < causes.length && { onlyCause: most[0] }),
  };
}

function codeOf(error: unknown): string {
  if (isSyncError(error)) return error.failure.facts.code ?? error.failure.code;
  return error instanceof Error ? (/^[A-Z]{2,20}/.exec(error.message)?.[0] ?? "FAILED") : "FAILED";
}
